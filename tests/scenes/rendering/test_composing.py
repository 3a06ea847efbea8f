"""Rendered scenes have readable words, exact labels and reproducible pixels."""

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
from PIL import Image
from rendered_scenes_for_tests import ink_of, inside, words_of

from raygroup.errors import ConfigError
from raygroup.randomness import generator
from raygroup.scenes.rendering.backgrounds import make_background
from raygroup.scenes.rendering.composing import compose, draw, label, lay_out, load_materials
from raygroup.scenes.rendering.painting import luma
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.tasks import TASKS

SETTINGS = SceneSettings(words_per_task=200)
CURVED = replace(SETTINGS, curved=1.0, rotated=0.0, perspective=0.0)


@pytest.fixture(scope="module")
def materials():
    return load_materials(SETTINGS)


@pytest.fixture(scope="module")
def layouts(materials):
    return [lay_out(SETTINGS, materials, number) for number in range(40)]


def area(polygon):
    """Return the area by the shoelace formula.

    It is positive if the corners run clockwise as seen, because y points down.
    """
    x, y = polygon.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def test_the_ink_of_every_word_is_inside_its_polygon(layouts, materials):
    curved = [lay_out(CURVED, materials, number) for number in range(20)]
    for placed, word in words_of([*layouts, *curved]):
        inked = ink_of(placed, word, SETTINGS) > 127
        assert inked.any() or placed.block.em < 13
        assert (inked & inside(placed.polygon(word), SETTINGS)).sum() >= 0.99 * inked.sum()


def test_a_polygon_is_not_much_larger_than_the_smallest_rectangle_around_the_ink(layouts):
    """Each side may grow by up to two pixels, so only words of at least 12 pixels are compared."""
    compared = 0
    for placed, word in words_of(layouts):
        rows, columns = np.nonzero(ink_of(placed, word, SETTINGS) > 60)
        hull = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32))
        (_, (wide, high), _) = cv2.minAreaRect(hull)
        if min(wide, high) >= 12:
            compared += 1
            assert area(placed.polygon(word)) <= 1.6 * (wide + 1) * (high + 1)
    assert compared > 200


def test_polygons_are_valid_run_clockwise_as_seen_and_stay_in_the_image(layouts, materials):
    for settings, blocks in ((SETTINGS, layouts), (CURVED, [lay_out(CURVED, materials, number) for number in range(20)])):
        polygons = [placed.polygon(word) for placed, word in words_of(blocks)]
        assert min(map(area, polygons)) > 0
        assert all(shapely.Polygon(polygon).is_valid for polygon in polygons)
        corners = np.concatenate(polygons)
        assert (corners >= 0).all()
        assert (corners <= (settings.width - 1, settings.height - 1)).all()
        np.testing.assert_array_equal(corners, np.round(corners))


def test_curved_words_have_at_least_eight_corners_and_others_four(materials):
    curved = [placed.polygon(word) for placed, word in words_of(lay_out(CURVED, materials, number) for number in range(10))]
    assert min(map(len, curved)) >= 8
    straight = replace(SETTINGS, curved=0.0)
    assert {len(placed.polygon(word)) for placed, word in words_of([lay_out(straight, materials, 0)])} == {4}


def test_no_two_words_of_a_scene_overlap(layouts):
    for blocks in layouts:
        shapes = [shapely.Polygon(placed.polygon(word)) for placed in blocks for word in range(len(placed.block.texts))]
        for number, one in enumerate(shapes):
            assert all(one.intersection(other).area < 0.05 * min(one.area, other.area) for other in shapes[number + 1 :])


def test_the_ink_of_blocks_does_not_overlap(layouts):
    for blocks in layouts:
        inked = sum(
            (sum(ink_of(placed, word, SETTINGS) > 0 for word in range(len(placed.block.texts))) > 0).astype(int) for placed in blocks
        )
        assert np.max(inked) == 1


def test_the_number_of_words_is_in_the_range_of_the_settings(layouts):
    counts = [sum(len(placed.block.texts) for placed in blocks) for blocks in layouts]
    assert min(counts) >= 5
    assert max(counts) <= 15
    assert len(set(counts)) > 5


