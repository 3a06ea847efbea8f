"""Turn the scenes of one shard into rows, in a worker process.

It decodes each image and cuts out the words.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import cv2
import numpy as np

from raygroup.errors import ImageError, UnreadableFileError
from raygroup.images.header import Header, read_header
from raygroup.images.pixels import Pixels, decode
from raygroup.randomness import generator
from raygroup.scenes.cropping import crop, move_corners, reading_quad
from raygroup.scenes.scene import Instance, Problems, Scene
from raygroup.words.label_conflicts import contradiction_counts, contradictions
from raygroup.words.labels import count_changes, normalise

_NO_TASK = frozenset({"symbols", "symbol"})
"""Scripts that belong to no task: the paper discards their words (section 4.2)."""
_JPEG_QUALITY = 95


@dataclass(frozen=True, kw_only=True)
class ImportSettings:
    """Settings of an import."""

    source: str
    """Name of the data set in the stores."""
    unit: str = "word"
    """Unit of the labels: word or phrase."""
    crop_height: int = 64
    """Pixels: larger words are scaled down to this height."""
    turn_vertical: bool = True
    """Turn crops much higher than wide a quarter to the left."""
    lossless: bool = False
    """Store crops as PNG, not as JPEG of quality 95: three times the bytes and twice the time."""
    symbols: bool = False
    """Keep words of the script ``Symbols``, which the paper discards."""
    margin: float = 0.0
    """Air around a crop, as a share of the word's short side. Spotters cut words with 0.1."""
    copies: int = 0
    """More crops of each word, with moved corners and changing air: a detector never finds a word quite where it is."""

    def to_json(self) -> dict[str, Any]:
        """Return the settings for a fingerprint. At their defaults, later ones leave it as it was before they came."""
        return {name: value for name, value in asdict(self).items() if name not in ("margin", "copies") or value}


@dataclass
class ShardResult:
    """Rows, problems and counts of a shard."""

    scenes: list[dict[str, Any]] = field(default_factory=list)
    words: list[dict[str, Any]] = field(default_factory=list)
    copies: list[tuple[int, bytes]] = field(default_factory=list)
    """More crops: the row of the word, and the encoded image."""
    problems: Problems = field(default_factory=Problems)
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason -> number of instances that give no word."""
    changed: Counter[str] = field(default_factory=Counter)
    """Change of the label by normalisation -> number of words."""
    by_script: Counter[str] = field(default_factory=Counter)
    by_task: Counter[str] = field(default_factory=Counter)
    contradicting: Counter[str] = field(default_factory=Counter)
    """``labelled task/task of the characters`` -> number of words."""
    hashes: list[str] = field(default_factory=list)
    """Hash of each scene's image bytes: 128 bits in hexadecimal."""


def process_shard(scenes: Sequence[Scene], contents: Sequence[bytes | UnreadableFileError], settings: ImportSettings) -> ShardResult:
    """Return the rows of a shard.

    ``contents`` are the encoded images of the scenes. Images that cannot be read become problems,
    and their scenes are left out.
    """
    cv2.setNumThreads(1)
    result = ShardResult()
    for scene, content in zip(scenes, contents, strict=True):
        if image := _read_image(scene, content, result.problems):
            _add_scene(scene, *image, settings, result)
    _mark_contradictions(result)
    _count_words(result)
    return result


def word_rows(result: ShardResult) -> list[dict[str, Any]]:
    """Return the rows of words: first the words, then their copies."""
    return [*result.words, *({**result.words[row], "image": image} for row, image in result.copies)]


def _read_image(scene: Scene, content: bytes | UnreadableFileError, problems: Problems) -> tuple[bytes, Header, Pixels] | None:
    place = scene.image.name if scene.image else scene.name
    try:
        if isinstance(content, UnreadableFileError):
            raise ImageError(str(content))
        header = read_header(content)
        pixels = decode(content, header)
    except ImageError as error:
        problems.add("image unreadable", place, f"{error}; its labels are {scene.labels}")
        return None
    if header.remark:
        problems.add("image remarked on", place, header.remark)
    return content, header, pixels


