"""The mixtures that the trials of a sweep draw their words by: checked before anything runs, and shown."""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from raygroup.config_sections import require
from raygroup.files.places import Place

if TYPE_CHECKING:
    from rich.console import Console

    from raygroup.runtime.planning.jobs import Job
    from raygroup.words.mixtures import Mixture


def mixtures_of(jobs: Iterable["Job"], words: Path | None) -> "list[tuple[Mixture, int, int]]":
    """Every mixture with the steps and the words of a step of the trials that draw by it, each once; none for trials without one.

    Its sizes are those of the stored words, or of the listed ones where ``words`` are not stored yet. Raises ConfigError where the
    ratios are not those of the sources there are.
    """
    from raygroup.words.mixtures import listed_sources, mixture_of

    listed, stored = functools.cache(listed_sources), functools.cache(_stored)
    found: dict[tuple[Mixture, int, int], None] = {}
    for job in jobs:
        settings, training = job.trial.words, job.trial.training
        if not settings.mixture:
            continue
        require(words is not None, "words.mixture", settings.mixture, "empty without --words: rendered words are of one source")
        sizes = stored(job.store) or listed(words, settings.tasks)
        found[mixture_of(settings, sizes), training.steps, training.batch] = None
    return list(found)


def show_mixtures(jobs: Sequence["Job"], words: Path | None, console: "Console") -> None:
    """Prints how probable each source is, for every mixture of these trials."""
    from raygroup.tables.mixture import print_mixture

    for mixture, steps, batch in mixtures_of(jobs, words):
        print_mixture(mixture, steps, batch, console)


def _stored(store: Place) -> dict[str, int]:
    """Source -> words to train on; nothing where there is no store yet."""
    from raygroup.files.local_copies import local_copy
    from raygroup.words.mixtures import stored_sources
    from raygroup.words.word_store import open_word_store

    return stored_sources(open_word_store(local_copy(store))) if store.is_file() else {}
