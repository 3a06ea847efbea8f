"""Preview the user's words of a sweep: what is kept, what is dropped, and what is new to the universal head."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from raygroup.config import Pretraining, Trial
from raygroup.files.local_copies import copy_path
from raygroup.files.places import Place, local_path
from raygroup.runtime.planning.jobs import weights_file
from raygroup.runtime.planning.requirements import require_data, universal_charset
from raygroup.runtime.stage1.job import jobs_on_words
from raygroup.runtime.stage1.start import head_file
from raygroup.search_space import Sweep, load
from raygroup.words.charset import Charset
from raygroup.words.importing.bad_share import require_few_lost_in
from raygroup.words.importing.listed_rows import ReportProgress, ignore_progress
from raygroup.words.importing.preview import ReadLabels, WordsPreview, read_labels, stored_preview

if TYPE_CHECKING:
    from rich.console import Console

    from raygroup.runtime.planning.jobs import Job
    from raygroup.runtime.planning.plan import Plan


def preview_words(
    words: Path | str, sweep: Sweep | str = "quickstart", progress: ReportProgress = ignore_progress
) -> tuple[WordsPreview, ...]:
    """Return what a sweep would read of a user's words, one preview for each distinct tasks and weights of its trials.

    It reads labels alone, opens no image and writes nothing. It is the Python twin of ``--dry-run``
    with ``--words``. ``sweep`` is a ``Sweep``, or the name or path of a search space.

    Raises ConfigError for words, a search space or weights that cannot be used. It never refuses too
    many bad words: ``WordsPreview.lost_share`` is their share.
    """
    space = sweep if isinstance(sweep, Sweep) else load(sweep)
    require_data(space, local_path(words), None, None)
    trials = [trial for _, trial in space.trials() if isinstance(trial, Trial | Pretraining)]
    pairs = dict.fromkeys((trial.words.tasks, _first_head(trial)) for trial in trials)
    labels = {tasks: read_labels(local_path(words), tasks, progress) for tasks, _ in pairs}
    return tuple(_preview(labels[tasks], first_head) for tasks, first_head in pairs)


def plan_previews(plan: "Plan", jobs: Iterable["Job"]) -> tuple[WordsPreview, ...]:
    """Return one preview for each distinct word store and weights of these jobs. Without a user's words there is none.

    A store that lies on this machine gives the counts of its import. For the others they come from
    the labels, which the plan has read.
    """
    if plan.words is None:
        return ()
    distinct = {(job.store, _first_head(job.trial)): job.trial for job in jobs_on_words(jobs)}
    return tuple(
        stored_preview(_local(store), _charset(first_head)) or _preview(plan.labels[trial.words.tasks], first_head)
        for (store, first_head), trial in distinct.items()
    )


def require_few_lost_words(plan: "Plan", previews: Iterable[WordsPreview], bad_share: float) -> None:
    """Raise ConfigError if more than ``bad_share`` of the words of a preview are lost."""
    for preview in previews:
        require_few_lost_in(preview.report, next(iter(plan.labels.values())).file, bad_share)


def print_previews(previews: Sequence[WordsPreview], console: "Console") -> None:
    """Print the previews, each as a table of at most 80 columns."""
    from raygroup.tables.words_preview import print_words_preview

    for preview in previews:
        print_words_preview(preview, console)


def _preview(labels: ReadLabels, first_head: Path | None) -> WordsPreview:
    return WordsPreview(tasks=labels.tasks, report=labels.report, charset=_charset(first_head), images_opened=False)


def _first_head(trial: Trial | Pretraining) -> Path | None:
    """Return the file of the universal head that a trial starts from. None: stage 1 starts from no head."""
    return head_file(trial) if isinstance(trial, Pretraining) else weights_file(trial.weights.file)


def _charset(first_head: Path | None) -> Charset:
    return universal_charset(first_head) if first_head else Charset(())


def _local(store: Place) -> Path:
    return store if isinstance(store, Path) else copy_path(store)
