"""Find the tasks of words in a script that no task knows.

Such words were not asked for by name, but dropping them would lose a whole language.
"""

from collections import Counter
from collections.abc import Collection

import pyarrow as pa

from raygroup.words.importing.report import Tally
from raygroup.words.scripts import has_letter, script_task

_ONE_IN = 1000
"""A script of fewer than one in so many listed words becomes no task.

A task fills a head's quota in Eq. (9). A few stray words in a large data set should not.
"""
_LABELS_PER_BLOCK = 65536


def script_tasks_in(words: pa.Table, tasks: Collection[str], tally: Tally) -> frozenset[str]:
    """Return the script tasks that words without a task need, besides ``tasks``.

    A word needs those of its scripts if it has no letter of ``tasks``. Digits, punctuation and other
    signs of no script decide nothing. ``words`` has the columns ``label`` and ``task``. A note in the
    tally names the scripts of too few words.
    """
    labels = words["label"].filter(words["task"].is_null())
    counts: Counter[str] = Counter()
    for start in range(0, len(labels), _LABELS_PER_BLOCK):
        counts.update(_needs(labels.slice(start, _LABELS_PER_BLOCK).to_pylist(), tasks))
    rare = {task: count for task, count in sorted(counts.items()) if count * _ONE_IN < words.num_rows}
    if rare:
        texts = ", ".join(f"{task} ({count})" for task, count in rare.items())
        tally.notes.append(f"too few words for a task of their own, less than one in {_ONE_IN:,}: {texts}")
    return frozenset(counts.keys() - rare.keys())


def _needs(labels: list[str], tasks: Collection[str]) -> Counter[str]:
    """Count the words that need each script task."""
    characters = set().union(*labels)
    task_of = {character: task for character in characters if (task := script_task(character)) and task not in tasks}
    if not task_of:
        return Counter()
    foreign = set(task_of)
    letters = {character for character in characters if any(has_letter(task, character) for task in tasks)}
    needy = (foreign.intersection(label) for label in labels if letters.isdisjoint(label))
    return Counter(task for signs in needy for task in {task_of[sign] for sign in signs})
