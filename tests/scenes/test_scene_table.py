"""Scenes for training can be read in any order."""

import numpy as np
import pytest
from rendered_scenes_for_tests import store_of

from raygroup.errors import ConfigError
from raygroup.scenes.scene_store import read_scenes
from raygroup.scenes.scene_table import SceneTable, scenes_fingerprint, write_scene_table


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return store_of(tmp_path_factory.mktemp("scenes"), 5)


def test_a_table_has_the_scenes_of_its_store_in_any_order(store, tmp_path):
    write_scene_table(store, tmp_path / "scenes.arrow")
    table, scenes = SceneTable(tmp_path / "scenes.arrow"), list(read_scenes(store))
    assert len(table) == 5
    for number in (4, 0, 2):
        assert (table[number].name, table[number].image) == (scenes[number].name, scenes[number].image)
        for one, other in zip(table[number].instances, scenes[number].instances, strict=True):
            assert (one.text, one.task, one.dont_care) == (other.text, other.task, other.dont_care)
            assert np.array_equal(one.polygon, other.polygon)
    with pytest.raises(IndexError):
        table[5]


def test_the_fingerprint_is_that_of_the_content(store, tmp_path):
    before = scenes_fingerprint(store)
    assert scenes_fingerprint(store / "scenes") == before
    (part,) = (store / "scenes").glob("*.parquet")
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes" / "other-00000.parquet").write_bytes(part.read_bytes())
    assert scenes_fingerprint(tmp_path) == before


def test_a_folder_without_scenes_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no scene store"):
        write_scene_table(tmp_path, tmp_path / "scenes.arrow")
