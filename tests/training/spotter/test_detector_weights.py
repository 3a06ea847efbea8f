"""What is no detector is refused in one line."""

import pytest
import torch
from safetensors.torch import save_file

from raygroup.errors import ConfigError
from raygroup.model.spotter.detector import DetectorNetwork
from raygroup.model.spotter.shape import COMPACT
from raygroup.training.spotter.detector_weights import load_detector, save_detector


def test_weights_and_facts_come_back(tmp_path):
    network = DetectorNetwork(COMPACT)
    save_detector(tmp_path / "d.safetensors", network, "compact", {"steps": 3})
    loaded, about = load_detector(tmp_path / "d.safetensors")
    assert about == {"kind": "detector", "size": "compact", "steps": 3}
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in loaded.state_dict().items())


def test_weights_that_do_not_fit_are_named(tmp_path):
    network = DetectorNetwork(COMPACT)
    network.trunk.lateral[0] = torch.nn.Conv2d(3, 5, 1)
    save_detector(tmp_path / "d.safetensors", network, "compact", {})
    with pytest.raises(ConfigError, match=r"d\.safetensors: not the weights of a detector of size compact: .*trunk\.lateral\.0\.weight"):
        load_detector(tmp_path / "d.safetensors")


@pytest.mark.parametrize("about", ["{", "[]", "3", '{"kind": "reader"}', '{"kind": "detector", "size": "huge"}'])
def test_a_file_that_says_otherwise_of_itself_is_refused(tmp_path, about):
    save_file({"a": torch.zeros(1)}, tmp_path / "d.safetensors", {"raygroup": about})
    with pytest.raises(ConfigError, match=r"no detector: python -m raygroup\.pretrain --scenes writes one"):
        load_detector(tmp_path / "d.safetensors")


def test_a_file_without_tensors_is_refused(tmp_path):
    (tmp_path / "d.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ConfigError, match="not a safetensors file"):
        load_detector(tmp_path / "d.safetensors")
    with pytest.raises(ConfigError, match="no file of a detector's weights"):
        load_detector(tmp_path / "none.safetensors")
