import hashlib
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest
import shapely

from raygroup.errors import ConfigError
from raygroup.randomness import generator
from raygroup.scenes.rendering.composing import compose, draw, gather, label, lay_out
from raygroup.scenes.rendering.painting import luma
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.scenes.rendering.typesetting import typeset
from raygroup.scenes.rendering.warping import arc, flat
from raygroup.tasks import TASKS
from raygroup.words.rendering.fonts import find_fonts
from raygroup.words.rendering.shaping import ink

SETTINGS = SceneSettings(words_per_task=200)
CURVED = replace(SETTINGS, curved=1.0, rotated=0.0, perspective=0.0)


@pytest.fixture(scope="module")
def materials():
    return gather(SETTINGS)


@pytest.fixture(scope="module")
def laid(materials):
    return [lay_out(SETTINGS, materials, number) for number in range(40)]


def ink_of(placed, word, settings=SETTINGS):
    """The scene's pixels that one word inks."""
    scene = np.zeros((settings.height, settings.width), np.uint8)
    patch = placed.warp.warped(placed.block.alone(word))
    scene[placed.y : placed.y + patch.shape[0], placed.x : placed.x + patch.shape[1]] = patch
    return scene


def inside(polygon, settings=SETTINGS):
    return cv2.fillPoly(np.zeros((settings.height, settings.width), np.uint8), [polygon.astype(np.int32)], 1) > 0


def area(polygon):
    """By the shoelace formula; positive where the corners run clockwise as seen, y being down."""
    x, y = polygon.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def words_of(laid):
    return [(placed, word) for blocks in laid for placed in blocks for word in range(len(placed.block.texts))]


def test_the_ink_of_every_word_lies_within_its_polygon(laid, materials):
    laid = [*laid, *(lay_out(CURVED, materials, number) for number in range(20))]
    for placed, word in words_of(laid):
        inked = ink_of(placed, word) > 127
        assert inked.any() or placed.block.em < 13
        assert (inked & inside(placed.polygon(word))).sum() >= 0.99 * inked.sum()


def test_a_polygon_is_little_larger_than_the_tightest_turned_box_around_the_ink(laid):
    """Up to two pixels are added on each side, so words of at least 12 pixels in height are looked at; a curved polygon is compared with
    its ink's hull."""
    compared = 0
    for placed, word in words_of(laid):
        rows, columns = np.nonzero(ink_of(placed, word) > 60)
        hull = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32))
        (_, (wide, high), _) = cv2.minAreaRect(hull)
        if min(wide, high) >= 12:
            compared += 1
            assert area(placed.polygon(word)) <= 1.6 * (wide + 1) * (high + 1)
    assert compared > 200


def test_polygons_run_clockwise_as_seen_within_the_image_and_need_no_repair(laid, materials):
    for settings, blocks in ((SETTINGS, laid), (CURVED, [lay_out(CURVED, materials, number) for number in range(20)])):
        polygons = [placed.polygon(word) for placed, word in words_of(blocks)]
        assert min(map(area, polygons)) > 0
        assert all(shapely.Polygon(polygon).is_valid for polygon in polygons)
        corners = np.concatenate(polygons)
        assert (corners >= 0).all()
        assert (corners <= (settings.width - 1, settings.height - 1)).all()
        np.testing.assert_array_equal(corners, np.round(corners))


def test_words_along_an_arc_have_eight_corners_or_more_and_flat_ones_four(materials, laid):
    curved = [placed.polygon(word) for placed, word in words_of(lay_out(CURVED, materials, number) for number in range(10))]
    assert min(map(len, curved)) >= 8
    straight = replace(SETTINGS, curved=0.0)
    assert {len(placed.polygon(word)) for placed, word in words_of([lay_out(straight, materials, 0)])} == {4}


def test_no_two_words_of_a_scene_overlap(laid):
    for blocks in laid:
        shapes = [shapely.Polygon(placed.polygon(word)) for placed in blocks for word in range(len(placed.block.texts))]
        for number, one in enumerate(shapes):
            assert all(one.intersection(other).area < 0.05 * min(one.area, other.area) for other in shapes[number + 1 :])


def test_no_ink_of_one_block_lies_on_the_ink_of_another(laid):
    for blocks in laid:
        inked = sum((sum(ink_of(placed, word) > 0 for word in range(len(placed.block.texts))) > 0).astype(int) for placed in blocks)
        assert np.max(inked) == 1


def test_a_scene_holds_as_many_words_as_asked_for(laid):
    counts = [sum(len(placed.block.texts) for placed in blocks) for blocks in laid]
    assert min(counts) >= 5
    assert max(counts) <= 15
    assert len(set(counts)) > 5


def test_the_shares_of_curved_text_and_of_dont_cares_are_those_asked_for(materials):
    settings = replace(SETTINGS, curved=0.5, rotated=0.0, perspective=0.0, dont_care=0.3, words=(5, 5))
    blocks = [placed for number in range(120) for placed in lay_out(settings, materials, number)]
    assert 0.4 < np.mean([not hasattr(placed.warp, "matrix") for placed in blocks]) < 0.6
    assert 0.22 < np.mean([placed.illegible is not None for placed in blocks]) < 0.38
    assert {placed.illegible for placed in blocks} == {None, "tiny", "blurred", "faint"}


