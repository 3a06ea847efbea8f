"""The labels that recognition heads learn from scenes: their tasks and their characters."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from raygroup.tasks import by_paper_order
from raygroup.words.charset import Charset
from raygroup.words.labels import LONGEST, normalise


@dataclass(frozen=True)
class SceneLabels:
    """The tasks and the characters of all words of some scenes that a head can learn."""

    tasks: tuple[str, ...]
    """In the paper's order, then by name. Empty if there is no such word."""
    characters: str
    """By code point, each once."""

    def charset(self, known: Charset | None = None) -> Charset:
        """Return the classes of heads that learn these words. ``known`` are the characters of the reader that heads start from."""
        return Charset.from_labels([self.characters, *(known.characters if known else ())])


def is_learnable(text: str, task: str | None, *, dont_care: bool) -> bool:
    """Return True if a head can learn a word: it has a task, and a label that is not too long."""
    return not dont_care and task is not None and 1 <= len(normalise(text)) <= LONGEST


def collect_labels(scenes: Iterable[pa.RecordBatch]) -> SceneLabels:
    """Return the labels of scenes. The batches have the column ``instances`` of a scene store. Pictures are not read."""
    tasks: set[str] = set()
    characters: set[str] = set()
    for batch in scenes:
        words = batch.column("instances").flatten()
        columns = [words.field(name).to_pylist() for name in ("text", "task", "dont_care")]
        has_polygon = words.field("polygon").is_valid().to_pylist()
        for text, task, dont_care, is_placed in zip(*columns, has_polygon, strict=True):
            if is_placed and is_learnable(text, task, dont_care=dont_care):
                tasks.add(task)
                characters.update(normalise(text))
    return SceneLabels(by_paper_order(tasks), "".join(sorted(characters)))
