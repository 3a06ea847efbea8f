"""The weights of a trained spotter: one safetensors file, whose metadata says how to build the network."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from raygroup.config_sections import section_from_json, to_json
from raygroup.errors import ConfigError, one_line
from raygroup.files.atomic import write_bytes
from raygroup.files.places import Place
from raygroup.model.spotter.detector import DetectorNetwork
from raygroup.model.spotter.shape import SHAPES
from raygroup.model.spotter.spotter import Spotter
from raygroup.spotting_config import Spotting
from raygroup.training.spotter.detector_weights import KIND as DETECTOR
from raygroup.training.spotter.detector_weights import load_detector, read_weights
from raygroup.training.spotter.new_spotter import new_spotter
from raygroup.words.charset import Charset

KIND = "spotter"


@dataclass(frozen=True, eq=False)
class TrainedSpotter:
    """A spotter, and what its heads write."""

    network: Spotter
    """In evaluation mode, without gradients."""
    settings: Spotting
    tasks: tuple[str, ...]
    """In the order of R_TM's rows and of the language predictor's classes."""
    charset: Charset
    """The classes of every head."""
    about: dict[str, Any]
    """The file's metadata. ``losses`` has the last losses of the training."""


def save_spotter_network(
    path: Place, network: Spotter, settings: Spotting, tasks: Sequence[str], charset: Charset, about: dict[str, Any]
) -> None:
    """Write a weights file atomically. ``about`` is added to its metadata."""
    from safetensors.torch import save

    about = {
        "kind": KIND,
        "size": settings.size,
        "settings": to_json(settings),
        "tasks": list(tasks),
        "charset": charset.to_json(),
        **about,
    }
    tensors = {name: value.detach().contiguous() for name, value in network.state_dict().items()}
    write_bytes(path, save(tensors, {"raygroup": json.dumps(about)}))


def load_spotter_network(path: Path) -> TrainedSpotter:
    """Load a weights file. Raises ConfigError if it is missing or not one of ``save_spotter_network``."""
    tensors, about = read_weights(path, "a spotter's weights")
    if about.get("kind") != KIND:
        raise ConfigError(f"{path}: no trained spotter: a sweep whose trial is a Spotting writes one")
    settings, charset = section_from_json(Spotting, about["settings"]), Charset.from_json(about["charset"])
    untrained = replace(settings, freeze=(), loss=replace(settings.loss, distillation=0.0))  # nothing here needs a teacher
    with torch.random.fork_rng(devices=[]):
        network = new_spotter(untrained, len(about["tasks"]), charset, None, None, "cpu", torch.float32)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise ConfigError(f"{path}: not the weights of a spotter with these settings: {one_line(str(error))}") from error
    return TrainedSpotter(network.eval().requires_grad_(False), settings, tuple(about["tasks"]), charset, about)


def load_detecting_part(path: Path) -> tuple[DetectorNetwork, dict[str, Any]]:
    """Load a detector, or the detecting part of a whole spotter, and its metadata as a detector.

    Raises ConfigError if the file holds neither, or a spotter whose map was never trained.
    """
    _, about = read_weights(path, "a detector's weights")
    if about.get("kind") != KIND:
        return load_detector(path)
    trained = load_spotter_network(path)
    loss = trained.settings.loss
    if not (loss.dice or loss.cross_entropy or trained.settings.weights.detector):
        raise ConfigError(f"{path}: its map was never trained: loss.dice and loss.cross_entropy are 0, and it started from no detector")
    detector = DetectorNetwork(SHAPES[trained.settings.size])
    parts = ("trunk.", "segmentation.")
    detector.load_state_dict({name: value for name, value in trained.network.state_dict().items() if name.startswith(parts)})
    kept = {name: value for name, value in trained.about.items() if name not in ("charset", "tasks")}
    settings = {name: value for name, value in trained.about["settings"].items() if name != "weights"}  # paths of the training machine
    return detector.eval().requires_grad_(False), {**kept, "kind": DETECTOR, "settings": settings}