def test_the_shares_of_curved_text_and_of_dont_cares_are_those_of_the_settings(materials):
    settings = replace(SETTINGS, curved=0.5, rotated=0.0, perspective=0.0, dont_care=0.3, words=(5, 5))
    blocks = [placed for number in range(120) for placed in lay_out(settings, materials, number)]
    assert 0.4 < np.mean([not hasattr(placed.warp, "matrix") for placed in blocks]) < 0.6
    assert 0.22 < np.mean([placed.illegible is not None for placed in blocks]) < 0.38
    assert {placed.illegible for placed in blocks} == {None, "tiny", "blurred", "faint"}


def test_every_script_occurs_and_scenes_mix_scripts(materials):
    scenes = [label(SETTINGS, lay_out(SETTINGS, materials, number), number) for number in range(60)]
    scripts = Counter(instance.script for scene in scenes for instance in scene.instances)
    assert set(scripts) == {"Arabic", "Bangla", "Chinese", "Hindi", "Japanese", "Korean", "Latin", "Symbols", "None"}
    tasks = [{instance.task for instance in scene.instances} - {None} for scene in scenes]
    assert sum(len(scene_tasks) > 1 for scene_tasks in tasks) > 20
    assert max(map(len, tasks)) == 3


def test_dont_cares_are_labelled_as_such_and_other_words_with_text_and_script(layouts):
    seen = Counter()
    for number, blocks in enumerate(layouts):
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


def test_equal_settings_give_equal_pixels_and_scenes_are_independent(materials):
    one, other = compose(SETTINGS, materials, 7), compose(SETTINGS, load_materials(replace(SETTINGS)), 7)
    assert one[1] == other[1]
    assert [fields(instance) for instance in one[0].instances] == [fields(instance) for instance in other[0].instances]
    pictures = {compose(SETTINGS, materials, number)[1] for number in range(12)}
    assert len(pictures) == 12
    assert one[1] in pictures
    assert compose(replace(SETTINGS, seed=1), materials, 7)[1] not in pictures


def test_splits_of_one_seed_share_no_scene(materials):
    places = {split: lay_out(replace(SETTINGS, split=split), materials, 3)[0] for split in ("train", "val", "test")}
    assert len({(placed.x, placed.y) for placed in places.values()}) == 3


def fields(instance):
    return (instance.polygon.tolist(), instance.text, instance.dont_care, instance.script, instance.task, instance.line)


@pytest.mark.slow
def test_another_process_with_another_hash_seed_draws_the_same_scene(materials):
    program = (
        "import hashlib\nfrom raygroup.scenes.rendering.composing import *\nfrom raygroup.scenes.rendering.settings import SceneSettings\n"
        "settings = SceneSettings(words_per_task=200)\nprint(hashlib.sha256(compose(settings, load_materials(settings), 3)[1]).hexdigest())"
    )
    process = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ | {"PYTHONHASHSEED": "7"}
    )
    assert process.stdout.strip() == hashlib.sha256(compose(SETTINGS, materials, 3)[1]).hexdigest()


def test_the_image_is_a_jpeg_of_the_size_of_the_settings(materials):
    settings = replace(SETTINGS, width=320, height=200, words=(2, 4))
    _, image = compose(settings, materials, 0)
    assert image.startswith(b"\xff\xd8")
    assert cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR).shape == (200, 320, 3)


def test_readable_words_contrast_with_their_surroundings(materials):
    """Nearly all words differ by at least 25 of 255 in luma.

    The middle of the strokes is compared with a ring of 2 to 4 pixels around the ink, which an outline
    may fill. Blur and noise are included.
    """
    differences = []
    for number in range(25):
        blocks = lay_out(SETTINGS, materials, number)
        bright = luma(draw(SETTINGS, blocks, number))
        for placed, word in words_of([blocks]):
            inked = ink_of(placed, word, SETTINGS)
            ring = cv2.dilate(inked, np.ones((9, 9))) - cv2.dilate(inked, np.ones((3, 3)))
            if placed.illegible is None and placed.block.em >= 20 and (inked > 250).sum() > 20:
                differences.append(abs(bright[inked > 250].mean() - bright[ring > 127].mean()))
    assert len(differences) > 50
    assert np.quantile(differences, 0.03) > 25


