"""Clutter lies behind the text, is never labelled, and has no letters."""

from dataclasses import replace

import numpy as np
import pytest

from raygroup.errors import ConfigError
from raygroup.randomness import generator
from raygroup.scenes.rendering.clutter.painting import OBJECTS, add_clutter
from raygroup.scenes.rendering.composing import compose, draw, label, lay_out, load_materials
from raygroup.scenes.rendering.settings import SceneSettings

PLAIN = SceneSettings(words_per_task=60, width=320, height=240, words=(2, 5), tasks=("la",))
CLUTTERED = replace(PLAIN, clutter=1.0)


@pytest.fixture(scope="module")
def materials():
    return load_materials(PLAIN)


def labels(settings, materials, number):
    scene = label(settings, lay_out(settings, materials, number), number)
    return [(instance.polygon.tolist(), instance.text, instance.script) for instance in scene.instances]


def test_clutter_changes_the_pixels_and_no_label(materials):
    for number in range(8):
        assert labels(CLUTTERED, materials, number) == labels(PLAIN, materials, number)
        blocks = lay_out(PLAIN, materials, number)
        differences = (draw(CLUTTERED, blocks, number) != draw(PLAIN, blocks, number)).any(axis=2)
        assert differences.mean() > 0.02


def test_a_share_of_the_scenes_has_clutter_and_the_others_keep_their_pixels(materials):
    some = replace(PLAIN, clutter=0.5)
    same = [(draw(some, [], number) == draw(PLAIN, [], number)).all() for number in range(60)]
    assert 0.3 < np.mean(same) < 0.7


def test_the_same_seed_gives_the_same_clutter_and_another_seed_another(materials):
    assert compose(CLUTTERED, materials, 3)[1] == compose(replace(CLUTTERED), materials, 3)[1]
    assert compose(CLUTTERED, materials, 3)[1] != compose(replace(CLUTTERED, seed=1), materials, 3)[1]


@pytest.mark.parametrize("draw_object", OBJECTS, ids=lambda draw_object: draw_object.__name__)
def test_every_object_draws_something_at_any_size_from_its_generator_alone(draw_object):
    for width, height in ((24, 24), (24, 400), (500, 30), (320, 240)):
        sheet, again = (draw_object(width, height, generator("object", width, height)) for _ in range(2))
        assert sheet.colour.shape == (height, width, 3)
        assert (sheet.ink > 0).mean() > 0.002
        np.testing.assert_array_equal(sheet.colour, again.colour)
        np.testing.assert_array_equal(sheet.ink, again.ink)


def test_more_objects_cover_more_of_the_picture():
    covered = []
    for num_objects in (1, 8):
        parts = []
        for number in range(12):
            picture = np.zeros((120, 160, 3), np.uint8)
            add_clutter(picture, num_objects, generator("cover", number))
            parts.append((picture > 0).any(axis=2).mean())
        covered.append(np.mean(parts))
    assert covered[1] > 1.5 * covered[0] > 0


def test_what_an_object_does_not_cover_shows_the_background():
    """Between the wires of a mesh, the picture keeps its pixels."""
    mesh = next(draw_object for draw_object in OBJECTS if draw_object.__name__ == "_mesh")
    ink = mesh(320, 240, generator("mesh")).ink
    assert 0.05 < (ink == 0).mean() < 0.98


def test_a_scene_of_clutter_alone_has_no_label(materials):
    settings = replace(CLUTTERED, textless=1.0)
    scene, image = compose(settings, materials, 5)
    assert scene.instances == ()
    assert image.startswith(b"\xff\xd8")


def test_textless_scenes_have_their_share_and_leave_the_others_as_they_were(materials):
    settings = replace(PLAIN, textless=0.3)
    empty = [not lay_out(settings, materials, number) for number in range(100)]
    assert 0.18 < np.mean(empty) < 0.42
    for number in range(12):
        assert labels(settings, materials, number) == ([] if empty[number] else labels(PLAIN, materials, number))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"clutter": 1.2}, r"scenes\.clutter is 1\.2: it must be a share, 0 to 1"),
        ({"clutter_objects": (3, 2)}, r"scenes\.clutter_objects is \(3, 2\): it must be least and most objects"),
        ({"textless": -0.1}, r"scenes\.textless is -0\.1"),
    ],
)
def test_wrong_settings_are_refused_by_name(wrong, message):
    with pytest.raises(ConfigError, match=message):
        SceneSettings(**wrong)
