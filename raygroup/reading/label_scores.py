"""Score readings against labels, by language and with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raygroup.reading.package import WordReading
from raygroup.scoring.word_accuracy import pair_intervals
from raygroup.tasks import by_paper_order
from raygroup.words.coverage import task_shares
from raygroup.words.importing.image_files import image_key
from raygroup.words.importing.label_files import LabelFile
from raygroup.words.labels import normalise

NO_TASK = "none"
"""The language of labels without a character of any task."""
ALL = "all"


@dataclass(frozen=True)
class Label:
    """The truth of one image."""

    path: Path
    text: str
    task: str | None
    """As the label file names it."""


@dataclass(frozen=True)
class LanguageScore:
    """The scores of the words of one language. An interval is mean, lower and upper end."""

    task: str
    words: int
    accuracy: tuple[float, float, float]
    one_minus_ned: tuple[float, float, float]
    unsure: float | None
    """Share of the words below the confidence that can be trusted. None if that is not known."""

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "accuracy": [*self.accuracy], "one_minus_ned": [*self.one_minus_ned]}


@dataclass(frozen=True)
class LabelScores:
    """The scores of readings, and what was not scored."""

    by_language: tuple[LanguageScore, ...]
    """The languages, then ``all``. An image that cannot be read counts as read wrongly."""
    without_label: int
    """Images that no row names."""
    without_image: int
    """Rows whose image was not among those to read."""
    unreadable: int
    """Labelled images that could not be read."""


def read_labels(file: Path) -> dict[str, Label]:
    """Return the rows of a label file by the key of their image.

    The file is csv, tsv or jsonl with path and text.

    Raises ConfigError with file and line for rows that cannot be understood.
    """
    rows = LabelFile(file).rows().table
    labels: dict[str, Label] = {}
    for path, text, task in zip(*(rows[name].to_pylist() for name in ("path", "text", "task")), strict=True):
        if path:
            labels.setdefault(_key(file.parent / path), Label(file.parent / path, text or "", task))
    return labels


def score_readings(readings: Sequence[WordReading], labels: Mapping[str, Label], tasks: Sequence[str]) -> LabelScores:
    """Return the scores of readings whose names are paths.

    The language of a word is the task in its row. Without one it is the task of ``tasks`` that can
    spell most of its characters.
    """
    by_key = {_key(Path(reading.name)): reading for reading in readings}
    pairs = [(labels[key], reading) for key, reading in by_key.items() if key in labels]
    languages = _languages([label for label, _ in pairs], tasks)
    names = [*by_paper_order(set(languages) - {NO_TASK}), *([NO_TASK] if NO_TASK in languages else [])]
    groups = {name: [pair for pair, language in zip(pairs, languages, strict=True) if language == name] for name in names}
    scores = tuple(_score(name, group) for name, group in [*groups.items(), (ALL, pairs)] if group)
    return LabelScores(
        scores, without_label=len(by_key) - len(pairs), without_image=len(labels.keys() - by_key.keys()),
        unreadable=sum(reading.problem is not None for _, reading in pairs),
    )  # fmt: skip


def _languages(labels: Sequence[Label], tasks: Sequence[str]) -> list[str]:
    shares = task_shares([normalise(label.text) for label in labels], tasks, word_tasks="argmax")
    guesses = [tasks[int(row.argmax())] if row.any() else NO_TASK for row in shares]
    return [label.task or guess for label, guess in zip(labels, guesses, strict=True)]


def _score(task: str, pairs: Sequence[tuple[Label, WordReading]]) -> LanguageScore:
    exact, similar = pair_intervals((label.text, reading.text if reading.problem is None else None) for label, reading in pairs)
    marks = [reading.unsure for _, reading in pairs if reading.unsure is not None]
    return LanguageScore(
        task, len(pairs), (exact.mean, exact.low, exact.high), (similar.mean, similar.low, similar.high),
        sum(marks) / len(marks) if marks else None,
    )  # fmt: skip


def _key(path: Path) -> str:
    """Return a text that all spellings of a path share."""
    return image_key(str(path.absolute()))
