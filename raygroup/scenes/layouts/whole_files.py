"""Layouts with one label file for all images: ArT19, LSVT19, COCO-Text, PaddleOCR, and MLT19's words."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from raygroup.scenes.layouts.layout import Files, Layout
from raygroup.scenes.layouts.page import Page, as_file, box, corners, script, text
from raygroup.scenes.scene import Instance

_WORDS_AN_IMAGE = 1000
"""Numbers kept for the words of an image, so that they do not depend on other images."""


def _told(page: Page, instance: Instance, *, language: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"transcription": text(instance), "points": corners(page, instance).tolist()}
    if language:
        found["language"] = script(instance)
    return {**found, "illegibility": instance.dont_care}


def _art19(pages: Iterable[Page]) -> Files:
    """The set knows the languages Latin and Chinese; others have MLT19's names. Its list of Total-Text's images among its own is empty."""
    found = {f"gt_{page.number}": [_told(page, instance, language=True) for instance in page.instances] for page in pages}
    yield "train_labels.json", _json(found)
    yield "Total_Text_ID_vs_ArT_ID.list", b""


def _lsvt19(pages: Iterable[Page]) -> Files:
    found = {f"gt_{page.number}": [_told(page, instance, language=False) for instance in page.instances] for page in pages}
    yield "train_full_labels.json", _json(found)


ART19 = Layout(name="art19", title="ArT19", loses="nothing", image=lambda page: f"train_images/gt_{page.number}{page.suffix}", whole=_art19)
LSVT19 = Layout(
    name="lsvt19", title="LSVT19", loses="scripts", image=lambda page: f"train_full_images/gt_{page.number}{page.suffix}", whole=_lsvt19
)


def _coco_image(page: Page) -> str:
    return f"{page.split}_images/img_{page.number:05}{page.suffix}"


def _coco(pages: Iterable[Page]) -> Files:
    """Version 2: ``mask`` is the flat polygon, ``bbox`` x, y, width, height; the don't-cares are illegible and have no text."""
    images: dict[str, Any] = {}
    words: dict[str, Any] = {}
    of_image: dict[str, list[int]] = {}
    for page in pages:
        first = len(words) + 1
        images[str(page.number)] = {
            "id": page.number, "set": page.split, "width": page.width, "height": page.height, "file_name": _coco_image(page).split("/")[1]
        }  # fmt: skip
        for number, instance in enumerate(page.instances, start=first):
            words[str(number)] = _coco_word(page, instance, number)
        of_image[str(page.number)] = [*range(first, len(words) + 1)]
    yield "cocotext.v2.json", _json({"cats": {}, "anns": words, "imgs": images, "imgToAnns": of_image, "info": {}})


def _coco_word(page: Page, instance: Instance, number: int) -> dict[str, Any]:
    polygon = corners(page, instance)
    x0, y0, x1, y1 = box(polygon)
    x, y = polygon.T
    return {
        "id": number, "image_id": page.number, "class": "machine printed", "mask": polygon.ravel().tolist(),
        "bbox": [x0, y0, x1 - x0, y1 - y0], "area": abs(float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())) / 2,
        "legibility": "illegible" if instance.dont_care else "legible",
        "language": "na" if instance.dont_care else "english" if script(instance) == "Latin" else "not english",
        "utf8_string": "" if instance.dont_care else text(instance),
    }  # fmt: skip


COCO_TEXT = Layout(name="coco-text", title="COCO-Text", loses="scripts but for Latin or not", image=_coco_image, whole=_coco)


def _paddle_image(page: Page) -> str:
    return f"images/img_{page.number}{page.suffix}"


def _paddle_crops(page: Page) -> Iterator[tuple[str, Instance]]:
    readable = (instance for instance in page.instances if not instance.dont_care)
    yield from ((f"words/word_{page.number}_{number}.jpg", instance) for number, instance in enumerate(readable, start=1))


def _paddle(pages: Iterable[Page]) -> Files:
    """Detection: a path, a tab, JSON; recognition: a path, a tab, the text."""
    boxes, words, split = [], [], "train"
    for page in pages:
        split = page.split
        told = [{"transcription": text(instance), "points": corners(page, instance).tolist()} for instance in page.instances]
        boxes.append(f"{_paddle_image(page)}\t{json.dumps(told, ensure_ascii=False)}")
        words += [f"{name}\t{text(instance)}" for name, instance in _paddle_crops(page)]
    yield f"det_gt_{split}.txt", as_file(boxes)
    yield f"rec_gt_{split}.txt", as_file(words)


PADDLEOCR = Layout(
    name="paddleocr", title="PaddleOCR", loses="scripts", image=_paddle_image, crops=_paddle_crops, whole=_paddle
)  # fmt: skip


def _word_crops(page: Page) -> Iterator[tuple[str, Instance]]:
    readable = (instance for instance in page.instances if not instance.dont_care)
    first = (page.number - 1) * _WORDS_AN_IMAGE + 1
    yield from ((f"word_{number}.png", instance) for number, instance in enumerate(readable, start=first))


def _word_lines(pages: Iterable[Page]) -> Files:
    found = ((name, instance) for page in pages for name, instance in _word_crops(page))
    yield "gt.txt", as_file(f"{name},{script(instance)},{text(instance)}" for name, instance in found)


MLT19_WORDS = Layout(
    name="mlt19-words", title="MLT19 task 2, words", loses="where words stood, and don't-cares", image=lambda page: "",
    crops=_word_crops, whole=_word_lines,
)  # fmt: skip


def _json(found: dict[str, Any]) -> bytes:
    return json.dumps(found, ensure_ascii=False).encode("utf-8", "surrogatepass")
