"""Word lists of the user, in any script that has a font.

A list is a UTF-8 text file with one word on each line. Its task may have any name. The letters of the words decide how they are
written, so the name does not need to be that of a script.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import uharfbuzz as hb

from raygroup.errors import ConfigError
from raygroup.files.places import local_path
from raygroup.tasks import TASKS, Ranges, Task, find_task
from raygroup.words.labels import normalise
from raygroup.words.scripts import NO_SCRIPT, script_of

_PROBE_SHARE = 0.95
"""Share of a list's letters that a font must be able to write. It may lack rare ones, and then other fonts write their words."""
_MAX_NAMED = 3
"""Most font families that a line names."""


@dataclass(frozen=True, kw_only=True)
class OwnList:
    """The words of a list, and how to write them."""

    file: Path
    words: tuple[str, ...]
    """Labels, each once, in the order of the file."""
    task: Task
    dropped: dict[str, int]
    """Reason -> number of lines that give no word."""

    @property
    def name(self) -> str:
        return self.task.name


def read_own_list(name: str, file: Path) -> OwnList:
    """Read the words of a task from a list.

    Raises ConfigError if the file cannot be read, is not UTF-8, or has no word with a letter.
    """
    words: dict[str, None] = {}
    dropped: Counter[str] = Counter()
    for line in _lines(file):
        word = normalise(line)
        if not word:
            continue
        if any(unicodedata.category(character) == "Cc" for character in word):
            dropped["with a control character"] += 1
        elif word in words:
            dropped["repeated"] += 1
        else:
            words[word] = None
    return OwnList(file=file, words=tuple(words), task=_task_of(name, words, file), dropped=dict(dropped))


def parse_own_list(text: str) -> tuple[str, Path]:
    """Return the task and the file of an argument ``TASK=FILE``. Raises ConfigError for anything else."""
    name, separator, file = text.partition("=")
    if not separator or not name.strip() or not file or not name.isprintable():
        raise ConfigError(f"--list {text}: must be TASK=FILE, such as thai=words.txt")
    return name.strip(), local_path(file)


def read_own_lists(files: Iterable[tuple[str, Path]]) -> tuple[OwnList, ...]:
    """Read several lists. Raises ConfigError if two have the same task."""
    lists: dict[str, OwnList] = {}
    for name, file in files:
        if name in lists:
            raise ConfigError(f"--list {name}={file}: {lists[name].file} is already the list of {name}; join the two files")
        lists[name] = read_own_list(name, file)
    return tuple(lists.values())


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"--list {file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"--list {file}: line {line} is not UTF-8: save the list as UTF-8, one word on each line") from error
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _task_of(name: str, words: Iterable[str], file: Path) -> Task:
    """Return how the words of a list are written.

    The task of that name in ``TASKS`` comes first. Then the one that has most of the words' letters, which knows the shapes of Han
    letters. Otherwise HarfBuzz knows the script and its direction.
    """
    counts = Counter(letter for word in words for letter in word if script_of(letter) not in NO_SCRIPT)
    if not counts:
        raise ConfigError(f"--list {name}={file}: no word with a letter of any script: write one word on each line")
    if known := find_task(name):
        return known
    nearest = max(TASKS.values(), key=lambda task: sum(count for letter, count in counts.items() if task.has_letter(letter)))
    if 2 * sum(count for letter, count in counts.items() if nearest.has_letter(letter)) >= counts.total():
        return replace(nearest, name=name, title=name)
    return _task_of_script(name, counts)


def _task_of_script(name: str, letters: Counter[str]) -> Task:
    by_script: Counter[str] = Counter()
    for letter, count in letters.items():
        by_script[script_of(letter)] += count
    script = by_script.most_common(1)[0][0]
    own_letters = Counter({letter: count for letter, count in letters.items() if script_of(letter) == script})
    buffer = hb.Buffer()
    buffer.add_str("".join(own_letters))
    buffer.guess_segment_properties()
    return Task(
        name=name, title=script.replace("_", " "), initial=name[:1].upper(), script=str(buffer.script), language="und",
        direction=str(buffer.direction), word_lists=(), probe=_probe(own_letters), letters=_ranges(own_letters),
    )  # fmt: skip


def _probe(letters: Counter[str]) -> str:
    """Return the most frequent letters, which together are 95 % of all."""
    probe, remaining = "", _PROBE_SHARE * letters.total()
    for letter, count in sorted(letters.items(), key=lambda item: (-item[1], item[0])):
        if remaining <= 0:
            break
        probe, remaining = probe + letter, remaining - count
    return probe


def _ranges(letters: Iterable[str]) -> Ranges:
    """Return the letters as ranges of one code point each."""
    return tuple((ord(letter), ord(letter)) for letter in sorted(letters))
