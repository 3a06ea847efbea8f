"""Test the stage-1 weights: their file, and their copies in a bank."""

import pytest
import torch

from raygroup.errors import ConfigError
from raygroup.model.heads.bank import HeadBank
from raygroup.model.laptop_trunk import Trunk
from raygroup.training.universal_weights import UniversalModel, copy_universal, load_universal, save_universal
from raygroup.trunks import FEATURE_GRID, FEATURES
from raygroup.words.charset import Charset

CHARSET = Charset(("a", "b", "c"))


@pytest.fixture
def universal() -> UniversalModel:
    head = HeadBank(1, CHARSET.num_classes, features=FEATURES, positions=FEATURE_GRID, embed=32, hidden=64)
    head.initialise(0, torch.Generator().manual_seed(0))
    return UniversalModel(Trunk().eval(), head.requires_grad_(False), CHARSET)


def test_saved_weights_are_loaded_unchanged(universal, tmp_path):
    save_universal(tmp_path / "w.safetensors", universal, {"scores": {}})
    loaded = load_universal(tmp_path / "w.safetensors")
    assert loaded.charset == universal.charset
    for saved, read in ((universal.trunk, loaded.trunk), (universal.head, loaded.head)):
        assert all(torch.equal(value, read.state_dict()[name]) for name, value in saved.state_dict().items())


def test_a_copied_head_has_each_known_character_at_its_new_class(universal):
    charset = Charset(("b", "c", "z"))
    bank = HeadBank(3, charset.num_classes, features=FEATURES, positions=FEATURE_GRID, embed=(32, 32, 16), hidden=64)
    for head in range(3):
        bank.initialise(head, torch.Generator().manual_seed(head))
    initial_z, initial_smaller = bank.output[:, :, 3].clone(), bank.head_parameter("output", 2)
    assert copy_universal(bank, range(3), universal, charset) == 1, "z is new"
    source = universal.head
    assert torch.equal(bank.output[1, :, 1], source.output[0, :, 2]), "b"
    assert torch.equal(bank.embedding[0, 4], source.embedding[0, 4]), "the end of a word is class 4 in both charsets"
    assert torch.equal(bank.output[:, :, 3], initial_z), "a new character keeps its initial weights"
    assert torch.equal(bank.head_parameter("output", 2), initial_smaller), "a head of another size keeps its initial weights"


def test_heads_without_the_universal_size_are_refused(universal):
    bank = HeadBank(2, 5, features=FEATURES, positions=FEATURE_GRID, embed=16, hidden=64)
    with pytest.raises(ConfigError, match="heads.embed and heads.hidden must be 32 and 64"):
        copy_universal(bank, range(2), universal, CHARSET)