def test_every_script_comes_up_and_scenes_mix_them(materials):
    scenes = [label(SETTINGS, lay_out(SETTINGS, materials, number), number) for number in range(60)]
    scripts = Counter(instance.script for scene in scenes for instance in scene.instances)
    assert set(scripts) == {"Arabic", "Bangla", "Chinese", "Hindi", "Japanese", "Korean", "Latin", "Symbols", "None"}
    tasks = [{instance.task for instance in scene.instances} - {None} for scene in scenes]
    assert sum(len(found) > 1 for found in tasks) > 20
    assert max(map(len, tasks)) == 3


def test_a_dont_care_is_labelled_so_and_any_other_word_with_its_text_and_script(laid):
    seen = Counter()
    for number, blocks in enumerate(laid):
        instances = iter(label(SETTINGS, blocks, number).instances)
        for placed, word in words_of([blocks]):
            instance, text, task = next(instances), placed.block.texts[word], placed.block.tasks[word]
            has_letter = any(map(TASKS[task].has_letter, text))
            seen[placed.illegible is not None, has_letter] += 1
            if placed.illegible:
                assert (instance.text, instance.dont_care, instance.script, instance.task) == ("###", True, "None", None)
            else:
                assert (instance.text, instance.dont_care, instance.task) == (text, False, task if has_letter else None)
    assert min(seen[False, True], seen[True, True], seen[False, False]) > 0


def test_equal_settings_give_equal_pixels_and_a_scene_does_not_depend_on_the_others(materials):
    one, other = compose(SETTINGS, materials, 7), compose(SETTINGS, gather(replace(SETTINGS)), 7)
    assert one[1] == other[1]
    assert [vars_of(instance) for instance in one[0].instances] == [vars_of(instance) for instance in other[0].instances]
    pictures = {compose(SETTINGS, materials, number)[1] for number in range(12)}
    assert len(pictures) == 12
    assert one[1] in pictures
    assert compose(replace(SETTINGS, seed=1), materials, 7)[1] not in pictures


def test_splits_of_one_seed_have_no_scene_in_common(materials):
    places = {split: lay_out(replace(SETTINGS, split=split), materials, 3)[0] for split in ("train", "val", "test")}
    assert len({(placed.x, placed.y) for placed in places.values()}) == 3


def vars_of(instance):
    return (instance.polygon.tolist(), instance.text, instance.dont_care, instance.script, instance.task, instance.line)


def test_another_process_with_another_hash_seed_draws_the_same_scene(materials):
    asked = (
        "import hashlib\nfrom raygroup.scenes.rendering.composing import *\nfrom raygroup.scenes.rendering.settings import SceneSettings\n"
        "settings = SceneSettings(words_per_task=200)\nprint(hashlib.sha256(compose(settings, gather(settings), 3)[1]).hexdigest())"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, env=os.environ | {"PYTHONHASHSEED": "7"}
    )
    assert told.stdout.strip() == hashlib.sha256(compose(SETTINGS, materials, 3)[1]).hexdigest()


def test_the_image_is_a_jpeg_of_the_size_asked_for(materials):
    settings = replace(SETTINGS, width=320, height=200, words=(2, 4))
    _, image = compose(settings, materials, 0)
    assert image.startswith(b"\xff\xd8")
    assert cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR).shape == (200, 320, 3)


def test_words_that_can_be_read_stand_out_from_what_is_around_them(materials):
    """In luma, the middle of the strokes against a ring of 2 to 4 pixels around the ink (an outline may fill it), before blur and noise
    are told apart: by 25 of 255 at least for nearly all."""
    differences = []
    for number in range(25):
        blocks = lay_out(SETTINGS, materials, number)
        bright = luma(draw(SETTINGS, blocks, number))
        for placed, word in words_of([blocks]):
            inked = ink_of(placed, word)
            ring = cv2.dilate(inked, np.ones((9, 9))) - cv2.dilate(inked, np.ones((3, 3)))
            if placed.illegible is None and placed.block.em >= 20 and (inked > 250).sum() > 20:
                differences.append(abs(bright[inked > 250].mean() - bright[ring > 127].mean()))
    assert len(differences) > 50
    assert np.quantile(differences, 0.03) > 25


def test_a_faint_word_hardly_stands_out(materials):
    settings = replace(SETTINGS, dont_care=1.0, curved=0, rotated=0, perspective=0)
    faint = []
    for number in range(25):
        blocks = [placed for placed in lay_out(settings, materials, number) if placed.illegible == "faint"]
        bright = luma(draw(settings, blocks, number))
        for placed, word in words_of([blocks]):
            inked = ink_of(placed, word)
            ring = cv2.dilate(inked, np.ones((5, 5))) - cv2.dilate(inked, np.ones((3, 3)))
            faint.append(abs(bright[inked > 250].mean() - bright[ring > 127].mean()) if (inked > 250).any() else 0)
    assert len(faint) > 20
    assert np.median(faint) < 25


