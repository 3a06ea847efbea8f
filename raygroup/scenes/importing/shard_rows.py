"""One shard of a data set: its scenes looked at, decoded, and their words cut out. Runs in a worker process."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from raygroup.errors import ImageError
from raygroup.scenes.archives.sources import UnreadableFileError
from raygroup.scenes.cropping import crop
from raygroup.scenes.images import Header, Pixels, decode, header
from raygroup.scenes.scene import Instance, Problems, Scene
from raygroup.words.label_conflicts import contradiction_counts, contradictions
from raygroup.words.labels import count_changes, normalise

_NO_TASK = frozenset({"symbols", "symbol"})
"""Scripts whose words no task reads: the paper discards them (section 4.2)."""
_QUALITY = 95


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a data set is taken in."""

    source: str
    """Its name in the stores."""
    unit: str = "word"
    crop_height: int = 64
    """Pixels: larger words are scaled down to it."""
    turn_vertical: bool = True
    """Crops much higher than wide are turned a quarter to the left."""
    lossless: bool = False
    """PNG crops in place of JPEG of quality 95: three times the bytes and twice the time."""
    symbols: bool = False
    """Keep words labelled ``Symbols``, which the paper discards."""


@dataclass
class Taken:
    """What a shard came to."""

    scenes: list[dict[str, Any]] = field(default_factory=list)
    words: list[dict[str, Any]] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)
    dropped: Counter[str] = field(default_factory=Counter)
    """Instances that give no word, by reason."""
    changed: Counter[str] = field(default_factory=Counter)
    by_script: Counter[str] = field(default_factory=Counter)
    by_task: Counter[str] = field(default_factory=Counter)
    contradicting: Counter[str] = field(default_factory=Counter)
    """``labelled/by characters`` -> words."""
    hashes: list[str] = field(default_factory=list)
    """Of each scene's image bytes: 128 bits in hexadecimal."""


def take_in(scenes: Sequence[Scene], contents: Sequence[bytes | UnreadableFileError], settings: Settings) -> Taken:
    """The rows of a shard; ``contents`` are the scenes' images. What cannot be used is told of and left out."""
    cv2.setNumThreads(1)
    taken = Taken()
    for scene, content in zip(scenes, contents, strict=True):
        if looked_at := _image(scene, content, taken.problems):
            _take_scene(scene, *looked_at, settings, taken)
    _mark(taken)
    return taken


def _image(scene: Scene, content: bytes | UnreadableFileError, problems: Problems) -> tuple[bytes, Header, Pixels] | None:
    place = scene.image.name if scene.image else scene.name
    try:
        if isinstance(content, UnreadableFileError):
            raise ImageError(str(content))
        found = header(content)
        pixels = decode(content, found)
    except ImageError as error:
        problems.add("image unreadable", place, f"{error}; its labels are {scene.labels}")
        return None
    if found.remark:
        problems.add("image remarked on", place, found.remark)
    return content, found, pixels


def _take_scene(scene: Scene, content: bytes, found: Header, pixels: Pixels, settings: Settings, taken: Taken) -> None:
    taken.hashes.append(hashlib.sha256(content).hexdigest()[:32])
    taken.scenes.append(
        {
            "name": scene.name, "source": settings.source, "image": content, "width": found.width, "height": found.height,
            "labels": scene.labels, "instances": [_instance_row(instance) for instance in scene.instances],
        }
    )  # fmt: skip
    for number, instance in enumerate(scene.instances):
        taken.by_script[instance.script or "none"] += 1
        label = normalise(instance.text)
        word = None if (why := _no_word(instance, label, settings)) else crop(
            pixels, instance.polygon, settings.crop_height, turn_vertical=settings.turn_vertical
        )  # fmt: skip
        if word is None:
            taken.dropped[why or "too small, or outside of the image"] += 1
            continue
        taken.words.append(_word_row(word, instance, label, number, scene, settings))


def _no_word(instance: Instance, label: str, settings: Settings) -> str:
    """Why an instance gives no word; empty where it may."""
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


def _word_row(word: Pixels, instance: Instance, label: str, number: int, scene: Scene, settings: Settings) -> dict[str, Any]:
    encoding = (".png", [cv2.IMWRITE_PNG_COMPRESSION, 1]) if settings.lossless else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return {
        "image": cv2.imencode(encoding[0], word, encoding[1])[1].tobytes(), "text": instance.text, "label": label, "task": instance.task,
        "script": instance.script, "source": settings.source, "scene": scene.name, "instance": number, "unit": settings.unit,
        "contradicts": False,
    }  # fmt: skip


def _mark(taken: Taken) -> None:
    """Words whose script label contradicts their characters are marked, in both stores; and what was made of the words is counted."""
    labels, tasks = [word["label"] for word in taken.words], [word["task"] for word in taken.words]
    scenes = {row["name"]: row for row in taken.scenes}
    for row in np.flatnonzero(contradictions(labels, tasks)).tolist():
        word = taken.words[row]
        word["contradicts"] = scenes[word["scene"]]["instances"][word["instance"]]["contradicts"] = True
    taken.contradicting.update({f"{labelled}/{seen}": count for (labelled, seen), count in contradiction_counts(labels, tasks).items()})
    taken.changed.update(count_changes(word["text"] for word in taken.words))
    taken.by_task.update(task or "by characters" for task in tasks)
