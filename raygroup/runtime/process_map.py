"""Apply a function to many items in the processes of this machine."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from raygroup.errors import WorkerDiedError
from raygroup.runtime.processes import WorkerPool
from raygroup.terminal import print_warning

MAX_DEATHS = 4
"""Processes that may die at one item. A lack of memory seldom passes by itself."""
_AHEAD = 4
"""Items for each process that are begun before the first result is taken. Few results are thus in memory."""
Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_order(workers: WorkerPool, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield the result of each item, in their order.

    An item is taken when a process is free for it. If a process dies, another takes over its item.
    Raises the error that work raises, and WorkerDiedError after ``MAX_DEATHS`` deaths at one item.
    """
    waiting = enumerate(items)
    running: dict[int, Item] = {}
    finished: dict[int, Result] = {}
    deaths: Counter[int] = Counter()
    due = 0
    while True:
        while not workers.full and len(running) + len(finished) < _AHEAD * workers.size:
            entry = next(waiting, None)
            if entry is None:
                break
            running[entry[0]] = entry[1]
            workers.submit(entry[0], work, entry[1])
        if not running:
            return
        for number, result in workers.results():
            if isinstance(result, WorkerDiedError):
                deaths[number] += 1
                _report_death(result, deaths[number])
                workers.submit(number, work, running[number])
            else:
                del running[number]
                finished[number] = result
        while due in finished:
            yield finished.pop(due)
            due += 1


def _report_death(death: WorkerDiedError, deaths: int) -> None:
    """Say that a process died. Raises the error of its work, or the last of ``MAX_DEATHS`` deaths."""
    if death.__cause__ is not None:
        raise death.__cause__
    if deaths == MAX_DEATHS:
        raise WorkerDiedError(f"{deaths} worker processes in a row died at the same work: {death}; free memory or use fewer processes")
    print_warning(f"{death}; another process takes over its work")