def test_unseen_words_are_never_among_those_trained_on():
    settings = replace(SETTINGS, tasks=("la", "bn"), words_per_task=60)
    train, unseen = gather(settings).words, gather(replace(settings, split="test")).words
    for task in settings.tasks:
        assert len(unseen[task]) == 60
        assert {word.casefold() for word in train[task]}.isdisjoint({word.casefold() for word in unseen[task]})


def test_given_backgrounds_lie_under_the_text(tmp_path, materials):
    cv2.imwrite(str(tmp_path / "red.png"), np.full((90, 300, 3), (0, 0, 250), np.uint8))
    settings = replace(SETTINGS, backgrounds=tmp_path, words=(1, 1))
    picture = draw(settings, [], 0)
    assert picture.shape == (480, 640, 3)
    assert picture[..., 0].mean() > 150
    assert picture[..., 1:].mean() < 20


def test_a_folder_without_images_and_an_image_that_is_none_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"--backgrounds .*: no image in it"):
        gather(replace(SETTINGS, backgrounds=tmp_path))
    with pytest.raises(ConfigError, match=r"--backgrounds .*nowhere: no such folder"):
        gather(replace(SETTINGS, backgrounds=tmp_path / "nowhere"))
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(ConfigError, match=r"broken.jpg: 8 bytes that are no readable image"):
        draw(replace(SETTINGS, backgrounds=tmp_path), [], 0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"width": 20}, "scenes.width is 20: it must be at least 64 pixels"),
        ({"words": (5, 3)}, "scenes.words is"),
        ({"tasks": ("la", "xx")}, "scenes.tasks is"),
        ({"curved": 0.6, "rotated": 0.6}, "at most 1: the rest is straight"),
        ({"split": "unseen"}, "scenes.split is 'unseen': it must be one of train, val, test"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(wrong, said):
    with pytest.raises(ConfigError, match=said.replace("(", r"\(")):
        SceneSettings(**wrong)


def test_a_word_keeps_its_parts_on_an_arc(materials):
    """Curving warps the shaped ink as a whole: Arabic stays joined, Devanagari hangs on one headline."""
    for task, text in (("ar", "الجميل"), ("hi", "प्रभावित"), ("bn", "আক্রান্ত"), ("la", "word")):
        straight, _ = ink(text, find_fonts(task)[0], task, 64)
        warp = arc((straight.shape[1], straight.shape[0]), 4.0, 1.0, 0.2)
        parts = [cv2.connectedComponents((picture > 100).astype(np.uint8))[0] for picture in (straight, warp.warped(straight))]
        assert parts[0] == parts[1]


def test_an_arch_lifts_the_middle_of_a_word_and_a_hanging_arc_lowers_it():
    bar = np.full((10, 200), 255, np.uint8)
    for angle, sign in ((1.5, 1), (-1.5, -1)):
        curved = arc((200, 10), 2.0, angle, 0.0).warped(bar)
        rows = [np.nonzero(curved[:, column])[0].mean() for column in (curved.shape[1] // 2, 12)]
        assert sign * (rows[1] - rows[0]) > 20


def test_a_curved_word_is_as_long_as_it_was_flat_and_reads_from_left_to_right():
    """Red left, green right: ink of the left third stays in the left of the patch whether the text arches or hangs."""
    left = np.zeros((12, 240), np.uint8)
    left[:, :80] = 255
    for angle in (1.2, -1.2):
        warp = arc((240, 12), 2.0, angle, 0.0)
        columns = np.nonzero(warp.warped(left) > 127)[1]
        assert columns.max() < warp.size[0] / 2
        assert abs((warp.warped(left) > 127).sum() - 80 * 12) < 60


def test_turning_clockwise_sends_the_end_of_a_word_down():
    bar = np.full((10, 100), 255, np.uint8)
    turned = flat((100, 10), 0.0, np.pi / 6).warped(bar)
    assert np.nonzero(turned[:, -8])[0].mean() > np.nonzero(turned[:, 8])[0].mean() + 30


def test_arabic_words_of_a_line_stand_from_right_to_left_and_latin_ones_from_left_to_right(materials):
    for task, texts, sign in (("ar", ["نور", "الجميل"], -1), ("la", ["one", "two"], 1)):
        block = typeset([(task, texts)], materials.fonts, 32, generator("line"))
        assert block.texts == tuple(texts)
        assert sign * (block.boxes[1][0] - block.boxes[0][0]) > 0


def test_words_of_a_line_share_their_base_line_though_their_ink_is_cropped():
    """x, p and d at 60 pixels an em: feet of x and d agree; p reaches below them."""
    fonts = {"la": [font for font in find_fonts("la") if font.family == "Noto Sans"][:1]}
    block = typeset([("la", ["xxxxd", "xxxxp", "xxxx"])], fonts, 60, generator("line"))
    above, below, plain = block.boxes
    assert abs(above[3] - plain[3]) <= 2
    assert below[3] > plain[3] + 8
    assert above[1] < plain[1] - 8
