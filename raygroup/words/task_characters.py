"""The characters that a head needs for the tasks of its group."""

import functools
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from raygroup.words.charset import Charset
from raygroup.words.scripts import can_spell, knows_letters


def group_characters(
    charset: Charset, group: Sequence[str], tasks: Sequence[str], seen: Mapping[str, AbstractSet[str]] | None = None
) -> list[int]:
    """Return the classes that a head of these tasks may write, ascending.

    They are the characters that a task of the group can spell by its script, and those in its
    training labels (``seen``: task -> characters). A character that no task of the trial can spell
    or has in its labels stays with every head, and so does everything if raygroup knows the letters
    of a task in the group neither way.
    """
    if any(not knows_letters(task) and task not in (seen or {}) for task in group):
        return list(range(1, charset.end))
    here, elsewhere = (_characters(charset, members, seen or {}) for members in (group, tasks))
    return [number for number, character in enumerate(charset.characters, start=1) if character in here or character not in elsewhere]


def _characters(charset: Charset, tasks: Sequence[str], seen: Mapping[str, AbstractSet[str]]) -> set[str]:
    by_script = (_spelled(charset, task) for task in tasks)
    return set().union(*by_script, *(seen.get(task, frozenset()) for task in tasks))


@functools.lru_cache(maxsize=1024)
def _spelled(charset: Charset, task: str) -> frozenset[str]:
    """Return the characters that a task can spell by its script."""
    return frozenset(character for character in charset.characters if can_spell(task, character))
