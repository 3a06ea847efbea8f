"""Memory of a training process: what a step frees, the next one takes again without asking the system."""

import ctypes

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of mallopt(3)."""


def keep_freed_memory() -> bool:
    """Keeps large blocks in the process instead of mapping each anew; whether this system's allocator (glibc's) took the setting.

    A training step frees and takes the same large arrays again and again. Mapped anew, every page of them costs a page fault: a third
    of the time of a step at the paper's shape. A process that calls this does not shrink again before it ends.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))
