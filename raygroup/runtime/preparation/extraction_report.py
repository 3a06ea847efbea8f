"""What the features command says: what is made and what is not, what became of the words, and how far it is."""

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console

from raygroup.files.atomic import read_json
from raygroup.files.local_copies import local_copy
from raygroup.runtime.planning.jobs import Job
from raygroup.runtime.preparation.extraction import Progress, extraction_of, made_shards
from raygroup.runtime.progress import preparing
from raygroup.terminal import say
from raygroup.words.importing.report import Report
from raygroup.words.word_store import open_word_store

_PLAIN_LINE_S = 20.0


def state(job: Job, shard_rows: int | None) -> str:
    """What is made and what is not."""
    if job.features.exists():
        return f"made already: {size(job)}"
    if not job.store.exists():
        return f"to make: words in {job.store.parent}, features in {job.features.parent}"
    extraction = extraction_of(job, shard_rows=shard_rows)
    missing = extraction.shards - len(made_shards(extraction))
    return f"to make: {missing} of {extraction.shards} shards of {extraction.words} words in {job.features.parent}"


def size(job: Job) -> str:
    """Of features that are made."""
    stored = read_json(job.features)
    shards = stored["shards"]
    several = "s" if len(shards) > 1 else ""
    megabytes = sum(shard["bytes"] for shard in shards) / 1e6
    return f"{stored['rows']} words in {len(shards)} shard{several}, {megabytes:.1f} MB, in {job.features.parent}"


def intake(job: Job) -> str:
    """What was kept and dropped on the way into the word store."""
    return "\n".join(Report.from_json(open_word_store(local_copy(job.store)).metadata.report).lines())


@contextlib.contextmanager
def telling(screen: Console) -> Iterator[Progress]:
    """A bar on a terminal, one plain line now and then without one."""
    if screen.is_terminal:
        with preparing(screen) as progress:
            yield progress
        return
    began: dict[str, tuple[float, int]] = {}
    said = time.monotonic()

    def tell(what: str, done: int, of: int) -> None:
        nonlocal said
        now = time.monotonic()
        since, before = began.setdefault(what, (now, done))
        if done == of or now - said > _PLAIN_LINE_S:
            said = now
            rate = f", {(done - before) / (now - since):.0f} a second" if done > before and now > since else ""
            say(screen, f"{done} of {of} {what}{rate}")

    yield tell
