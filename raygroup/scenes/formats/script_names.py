"""The names data sets give to scripts and languages, and the tasks they mean."""

import functools

from raygroup.tasks import TASKS

_NAMES = {
    "arabic": "ar", "bangla": "bn", "bengali": "bn", "chinese": "zh", "hindi": "hi", "devanagari": "hi", "japanese": "ja",
    "korean": "ko", "hangul": "ko", "latin": "la", "english": "la", "french": "la", "german": "la", "italian": "la",
}  # fmt: skip
_TASKLESS = frozenset({"symbols", "symbol", "mixed", "none"})

MLT19_SCRIPTS = ("Arabic", "Latin", "Chinese", "Japanese", "Korean", "Bangla", "Hindi", "Symbols", "Mixed", "None")
"""As MLT19 spells them."""
MLT19_OF_TASK = {"ar": "Arabic", "bn": "Bangla", "zh": "Chinese", "hi": "Hindi", "ja": "Japanese", "ko": "Korean", "la": "Latin"}


@functools.lru_cache(1024)
def task_of(script: str | None) -> str | None:
    """The task that a script's name means, whatever its case; None for Symbols, Mixed, None and what is no task."""
    if script is None:
        return None
    name = script.strip().casefold()
    return name if name in TASKS else _NAMES.get(name)


def is_script(script: str | None) -> bool:
    """Whether a data set's name for a script says something: a task, or that there is none. True where it names none."""
    return script is None or task_of(script) is not None or script.strip().casefold() in _TASKLESS
