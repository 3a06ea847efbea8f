"""Check and print the mixtures by which trials draw their words."""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from raygroup.config_sections import require
from raygroup.files.places import Place

if TYPE_CHECKING:
    from rich.console import Console

    from raygroup.runtime.planning.jobs import Job
    from raygroup.words.mixtures import Mixture


class TrainingMixture(NamedTuple):
    """A mixture, and how many words the trials draw by it."""

    mixture: "Mixture"
    steps: int
    batch: int
    """Words of one step."""


def collect_mixtures(jobs: Iterable["Job"], words: Path | None) -> list[TrainingMixture]:
    """Return every distinct mixture of the jobs. Jobs without a mixture add none.

    The sizes of the sources come from the word store. If it does not exist yet, they come from the
    user's ``words``. Raises ConfigError if the ratios do not fit the sources.
    """
    from raygroup.runtime.stage1.job import jobs_on_words
    from raygroup.words.mixtures import listed_sources, mixture_of

    listed, stored = functools.cache(listed_sources), functools.cache(_stored_sources)
    mixtures: dict[TrainingMixture, None] = {}
    for job in jobs_on_words(jobs):
        settings = job.trial.words
        if not settings.mixture:
            continue
        require(words is not None, "words.mixture", settings.mixture, "empty without --words: rendered words are of one source")
        sizes = stored(job.store) or listed(words, settings.tasks)
        mixtures[TrainingMixture(mixture_of(settings, sizes), job.steps, job.batch)] = None
    return list(mixtures)


def print_mixtures(jobs: Sequence["Job"], words: Path | None, console: "Console") -> None:
    """Print the probability of each source, for every mixture of the jobs."""
    from raygroup.tables.mixture import print_mixture

    for mixture, steps, batch in collect_mixtures(jobs, words):
        print_mixture(mixture, steps, batch, console)


def _stored_sources(store: Place) -> dict[str, int]:
    """Return the number of training words of each source. It is empty if the store does not exist yet."""
    from raygroup.files.local_copies import local_copy
    from raygroup.words.mixtures import stored_sources
    from raygroup.words.word_store import open_word_store

    return stored_sources(open_word_store(local_copy(store))) if store.is_file() else {}
