"""Read words with a package, on onnxruntime or torch.

``raygroup.load`` returns a ``Package``. The backend computes; everything around it is the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.reading.images import Crop, Image, make_crops
from raygroup.reading.record import PackageRecord
from raygroup.words.labels import to_logical

WORDS_PER_BLOCK = 256
"""Images that are in memory at once."""


class DecodedBlock(NamedTuple):
    """The readings of a block of crops, as a backend returns them."""

    task_probabilities: NDArray[np.float32]
    """P_WT, (w, t)."""
    heads: NDArray[np.int64]
    """Number of the head that read each word, (w,)."""
    classes: list[NDArray[np.int64]]
    """Classes of each word's characters, without its end."""
    confidence: NDArray[np.float32]
    """Mean probability of a word's characters and its end, (w,)."""


class Backend(Protocol):
    """It computes the network of a package."""

    name: str
    """``onnxruntime`` or ``torch``."""

    def read(self, crops: NDArray[np.uint8], beams: int) -> DecodedBlock:
        """Read crops (w, height, width). ``beams`` 1 is greedy."""


@dataclass(frozen=True)
class WordReading:
    """The reading of one image. Without a readable image, only ``name`` and ``problem`` are set."""

    name: str
    """The path, or ``image N`` for bytes and arrays."""
    text: str = ""
    task: str | None = None
    """The likeliest task."""
    head: str | None = None
    """The head that read the word."""
    confidence: float | None = None
    """Mean probability of the characters and the end, from 0 to 1."""
    unsure: bool | None = None
    """True below the confidence from which readings of this task can be trusted. None if that is not known."""
    problem: str | None = None
    """The reason why the image could not be read."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Package:
    """A reader of words: tasks, heads and their weights. ``raygroup.load`` opens one."""

    record: PackageRecord
    backend: Backend

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks it can tell apart."""
        return self.record.tasks

    @property
    def grouping(self) -> Mapping[str, str]:
        """Task -> name of its head."""
        return self.record.grouping

    @property
    def accuracy(self) -> tuple[Mapping[str, Any], ...]:
        """Scores on the trial's test words by split and task, with 95 % intervals."""
        return self.record.accuracy

    def summary(self) -> dict[str, Any]:
        """Return trial, tasks, grouping, thresholds, accuracy and sizes as plain JSON values."""
        names = ("versions", "trial", "tasks", "grouping", "idle_heads", "thresholds", "accuracy", "sizes")
        return {"backend": self.backend.name, **{name: value for name, value in asdict(self.record).items() if name in names}}

    def read(
        self, images: Image | Iterable[Image], beams: int = 1, progress: Callable[[int], None] | None = None
    ) -> list[WordReading]:  # fmt: skip
        """Read images of words, in their order.

        An image is a path, an encoded image, or an array of gray or RGB pixels. ``beams`` 1 is
        greedy. ``progress`` is called with the number of images read so far. Raises ConfigError for
        a number of beams that the package cannot follow.
        """
        readings: list[WordReading] = []
        for block in self.read_blocks(_sequence(images), beams):
            readings += block
            if progress:
                progress(len(readings))
        return readings

    def read_blocks(self, images: Sequence[Image], beams: int = 1) -> Iterator[list[WordReading]]:
        """Yield the readings block by block. Memory does not grow with their number."""
        self._require_beams(beams)
        for start in range(0, len(images), WORDS_PER_BLOCK):
            yield self._read_crops(make_crops(images[start : start + WORDS_PER_BLOCK], start + 1, self.record.crop), beams)

    def _require_beams(self, beams: int) -> None:
        most = min(len(head.characters) + 1 for head in self.record.heads)
        is_number = isinstance(beams, int) and not isinstance(beams, bool)
        if not is_number or not 1 <= beams <= most:
            raise ConfigError(f"beams is {beams!r}: it must be a whole number from 1 (greedy) to {most}")
        if self.backend.name == "onnxruntime" and beams not in (1, self.record.beams):
            raise ConfigError(
                f"beams is {beams}: this package was exported for 1 (greedy) or {self.record.beams} beams; "
                "read with torch (backend 'torch'), or export it with other --beams"
            )

    def _read_crops(self, crops: Sequence[Crop], beams: int) -> list[WordReading]:
        readable = [number for number, crop in enumerate(crops) if crop.pixels is not None]
        readings = [WordReading(crop.name, problem=crop.problem) for crop in crops]
        if readable:
            decoded = self.backend.read(np.stack([crops[number].pixels for number in readable]), beams)  # type: ignore[misc]
            for place, number in enumerate(readable):
                readings[number] = self._reading(crops[number].name, decoded, place)
        return readings

    def _reading(self, name: str, decoded: DecodedBlock, place: int) -> WordReading:
        head = self.record.heads[decoded.heads[place]]
        task = self.tasks[int(decoded.task_probabilities[place].argmax())]
        text = to_logical(head.charset.decode(decoded.classes[place].tolist()))
        confidence = float(decoded.confidence[place])
        threshold = self.record.thresholds.get(task)
        return WordReading(name, text, task, head.name, confidence, threshold.is_unsure(confidence) if threshold else None)


def _sequence(images: Image | Iterable[Image]) -> Sequence[Image]:
    """Return a sequence of images. One image alone is a sequence of one."""
    return [images] if isinstance(images, str | Path | bytes | np.ndarray) else list(images)
