"""Texts of the features command.

They tell which features exist, how the import of the words went, and the progress.
"""

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console

from raygroup.files.atomic import read_json
from raygroup.files.local_copies import local_copy
from raygroup.runtime.planning.jobs import WordJob
from raygroup.runtime.preparation.extraction import ProgressCallback, finished_shards
from raygroup.runtime.preparation.extraction_plan import plan_extraction
from raygroup.runtime.progress import progress_bars
from raygroup.terminal import print_line
from raygroup.words.importing.listed_rows import MANY_ROWS
from raygroup.words.importing.report import Report
from raygroup.words.word_store import open_word_store

_PLAIN_LINE_S = 20.0
"""Time between two lines of progress without a terminal."""


def preparation_text(job: WordJob, shard_rows: int | None) -> str:
    """Return a line on the words and shards that a job still needs."""
    if job.features.exists():
        return f"already made: {features_text(job)}"
    if not job.store.exists():
        return f"to make: words in {job.store.parent}, features in {job.features.parent}"
    extraction = plan_extraction(job, shard_rows=shard_rows)
    missing = extraction.num_shards - len(finished_shards(extraction))
    return f"to make: {missing} of {extraction.num_shards} shards of {extraction.num_words} words in {job.features.parent}"


def features_text(job: WordJob) -> str:
    """Return the number of words, shards and megabytes of finished features."""
    index = read_json(job.features)
    shards = index["shards"]
    megabytes = sum(shard["bytes"] for shard in shards) / 1e6
    return f"{index['rows']} words in {len(shards)} shard{'s' if len(shards) > 1 else ''}, {megabytes:.1f} MB, in {job.features.parent}"


def import_report(job: WordJob) -> str:
    """Return lines that count the words kept and dropped by the import."""
    return "\n".join(Report.from_json(open_word_store(local_copy(job.store)).metadata.report).lines())


@contextlib.contextmanager
def extraction_progress(screen: Console) -> Iterator[ProgressCallback]:
    """Show progress as bars on a terminal, as plain lines elsewhere. Yields the callback."""
    if screen.is_terminal:
        with progress_bars(screen) as progress:
            yield progress
        return
    starts: dict[str, tuple[float, int]] = {}
    last_line_s = time.monotonic()

    def print_progress(label: str, done: int, total: int) -> None:
        nonlocal last_line_s
        now_s = time.monotonic()
        start_s, done_before = starts.setdefault(label, (now_s, done))
        if done == total or (done == 0 and total >= MANY_ROWS) or now_s - last_line_s > _PLAIN_LINE_S:
            last_line_s = now_s
            rate = f", {(done - done_before) / (now_s - start_s):.0f} a second" if done > done_before and now_s > start_s else ""
            print_line(screen, f"{done} of {total} {label}{rate}")

    yield print_progress
