"""Refuse a data set of which an import would lose too many words."""

from collections.abc import Callable, Mapping
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.words.importing.reasons import ADVICE, LEFT_OUT
from raygroup.words.importing.report import Report

_LONGEST_EXAMPLE = 110


def num_lost(dropped: Mapping[str, int]) -> int:
    """Return how many words are lost. ``dropped`` counts them by reason, with those of ``LEFT_OUT``, which do not count."""
    return sum(count for reason, count in dropped.items() if reason not in LEFT_OUT)


def num_left_out(dropped: Mapping[str, int]) -> int:
    """Return how many words are dropped without loss."""
    return sum(dropped.values()) - num_lost(dropped)


def require_few_lost(file: Path, listed: int, dropped: Mapping[str, int], bad_share: float, example: Callable[[str], str]) -> None:
    """Raise ConfigError if more than ``bad_share`` of the ``listed`` words are lost, whatever the reason.

    The words of ``LEFT_OUT`` are neither lost nor listed here. ``example`` gives the place of the
    first word that was dropped for a reason.
    """
    lost, total = num_lost(dropped), listed - num_left_out(dropped)
    if lost <= bad_share * total:
        return
    main = max((reason for reason in dropped if reason not in LEFT_OUT), key=lambda reason: dropped[reason])
    raise ConfigError(
        f"{file.parent.name}/{file.name}: {lost} of {total} words are dropped, mostly {dropped[main]} for {main!r}, "
        f"such as {example(main):.{_LONGEST_EXAMPLE}}; at most {100 * bad_share:g}% of {total} may be: {ADVICE[main]}, "
        "or raise --bad-share"
    )


def require_few_lost_in(report: Report, file: Path, bad_share: float) -> None:
    """Raise ConfigError like ``require_few_lost``, for the words of a report."""
    counts = {reason: words.count for reason, words in report.dropped.items()}
    require_few_lost(file, report.listed, counts, bad_share, lambda reason: report.dropped[reason].examples[0])
