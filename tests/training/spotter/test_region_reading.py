"""Words are read from crops as the word trunk reads them, and from RoI features by a spotter, stored or not."""

import pytest
import torch
from rendered_scenes_for_tests import store_of

from raygroup.model.heads.bank import HeadBank
from raygroup.model.laptop_trunk import Trunk
from raygroup.scenes.scene_store import read_scenes
from raygroup.spotting_config import SpotterHeads, Spotting
from raygroup.training.spotter.new_spotter import new_spotter
from raygroup.training.spotter.region_reading import CropReader, LabelledWords, RegionReader
from raygroup.training.spotter_weights import load_spotter, save_spotter
from raygroup.training.universal_weights import UniversalModel
from raygroup.trunks import FEATURE_GRID, FEATURES
from raygroup.words.charset import Charset

TASKS = ("la", "ar")
CHARSET = Charset(tuple("abcdefghijklmnopqrstuvwxyz"))


@pytest.fixture(scope="module")
def scene_words(tmp_path_factory):
    return [LabelledWords.of(scene, TASKS) for scene in read_scenes(store_of(tmp_path_factory.mktemp("scenes"), 2))]


def reader():
    head = HeadBank(1, CHARSET.num_classes, features=FEATURES, positions=FEATURE_GRID, embed=6, hidden=8)
    head.initialise(0, torch.Generator().manual_seed(5))
    torch.manual_seed(5)
    return UniversalModel(Trunk().eval().requires_grad_(False), head.requires_grad_(False), CHARSET)


def spotter_of(source, count=2):
    heads = SpotterHeads(source=source, count=count, embed=6, hidden=8)
    teacher = None if source == "planes" else reader()
    return new_spotter(Spotting(heads=heads), len(TASKS), CHARSET, teacher, None, "cpu", torch.float32)


def test_crops_give_one_text_for_each_word(scene_words):
    for words in scene_words:
        assert len(CropReader(reader()).read(words)) == len(words.labels) > 0


@pytest.mark.parametrize("source", ["planes", "boxes", "rectangles"])
def test_a_stored_spotter_reads_the_same_words(scene_words, source, tmp_path):
    spotter = spotter_of(source)
    save_spotter(tmp_path / "spotter.safetensors", spotter, TASKS, ("a", "b"))
    stored, _ = load_spotter(tmp_path / "spotter.safetensors")
    texts = RegionReader(spotter, CHARSET).read(scene_words[0])
    assert len(texts) == len(scene_words[0].labels)
    assert RegionReader(stored, CHARSET).read(scene_words[0]) == texts


def test_one_head_reads_rectangles_without_planes_as_two_equal_heads_do(scene_words):
    one, two = spotter_of("rectangles", 1), spotter_of("rectangles", 2)
    shared = {name: value for name, value in one.state_dict().items() if not name.startswith(("recognition", "r_tm"))}
    two.load_state_dict(shared, strict=False)
    assert RegionReader(one, CHARSET).read(scene_words[0]) == RegionReader(two, CHARSET).read(scene_words[0])
