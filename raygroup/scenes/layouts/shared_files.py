"""Write layouts with one label file for all images.

These are ArT19, LSVT19, COCO-Text, PaddleOCR, and MLT19's cropped words.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from raygroup.scenes.layouts.layout import Files, Layout
from raygroup.scenes.layouts.page import Page, box, corners, encode_lines, script_name, transcription
from raygroup.scenes.scene import Instance

_WORDS_PER_IMAGE = 1000
"""Numbers reserved for the words of an image, so that they do not depend on other images."""


def _art19_item(page: Page, instance: Instance) -> dict[str, Any]:
    return {
        "transcription": transcription(instance), "points": corners(page, instance).tolist(), "language": script_name(instance),
        "illegibility": instance.dont_care,
    }  # fmt: skip


def _lsvt19_item(page: Page, instance: Instance) -> dict[str, Any]:
    return {"transcription": transcription(instance), "points": corners(page, instance).tolist(), "illegibility": instance.dont_care}


def _art19(pages: Iterable[Page]) -> Files:
    """Yield the files of ArT19.

    ArT19 itself only knows the languages Latin and Chinese. Others get MLT19's names. Its list of
    Total-Text's images is empty.
    """
    items = {f"gt_{page.number}": [_art19_item(page, instance) for instance in page.instances] for page in pages}
    yield "train_labels.json", _encode_json(items)
    yield "Total_Text_ID_vs_ArT_ID.list", b""


def _lsvt19(pages: Iterable[Page]) -> Files:
    items = {f"gt_{page.number}": [_lsvt19_item(page, instance) for instance in page.instances] for page in pages}
    yield "train_full_labels.json", _encode_json(items)


ART19 = Layout(
    name="art19", title="ArT19", loses="nothing", image_name=lambda page: f"train_images/gt_{page.number}{page.suffix}",
    shared_files=_art19,
)  # fmt: skip
LSVT19 = Layout(
    name="lsvt19", title="LSVT19", loses="scripts", image_name=lambda page: f"train_full_images/gt_{page.number}{page.suffix}",
    shared_files=_lsvt19,
)  # fmt: skip


def _coco_image_name(page: Page) -> str:
    return f"{page.split}_images/img_{page.number:05}{page.suffix}"


def _coco(pages: Iterable[Page]) -> Files:
    """Yield the label file of COCO-Text, version 2.

    ``mask`` is the flat polygon, ``bbox`` is x, y, width, height. Don't-cares are illegible and
    have no text.
    """
    images: dict[str, Any] = {}
    words: dict[str, Any] = {}
    words_of_image: dict[str, list[int]] = {}
    for page in pages:
        first = len(words) + 1
        images[str(page.number)] = {
            "id": page.number, "set": page.split, "width": page.width, "height": page.height,
            "file_name": _coco_image_name(page).split("/")[1],
        }  # fmt: skip
        for number, instance in enumerate(page.instances, start=first):
            words[str(number)] = _coco_word(page, instance, number)
        words_of_image[str(page.number)] = [*range(first, len(words) + 1)]
    yield "cocotext.v2.json", _encode_json({"cats": {}, "anns": words, "imgs": images, "imgToAnns": words_of_image, "info": {}})


def _coco_word(page: Page, instance: Instance, number: int) -> dict[str, Any]:
    polygon = corners(page, instance)
    x0, y0, x1, y1 = box(polygon)
    x, y = polygon.T
    return {
        "id": number, "image_id": page.number, "class": "machine printed", "mask": polygon.ravel().tolist(),
        "bbox": [x0, y0, x1 - x0, y1 - y0], "area": abs(float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())) / 2,
        "legibility": "illegible" if instance.dont_care else "legible",
        "language": "na" if instance.dont_care else "english" if script_name(instance) == "Latin" else "not english",
        "utf8_string": "" if instance.dont_care else transcription(instance),
    }  # fmt: skip


COCO_TEXT = Layout(
    name="coco-text", title="COCO-Text", loses="scripts, except whether they are Latin", image_name=_coco_image_name, shared_files=_coco
)  # fmt: skip


def _paddle_image_name(page: Page) -> str:
    return f"images/img_{page.number}{page.suffix}"


def _paddle_crops(page: Page) -> Iterator[tuple[str, Instance]]:
    readable = (instance for instance in page.instances if not instance.dont_care)
    yield from ((f"words/word_{page.number}_{number}.jpg", instance) for number, instance in enumerate(readable, start=1))


def _paddle(pages: Iterable[Page]) -> Files:
    """Yield the label files of PaddleOCR.

    A line for detection is a path, a tab and JSON. A line for recognition is a path, a tab and the
    text.
    """
    boxes, words, split = [], [], "train"
    for page in pages:
        split = page.split
        items = [{"transcription": transcription(instance), "points": corners(page, instance).tolist()} for instance in page.instances]
        boxes.append(f"{_paddle_image_name(page)}\t{json.dumps(items, ensure_ascii=False)}")
        words += [f"{name}\t{transcription(instance)}" for name, instance in _paddle_crops(page)]
    yield f"det_gt_{split}.txt", encode_lines(boxes)
    yield f"rec_gt_{split}.txt", encode_lines(words)


PADDLEOCR = Layout(
    name="paddleocr", title="PaddleOCR", loses="scripts", image_name=_paddle_image_name, crops=_paddle_crops, shared_files=_paddle
)  # fmt: skip


def _word_crops(page: Page) -> Iterator[tuple[str, Instance]]:
    readable = (instance for instance in page.instances if not instance.dont_care)
    first = (page.number - 1) * _WORDS_PER_IMAGE + 1
    yield from ((f"word_{number}.png", instance) for number, instance in enumerate(readable, start=first))


def _word_lines(pages: Iterable[Page]) -> Files:
    words = ((name, instance) for page in pages for name, instance in _word_crops(page))
    yield "gt.txt", encode_lines(f"{name},{script_name(instance)},{transcription(instance)}" for name, instance in words)


MLT19_WORDS = Layout(
    name="mlt19-words", title="MLT19 task 2, words", loses="the places of words, and don't-cares", image_name=lambda page: "",
    crops=_word_crops, shared_files=_word_lines,
)  # fmt: skip


def _encode_json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
