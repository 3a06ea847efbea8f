"""Scenes for training can be read in any order."""

import numpy as np
import pyarrow as pa
import pytest
from rendered_scenes_for_tests import store_of

from raygroup.errors import ConfigError
from raygroup.scenes.scene_labels import collect_labels
from raygroup.scenes.scene_store import read_scenes
from raygroup.scenes.scene_table import SceneTable, read_labels, scenes_fingerprint, write_scene_table
from raygroup.words.charset import Charset


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


def test_labels_of_a_store_and_of_its_table_are_those_of_its_words(store, tmp_path):
    write_scene_table(store, tmp_path / "scenes.arrow")
    words = [word for scene in read_scenes(store) for word in scene.instances if not word.dont_care]
    labels = read_labels(store)
    assert SceneTable(tmp_path / "scenes.arrow").labels() == labels
    assert labels.tasks == ("ar", "la")
    assert labels.characters == "".join(sorted({character for word in words for character in word.text}))
    assert labels.charset().characters == tuple(labels.characters)
    assert set(labels.charset(Charset(("ж",))).characters) == {*labels.characters, "ж"}


def test_words_that_no_head_can_learn_give_neither_tasks_nor_characters():
    square = [0.0, 0.0, 9.0, 0.0, 9.0, 9.0]
    word = {"polygon": square, "text": "a", "task": "la", "dont_care": False}
    unfit = [{"dont_care": True}, {"task": None}, {"text": ""}, {"text": "b" * 32}, {"polygon": None}]
    rows = [{"instances": []}, {"instances": [word]}, {"instances": [word | {"text": "b", "task": "ko"} | change for change in unfit]}]
    (batch,) = pa.Table.from_pylist(rows).to_batches()
    for scenes in ([batch], [batch.slice(1)], [batch.slice(0, 2), batch.slice(2)]):
        assert collect_labels(scenes).tasks == ("la",)
        assert collect_labels(scenes).characters == "a"
    assert collect_labels([batch.slice(2)]).tasks == ()


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