def test_a_faint_word_has_little_contrast(materials):
    settings = replace(SETTINGS, dont_care=1.0, curved=0, rotated=0, perspective=0)
    faint = []
    for number in range(25):
        blocks = [placed for placed in lay_out(settings, materials, number) if placed.illegible == "faint"]
        bright = luma(draw(settings, blocks, number))
        for placed, word in words_of([blocks]):
            inked = ink_of(placed, word, SETTINGS)
            ring = cv2.dilate(inked, np.ones((5, 5))) - cv2.dilate(inked, np.ones((3, 3)))
            faint.append(abs(bright[inked > 250].mean() - bright[ring > 127].mean()) if (inked > 250).any() else 0)
    assert len(faint) > 20
    assert np.median(faint) < 25


def test_test_words_are_never_training_words():
    settings = replace(SETTINGS, tasks=("la", "bn"), words_per_task=60)
    train, unseen = load_materials(settings).words, load_materials(replace(settings, split="test")).words
    for task in settings.tasks:
        assert len(unseen[task]) == 60
        assert {word.casefold() for word in train[task]}.isdisjoint({word.casefold() for word in unseen[task]})


def test_the_users_images_become_backgrounds(tmp_path):
    cv2.imwrite(str(tmp_path / "red.png"), np.full((90, 300, 3), (0, 0, 250), np.uint8))
    settings = replace(SETTINGS, backgrounds=tmp_path, words=(1, 1))
    picture = draw(settings, [], 0)
    assert picture.shape == (480, 640, 3)
    assert picture[..., 0].mean() > 150
    assert picture[..., 1:].mean() < 20


def test_errors_name_a_folder_without_images_and_a_broken_image(tmp_path):
    with pytest.raises(ConfigError, match=r"--backgrounds .*: no image in this folder: give a folder with images"):
        load_materials(replace(SETTINGS, backgrounds=tmp_path))
    with pytest.raises(ConfigError, match=r"--backgrounds .*nowhere: no such folder"):
        load_materials(replace(SETTINGS, backgrounds=tmp_path / "nowhere"))
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(ConfigError, match=r"broken\.jpg: cannot be read as an image: not an image in a supported format"):
        draw(replace(SETTINGS, backgrounds=tmp_path), [], 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"width": 20}, "scenes.width is 20: it must be at least 64 pixels"),
        ({"words": (5, 3)}, "scenes.words is"),
        ({"tasks": ("la", "xx")}, "scenes.tasks is"),
        ({"curved": 0.6, "rotated": 0.6}, "at most 1: the rest is straight"),
        ({"split": "unseen"}, "scenes.split is 'unseen': it must be one of train, val, test"),
    ],
)
def test_wrong_settings_are_refused_by_name(wrong, message):
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        SceneSettings(**wrong)


def test_a_transparent_background_stands_on_a_ground_and_deep_ones_keep_their_contrast(tmp_path):
    transparent = np.zeros((100, 100, 4), np.uint8)
    transparent[:, :50, 3] = 255
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", transparent)[1].tobytes())
    assert set(np.unique(make_background(100, 100, generator("a"), tmp_path))) >= {0, 255}
    (tmp_path / "deep").mkdir()
    deep = np.tile(np.linspace(0, 4095, 100).astype(np.uint16), (100, 1))
    (tmp_path / "deep" / "b.png").write_bytes(cv2.imencode(".png", deep)[1].tobytes())
    assert np.ptp(make_background(100, 100, generator("b"), tmp_path / "deep")) > 100


def test_backgrounds_that_are_pipes_or_too_large_are_refused_by_name(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ConfigError, match=r"--backgrounds .*pipe\.png: is no file, must be an image"):
        load_materials(replace(SETTINGS, backgrounds=tmp_path))
    (tmp_path / "huge").mkdir()
    Image.new("1", (12_000, 12_000)).save(tmp_path / "huge" / "a.png")
    with pytest.raises(ConfigError, match=r"a\.png: cannot be read as an image: 12000 x 12000 pixels: at most 100 million are read"):
        make_background(64, 64, generator("a"), tmp_path / "huge")
