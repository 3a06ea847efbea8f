"""The scripts of tasks and their families, for rules made by hand."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from raygroup.task_groups import Groups
from raygroup.tasks import find_task, language_of
from raygroup.words.scripts import script_of_task

_UNICODE_NAMES = {
    "Arab": "Arabic", "Beng": "Bengali", "Hani": "Han", "Deva": "Devanagari", "Kana": "Japanese", "Hang": "Hangul", "Latn": "Latin",
}  # fmt: skip
_FAMILIES = {
    "East Asian": ("Han", "Japanese", "Hangul", "Bopomofo", "Hiragana", "Katakana"),
    "Indic": (
        "Bengali", "Devanagari", "Gujarati", "Gurmukhi", "Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil",
        "Telugu", "Thai", "Tibetan",
    ),
    "European": ("Latin", "Cyrillic", "Greek", "Armenian", "Georgian"),
    "Semitic": ("Arabic", "Hebrew", "Syriac", "Thaana", "Ethiopic"),
}  # fmt: skip
_FAMILY_OF = {script: family for family, scripts in _FAMILIES.items() for script in scripts}


def script_of(task: str) -> str:
    """Return a task's script, such as ``Devanagari``. A task that raygroup does not know is its own script."""
    known = find_task(task)
    return _UNICODE_NAMES[known.script] if known else script_of_task(task) or task


def family_of(task: str) -> str:
    """Return the family of a task's script. A script of no family is its own."""
    script = script_of(task)
    return _FAMILY_OF.get(script, script)


def distance(one: str, other: str) -> float:
    """Return 0 for parts of one language, 1 for a shared script, 2 for scripts that share letters, 3 for a family, 4 otherwise.

    Chinese and Japanese share the Han letters.
    """
    if language_of(one) == language_of(other):
        return 0.0
    scripts = {script_of(one), script_of(other)}
    if len(scripts) == 1:
        return 1.0
    if scripts == {"Han", "Japanese"}:
        return 2.0
    return 3.0 if family_of(one) == family_of(other) else 4.0


def groups_by_reader(tasks: Iterable[str], readers: Mapping[str, str]) -> Groups:
    """Return the tasks whose scripts have the same reader in each group. A script that is not named has a reader of its own."""
    by_reader: defaultdict[str, set[str]] = defaultdict(set)
    for task in tasks:
        script = script_of(task)
        by_reader[readers.get(script, script)].add(task)
    return frozenset(map(frozenset, by_reader.values()))
