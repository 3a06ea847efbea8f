"""Worker processes that die are replaced, and errors of their work keep their class."""

import functools
import multiprocessing
import os
import signal

import pytest

from raygroup.errors import ConfigError, WorkerDiedError
from raygroup.runtime.process_map import MAX_DEATHS, map_in_order
from raygroup.runtime.processes import WorkerPool


@pytest.fixture
def workers():
    with WorkerPool(2) as pool:
        yield pool


def die_at_three(folder, item):
    """Square a number. The first process that gets 3 is killed."""
    if item == 3 and not (folder / "killed").exists():
        (folder / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item * item


def die(item):
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(item):
    raise ConfigError(f"{item} is wrong")


class UnsendableError(Exception):
    """An error that cannot be unpickled, because its class takes two arguments."""

    def __init__(self, one, other):
        super().__init__(one)


def raise_unsendable(item):
    raise UnsendableError("reason", item)


def test_the_item_of_a_killed_process_is_done_by_another_and_results_keep_their_order(workers, tmp_path, capfd):
    assert [*map_in_order(workers, functools.partial(die_at_three, tmp_path), range(12))] == [item * item for item in range(12)]
    assert capfd.readouterr().err == "raygroup: its process ended by SIGKILL (out of memory?); another process takes over its work\n"


def test_work_that_kills_every_process_ends_with_the_likely_reason(workers):
    with pytest.raises(WorkerDiedError, match=rf"^{MAX_DEATHS} worker processes in a row died .* by SIGKILL \(out of memory\?\)"):
        list(map_in_order(workers, die, [1]))
    assert WorkerDiedError.exit_code == 3


def test_an_error_of_the_work_is_raised_with_its_class_and_its_traceback(workers):
    with pytest.raises(ConfigError, match="7 is wrong") as caught:
        list(map_in_order(workers, refuse, [7]))
    assert str(caught.value) == "7 is wrong"
    assert "in refuse" in caught.value.__notes__[0]
    with pytest.raises(RuntimeError, match="UnsendableError: reason"):
        list(map_in_order(workers, raise_unsendable, [7]))


def test_items_are_taken_only_as_processes_are_free_for_them(workers):
    taken = []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    squares = map_in_order(workers, abs, items())
    assert next(squares) == 0
    assert len(taken) < 20


def test_an_idle_process_that_is_killed_costs_no_attempt(workers):
    assert list(map_in_order(workers, abs, [-1, -2])) == [1, 2]
    for process in multiprocessing.active_children():
        process.kill()
        process.join()
    workers.submit("next", abs, -3)
    assert list(workers.results()) == [("next", 3)]


def test_a_smaller_pool_ends_the_idle_processes_that_are_too_many(workers):
    list(map_in_order(workers, abs, [-1, -2, -3]))
    workers.resize(0)
    assert not multiprocessing.active_children()
    workers.resize(1)
    assert list(map_in_order(workers, abs, [-1])) == [1]
