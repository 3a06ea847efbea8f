"""Say before stage 1 what it will train on, and what its first weights have never seen."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from raygroup.runtime.stage1.word_inputs import Stage1Inputs
from raygroup.runtime.stage1.words import Stage1Words
from raygroup.runtime.summary import words_lines
from raygroup.terminal import Column, fitted_table, print_words, titled, visible_character
from raygroup.words.charset import Charset
from raygroup.words.scripts import NO_SCRIPT, script_of

_MAX_CHARACTERS = 10
_COLUMNS = (
    Column("task", shortest=8), Column("script", shortest=8), Column("words", right=True), Column("characters", right=True),
    Column("new to the weights", shortest=18),
)  # fmt: skip


@dataclass(frozen=True)
class TaskCharacters:
    """The characters of a task's training words."""

    task: str
    words: int
    counts: Counter[str]
    new: tuple[str, ...]
    """Characters that the first weights have never seen, the most frequent first."""

    @property
    def scripts(self) -> list[str]:
        """Return the scripts of the letters, the most frequent first."""
        by_script: Counter[str] = Counter()
        for character, count in self.counts.items():
            by_script[script_of(character)] += count
        return [script for script, _ in by_script.most_common() if script not in NO_SCRIPT]


def count_characters(words: Stage1Words, known: Charset | None) -> list[TaskCharacters]:
    """Return the characters of each task. ``known`` are those of the first weights, None if there are none."""
    seen = set(known.characters) if known else set()
    rows = []
    for task, labels in sorted(
        words.labels_by_task().items(), key=lambda item: words.tasks.index(item[0]) if item[0] in words.tasks else 99
    ):
        counts = Counter("".join(labels))
        new = tuple(character for character, _ in counts.most_common() if character not in seen)
        rows.append(TaskCharacters(task, len(labels), counts, new))
    return rows


def unseen_scripts(rows: Iterable[TaskCharacters], known: Charset) -> list[str]:
    """Return the scripts of the words that the first weights have never seen."""
    seen = {script_of(character) for character in known.characters}
    return sorted({script for row in rows for script in row.scripts} - seen)


def print_inputs(words: Stage1Words, inputs: Stage1Inputs, known: Charset | None, out: Console, *, from_nothing: bool) -> None:
    """Print the words by task, with the characters that are new to the head of the first weights, then remarks."""
    if not inputs.are_own:
        return
    rows = count_characters(words, known)
    for line in [line for store in words.stores for line in words_lines(store)] + list(words.notes):
        print_words(out, line)
    cells = [[Text(cell) for cell in _cells(row, known)] for row in rows]
    out.print(titled("words of stage 1, by task", fitted_table(_COLUMNS, cells, out.width)))
    for line in _remarks(words, rows, known, from_nothing):
        print_words(out, line)


def _cells(row: TaskCharacters, known: Charset | None) -> Sequence[str]:
    new = f"{len(row.new)}: {' '.join(map(visible_character, row.new[:_MAX_CHARACTERS]))}" if row.new else "0"
    scripts = ", ".join(script.replace("_", " ") for script in row.scripts[:2]) or "-"
    return row.task, scripts, str(row.words), str(len(row.counts)), new if known else "all"


def _remarks(words: Stage1Words, rows: Sequence[TaskCharacters], known: Charset | None, from_nothing: bool) -> list[str]:
    remarks = []
    if words.num_held_back:
        remarks.append(f"{words.num_held_back} images left out, because their words are kept unseen in other data")
    if known is None:
        nothing = "the training starts from nothing; --from laptop starts from the shipped weights"
        return [*remarks, nothing if from_nothing else "the trunk starts from the first weights, and the head from nothing"]
    if scripts := unseen_scripts(rows, known):
        remarks.append(f"scripts that the trunk has never seen: {', '.join(script.replace('_', ' ') for script in scripts)}")
    lost = set(known.characters) - {character for row in rows for character in row.counts}
    if lost:
        remarks.append(f"{len(lost)} characters of the first weights are not in these words: the trained weights may forget them")
    return remarks
