"""Print the scores of a submission."""

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from raygroup.scoring.curve import Curve
from raygroup.scoring.measures import Scores
from raygroup.scoring.results import Result
from raygroup.terminal import print_table, table

_COLUMNS = ("precision", "recall", "H", "AP", "1-NED")


def print_result(result: Result, title: str, curve: Curve | None, out: Console) -> None:
    """Print the scores of a result.

    Counts, the best threshold if there is a curve, scores by script and notes follow.
    """
    print_table(out, title, _scores(result))
    num = result.counts
    out.print(
        f"{num.correct} correct of {num.found} found of {num.words} words in {num.images} images; {num.detections} detections; "
        f"not counted: {num.ignored_words} words (don't care), {num.ignored_detections} detections over them", soft_wrap=True,
    )  # fmt: skip
    if curve is not None and len(curve.threshold):
        best = curve.best
        out.print(
            f"highest H {_percent(curve.hmean[best])} with the detections of confidence {curve.threshold[best]:.4f} and above: "
            f"precision {_percent(curve.precision[best])}, recall {_percent(curve.recall[best])}", soft_wrap=True,
        )  # fmt: skip
    if result.scripts:
        print_table(out, "\nby script of the word", _scripts(result))
    if result.reading:
        print_table(out, "\nwords found, as read", _reading(result))
    for note in result.notes:
        out.print(f"note: {escape(note)}", soft_wrap=True)


def _scores(result: Result) -> Table:
    rows = table("texts compared" if result.reads else "", *_COLUMNS, right=_COLUMNS)
    rows.add_row("upper-cased" if result.reads else "scores", *_percentages(result.scores))
    if result.case_sensitive is not None:
        rows.add_row("case-sensitive", *_percentages(result.case_sensitive))
    return rows


def _scripts(result: Result) -> Table:
    columns = ("words", "found", "correct", "recall", "correct of found")
    rows = table("script", *columns, right=columns)
    for name, each in result.scripts.items():
        rows.add_row(name, *map(str, (each.words, each.found, each.correct)), _percent(each.recall), _percent(each.found_correct))
    return rows


def _reading(result: Result) -> Table:
    columns = ("words", "accuracy", "1-NED", "accuracy to the code point", "1-NED to the code point")
    rows = table("script", *columns, right=columns)
    exact = dict(result.reading["exact"].rows()) | {"all": result.reading["exact"].all}
    rows_by_name = [*result.reading["normalised"].by_task.items(), ("all", result.reading["normalised"].all)]
    for name, score in rows_by_name:
        numbers = (score.accuracy, score.one_minus_ned, exact[name].accuracy, exact[name].one_minus_ned)
        rows.add_row(name, str(score.num_words), *map(_percent, numbers))
    return rows


def _percentages(scores: Scores) -> Iterator[str]:
    for value in (scores.precision, scores.recall, scores.hmean, scores.ap, scores.one_minus_ned):
        yield _percent(value)


def _percent(value: float | None) -> str:
    return "-" if value is None or value != value else f"{100 * value:.2f}"
