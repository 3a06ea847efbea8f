"""Let a training step reuse the memory that the step before freed."""

import ctypes

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of mallopt(3)."""


def keep_freed_memory() -> bool:
    """Keep large freed blocks instead of returning them to the system.

    Returns whether the system's allocator accepted the setting. glibc's does. A training step frees
    and takes the same large arrays again and again. If each is mapped anew, every page costs a page
    fault, which takes a third of the time of a step at the paper's shape. A process that calls this
    does not shrink until it ends.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))
