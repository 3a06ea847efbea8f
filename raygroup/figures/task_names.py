"""Names of tasks in English and in their own script."""

from raygroup.tasks import find_task, language_of, part_number
from raygroup.words.scripts import script_of_task

OWN_NAMES = {"ar": "العربية", "bn": "বাংলা", "zh": "中文", "hi": "हिन्दी", "ja": "日本語", "ko": "한국어"}
"""Names of the paper's tasks in their own script.

Latin is missing because its own name is its English one.
"""


def task_title(task: str) -> str:
    """Return a task's English name, or the name of its script. A task that raygroup does not know keeps its own."""
    known = find_task(task)
    return known.title if known else (script_of_task(task) or task)


def own_name(task: str) -> str:
    """Return a task's name in its own script, or nothing if it has none."""
    name, number = OWN_NAMES.get(language_of(task), ""), part_number(task)
    return f"{name} {number}" if name and number else name