def _add_scene(scene: Scene, content: bytes, header: Header, pixels: Pixels, settings: ImportSettings, result: ShardResult) -> None:
    result.hashes.append(hashlib.sha256(content).hexdigest()[:32])
    result.scenes.append(
        {
            "name": scene.name, "source": settings.source, "image": content, "width": header.width, "height": header.height,
            "labels": scene.labels, "instances": [_instance_row(instance) for instance in scene.instances],
        }
    )  # fmt: skip
    for number, instance in enumerate(scene.instances):
        result.by_script[instance.script or "none"] += 1
        label = normalise(instance.text)
        word = None
        reason = _drop_reason(instance, label, settings)
        if not reason:
            word = crop(pixels, instance.polygon, settings.crop_height, turn_vertical=settings.turn_vertical, margin=settings.margin)
        if word is None:
            result.dropped[reason or "too small, or outside of the image"] += 1
            continue
        result.copies += [(len(result.words), _encoded(copy, settings)) for copy in _copies(pixels, instance, number, scene, settings)]
        result.words.append(_word_row(word, instance, label, number, scene, settings))


def _copies(pixels: Pixels, instance: Instance, number: int, scene: Scene, settings: ImportSettings) -> Iterator[Pixels]:
    """Cut a word out as often as asked, each time a little beside the label. A label of the whole image has no corners to move."""
    for copy in range(settings.copies if instance.polygon is not None else 0):
        assert instance.polygon is not None
        random = generator("moved crops", settings.source, scene.name, number, copy)
        corners = move_corners(reading_quad(instance.polygon), settings.margin, random)
        word = crop(pixels, corners, settings.crop_height, turn_vertical=settings.turn_vertical)
        if word is not None:
            yield word


def _drop_reason(instance: Instance, label: str, settings: ImportSettings) -> str:
    """Return why the instance gives no word, or an empty text."""
    if instance.dont_care:
        return "don't-care"
    if not label:
        return "no text"
    if not settings.symbols and (instance.script or "").casefold() in _NO_TASK:
        return "script Symbols, which no task reads"
    return ""


def _instance_row(instance: Instance) -> dict[str, Any]:
    polygon = None if instance.polygon is None else instance.polygon.astype(np.float32).ravel()
    return {
        "polygon": polygon, "text": instance.text, "script": instance.script, "task": instance.task, "dont_care": instance.dont_care,
        "contradicts": False,
    }  # fmt: skip


def _word_row(word: Pixels, instance: Instance, label: str, number: int, scene: Scene, settings: ImportSettings) -> dict[str, Any]:
    return {
        "image": _encoded(word, settings), "text": instance.text, "label": label, "task": instance.task,
        "script": instance.script, "source": settings.source, "scene": scene.name, "instance": number, "unit": settings.unit,
        "contradicts": False,
    }  # fmt: skip


def _encoded(word: Pixels, settings: ImportSettings) -> bytes:
    encoding = (".png", [cv2.IMWRITE_PNG_COMPRESSION, 1]) if settings.lossless else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return cv2.imencode(encoding[0], word, encoding[1])[1].tobytes()


def _mark_contradictions(result: ShardResult) -> None:
    """Mark words whose script label contradicts their characters, in both stores."""
    labels, tasks = [word["label"] for word in result.words], [word["task"] for word in result.words]
    scenes = {row["name"]: row for row in result.scenes}
    for row in np.flatnonzero(contradictions(labels, tasks)).tolist():
        word = result.words[row]
        word["contradicts"] = scenes[word["scene"]]["instances"][word["instance"]]["contradicts"] = True
    result.contradicting.update({f"{labelled}/{seen}": count for (labelled, seen), count in contradiction_counts(labels, tasks).items()})


def _count_words(result: ShardResult) -> None:
    result.changed.update(count_changes(word["text"] for word in result.words))
    result.by_task.update(word["task"] or "by characters" for word in result.words)
