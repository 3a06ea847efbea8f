import dataclasses
import hashlib
import os
import subprocess
import sys
from collections import Counter

import cv2
import numpy as np
import pytest

from raygroup.config import Words
from raygroup.randomness import generator
from raygroup.tasks import TASKS
from raygroup.words.rendering.synthesis import (
    CropOrder,
    _choose_font,
    chunks,
    draw_crops,
    draw_pixels,
    draw_png,
    fonts_of,
    plan_crops,
    rendered_fingerprint,
)

FEW = Words(words_per_task=6, unseen_per_task=2, renders=2)


@pytest.fixture(scope="module")
def fonts():
    return fonts_of(FEW, None)


def pixels(words, fonts):
    return [draw_png(order, words, fonts[order.task]) for order in plan_crops(words)]


def test_a_training_word_has_its_renders_and_one_held_out_and_an_unseen_word_has_one():
    orders = plan_crops(FEW)
    counts = Counter((order.task, order.split) for order in orders)
    for task in TASKS:
        assert [counts[task, split] for split in ("train", "new", "unseen")] == [12, 6, 2]
    seen = {(order.task, order.text) for order in orders if order.split == "train"}
    assert seen == {(order.task, order.text) for order in orders if order.split == "new"}
    assert seen.isdisjoint({(order.task, order.text) for order in orders if order.split == "unseen"})


def test_no_two_crops_of_a_plan_are_the_same_picture(fonts):
    images = pixels(FEW, fonts)
    assert None not in images
    assert len(set(images)) == len(images) == 7 * 20


def test_a_crop_is_a_gray_png_of_the_requested_height(fonts):
    for image in pixels(FEW, fonts):
        assert image.startswith(b"\x89PNG")
        decoded = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_UNCHANGED)
        assert decoded.ndim == 2
        assert decoded.shape[0] == FEW.height
        assert decoded.shape[1] <= FEW.width


def test_the_png_keeps_every_pixel_of_the_picture(fonts):
    order = plan_crops(FEW)[0]
    decoded = cv2.imdecode(np.frombuffer(draw_png(order, FEW, fonts["ar"]), np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(decoded, draw_pixels(order, FEW, fonts["ar"]))
    assert draw_pixels(order, FEW, fonts["ar"], gray=False).shape[2] == 3


def test_equal_seeds_give_equal_pixels_in_any_order_and_other_seeds_give_others(fonts):
    images = pixels(FEW, fonts)
    backwards = [draw_png(order, FEW, fonts[order.task]) for order in reversed(plan_crops(FEW))]
    assert images == backwards[::-1]
    others = pixels(dataclasses.replace(FEW, seed=1), fonts)
    assert sum(one == other for one, other in zip(images, others, strict=True)) == 0


def test_the_same_seed_gives_the_same_pixels_in_another_process(fonts):
    script = (
        "import hashlib; from raygroup.config import Words; from raygroup.words.rendering.synthesis import *\n"
        "words = Words(words_per_task=6, unseen_per_task=2, renders=2); fonts = fonts_of(words, None)\n"
        "print(hashlib.sha256(b''.join(draw_png(order, words, fonts[order.task]) for order in plan_crops(words))).hexdigest())"
    )
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment).stdout
    assert output.strip() == hashlib.sha256(b"".join(pixels(FEW, fonts))).hexdigest()


def test_more_renders_do_not_change_the_existing_crops(fonts):
    fewer = {order: draw_png(order, FEW, fonts[order.task]) for order in plan_crops(FEW) if order.split == "train"}
    words = dataclasses.replace(FEW, renders=4, words_per_task=9)
    more = {order: draw_png(order, words, fonts[order.task]) for order in plan_crops(words) if order.split == "train"}
    assert {order: more[order] for order in fewer} == fewer


def test_a_word_that_no_font_can_write_is_dropped_and_counted(fonts):
    able = CropOrder("la", "word", "train", 0)
    unable = [CropOrder("la", "語", "train", 0), CropOrder("la", "wo\u0e01rd", "train", 1), CropOrder("bn", "한글", "unseen", 0)]
    drawable, images, dropped = draw_crops([able, *unable], FEW, fonts)
    assert drawable == [able]
    assert len(images) == 1
    assert dropped == {"la": 2, "bn": 1}


@pytest.mark.slow
def test_every_word_of_the_default_lists_can_be_drawn(fonts):
    for task in TASKS:
        texts = {order.text for order in plan_crops(Words(words_per_task=200, unseen_per_task=20, renders=1)) if order.task == task}
        _, _, dropped = draw_crops([CropOrder(task, text, "train", 0) for text in sorted(texts)[::4]], FEW, fonts)
        assert dropped == {}


def test_five_weights_of_one_family_do_not_outvote_another_family(fonts):
    """Each family writes about half of the words.

    Each file writes some. Hind Siliguri has five files, and Noto Sans Bengali has one.
    """
    used = Counter(_choose_font(list(fonts["bn"]), generator(number)) for number in range(600))
    families = Counter()
    for font, count in used.items():
        families[font.family] += count
    assert set(used) == set(fonts["bn"])
    assert len(families) == 2
    assert min(families.values()) > 250


def test_the_fingerprint_of_rendered_words_depends_on_settings_and_fonts_alone(fonts):
    expected = rendered_fingerprint(FEW, fonts)
    assert rendered_fingerprint(Words(words_per_task=6, unseen_per_task=2, renders=2), fonts_of(FEW, None)) == expected
    assert rendered_fingerprint(dataclasses.replace(FEW, seed=1), fonts) != expected
    assert rendered_fingerprint(dataclasses.replace(FEW, variation=0.5), fonts) != expected
    assert rendered_fingerprint(dataclasses.replace(FEW, photographs=0.5), fonts) != expected
    assert rendered_fingerprint(dataclasses.replace(FEW, photographs=0.0), fonts) == expected
    assert rendered_fingerprint(FEW, fonts | {"la": fonts["la"][:1]}) != expected


def test_chunks_keep_every_crop_in_order():
    orders = plan_crops(FEW)
    assert [order for chunk in chunks(orders, 9) for order in chunk] == orders
