"""Wait for work with a time limit, in a way that Ctrl-C can interrupt.

The clients of object stores block in C++, where no signal of Python arrives.
"""

import errno
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from raygroup.files.interrupts import leave_without

Result = TypeVar("Result")


def within(limit_s: float, work: Callable[[], Result], name: str) -> Result:
    """Return the result of ``work``, which another thread does.

    Raises TimeoutError that names ``name`` once the time is over. The thread is then left alone.
    """
    outcomes: queue.SimpleQueue[tuple[Result | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcomes.put((work(), None))
        except BaseException as error:
            outcomes.put((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        result, error = outcomes.get(timeout=limit_s)
    except queue.Empty:
        raise TimeoutError(errno.ETIMEDOUT, f"does not answer within {limit_s:g} s", name) from None
    finally:
        if thread.is_alive():
            leave_without(thread)
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # there is one if there is no error
