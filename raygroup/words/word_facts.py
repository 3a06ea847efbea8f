"""Store what a finished trial knew of its words: their characters by task, and how fast it read them.

The word store lies in a cache that may be cleaned, so the facts that tables need are kept beside the readings.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from raygroup.files.atomic import write_json
from raygroup.files.places import Place
from raygroup.storage.records import read_record_if_exists
from raygroup.words.charset import Charset
from raygroup.words.task_characters import group_characters


@dataclass(frozen=True)
class ReadingTime:
    """The time that a trial took to read some words of one task, by the classifier's route.

    It was measured once, on a few words and beside other work, so it is noisy. It covers the task classifier and the greedy decoder. It
    covers neither the trunk nor the loading of features.
    """

    task: str | None
    """The true task, or None for words without one."""
    words: int
    cpu_s: float
    """Processor time of all threads."""
    wall_s: float


@dataclass(frozen=True)
class WordFacts:
    """The facts about the words of one trial."""

    classes: int
    """Classes of a head: the characters of all training words, the begin and the end of a word."""
    shape: tuple[int, ...]
    """Shape of one word's features."""
    characters: Mapping[str, frozenset[str]]
    """Task -> the characters in the labels of its training words."""
    characters_without_task: frozenset[str]
    """The characters in the labels of training words that have no task."""
    times: tuple[ReadingTime, ...]
    device: str
    threads: int
    """Threads of PyTorch that read."""

    @property
    def charset(self) -> Charset:
        """Return the characters of all training words, which are those of a whole head."""
        return Charset(tuple(sorted(self.characters_without_task.union(*self.characters.values()))))

    def kept_characters(self, group: Sequence[str], tasks: Sequence[str]) -> int:
        """Return the number of characters of a pruned head. ``tasks`` are all tasks of the trial, and ``group`` those of the head."""
        return len(group_characters(self.charset, group, tasks, self.characters))

    def ms_per_word(self, task: str | None) -> float | None:
        """Return milliseconds for each word of a task: processor time on a CPU, wall time on other devices. None if nothing was timed."""
        for time in self.times:
            if time.task == task and time.words:
                return 1000 * (time.cpu_s if self.device == "cpu" else time.wall_s) / time.words
        return None


def task_characters(labels: Iterable[tuple[str | None, str]]) -> dict[str | None, frozenset[str]]:
    """Return the characters of each task's labels. The key None stands for labels without a task."""
    characters: dict[str | None, set[str]] = {}
    for task, label in labels:
        characters.setdefault(task, set()).update(label)
    return {task: frozenset(letters) for task, letters in characters.items()}


def write_word_facts(path: Place, facts: WordFacts) -> None:
    """Write the facts as one atomic JSON file. Raises OSError with the path."""
    write_json(
        path,
        {
            "classes": facts.classes, "shape": list(facts.shape), "device": facts.device, "threads": facts.threads,
            "characters": {task: _text(letters) for task, letters in facts.characters.items()},
            "characters_without_task": _text(facts.characters_without_task), "reading_times": [asdict(time) for time in facts.times],
        },
    )  # fmt: skip


def read_word_facts(path: Place) -> WordFacts | None:
    """Read the facts of a trial. None if it has none, as trials of earlier versions. Raises DamagedFileError with the way out."""
    stored: dict[str, Any] = read_record_if_exists(path)
    if not stored:
        return None
    return WordFacts(
        classes=int(stored["classes"]), shape=tuple(stored["shape"]), device=stored["device"], threads=int(stored["threads"]),
        characters={task: frozenset(letters) for task, letters in stored["characters"].items()},
        characters_without_task=frozenset(stored["characters_without_task"]),
        times=tuple(ReadingTime(time.get("task"), time["words"], time["cpu_s"], time["wall_s"]) for time in stored["reading_times"]),
    )  # fmt: skip


def _text(characters: Iterable[str]) -> str:
    return "".join(sorted(characters))
