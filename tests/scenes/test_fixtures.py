"""The small data sets of ``tests/data/scenes``, which other tests read."""

import make_fixtures
import pytest

from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import FORMATS
from raygroup.scenes.layouts.writing import LAYOUTS
from raygroup.scenes.rendering.composing import lay_out, load_materials

WRITTEN = {path.relative_to(make_fixtures.FOLDER).as_posix(): path for path in make_fixtures.FOLDER.rglob("*") if path.is_file()}


def test_the_fixtures_are_made_again_byte_for_byte(tmp_path):
    make_fixtures.make(tmp_path)
    made = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*") if path.is_file()}
    assert sorted(made) == sorted(WRITTEN)
    assert [name for name in made if made[name].read_bytes() != WRITTEN[name].read_bytes()] == []


def test_the_fixtures_are_small_and_show_every_script_curved_words_and_dont_cares():
    assert sum(path.stat().st_size for path in WRITTEN.values()) < 260_000
    materials = load_materials(make_fixtures.SETTINGS)
    blocks = [placed for number in make_fixtures.NUMBERS for placed in lay_out(make_fixtures.SETTINGS, materials, number)]
    assert {task for placed in blocks for task in placed.block.tasks} == set(make_fixtures.SETTINGS.tasks)
    assert sum(placed.illegible is not None for placed in blocks) == len(make_fixtures.NUMBERS)
    assert sum(len(placed.polygon(0)) > 4 for placed in blocks) >= len(make_fixtures.NUMBERS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_fixture_is_read_without_a_problem(name):
    reader = name.removesuffix("-txt")
    if reader not in FORMATS:
        pytest.skip(f"no reader of {reader} here")
    collection = Collection([make_fixtures.FOLDER / name])
    found = [*FORMATS[reader].scenes(collection)]
    assert collection.problems.counts == {}
    assert len(found) == (11 if name == "mlt19-words" else 3)
    assert all(scene.image is not None and scene.instances for scene in found)
