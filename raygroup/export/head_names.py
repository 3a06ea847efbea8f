"""Name heads by their tasks, so that none is taken for another."""

import re
from collections.abc import Sequence

from raygroup.tasks import by_paper_order

_MOST_LETTERS = 80
"""Letters of a name. File systems take 255 bytes."""
_SAFE = re.compile(r"[A-Za-z0-9_-]+")
"""Names of tasks that every file system takes."""


def head_name(group: Sequence[str], number: int) -> str:
    """Return the name of a head, such as ``ar+zh``.

    If a task's name has other signs than letters, digits, ``_`` and ``-``, or if the name would be
    very long, it is ``number-N``. A task cannot be called so.
    """
    name = "+".join(by_paper_order(set(group)))
    is_safe = all(_SAFE.fullmatch(task) for task in group) and not name.startswith(_NUMBERED)
    return name if is_safe and len(name) <= _MOST_LETTERS else f"{_NUMBERED}{number}"


_NUMBERED = "number-"
