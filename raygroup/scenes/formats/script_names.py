"""Map names of scripts and languages to tasks."""

import functools

from raygroup.tasks import TASKS

_NAMES = {
    "arabic": "ar", "bangla": "bn", "bengali": "bn", "chinese": "zh", "hindi": "hi", "devanagari": "hi", "japanese": "ja",
    "korean": "ko", "hangul": "ko", "latin": "la", "english": "la", "french": "la", "german": "la", "italian": "la",
}  # fmt: skip
_NO_TASK = frozenset({"symbols", "symbol", "mixed", "none"})

MLT19_SCRIPTS = ("Arabic", "Latin", "Chinese", "Japanese", "Korean", "Bangla", "Hindi", "Symbols", "Mixed", "None")
"""Scripts in MLT19's spelling."""
MLT19_OF_TASK = {"ar": "Arabic", "bn": "Bangla", "zh": "Chinese", "hi": "Hindi", "ja": "Japanese", "ko": "Korean", "la": "Latin"}


@functools.lru_cache(1024)
def task_of(script: str | None) -> str | None:
    """Return the task of a script, or None.

    Upper and lower case are the same. Symbols, Mixed, None and unknown names have no task.
    """
    if script is None:
        return None
    name = script.strip().casefold()
    return name if name in TASKS else _NAMES.get(name)


def is_script(script: str | None) -> bool:
    """Return whether the name of a script is known.

    Symbols, Mixed and None are known, although they belong to no task. No name at all (Python's
    None) also counts as known.
    """
    return script is None or task_of(script) is not None or script.strip().casefold() in _NO_TASK
