"""The weights of a detector: one safetensors file, whose metadata has its size and its training."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from raygroup.errors import ConfigError, one_line
from raygroup.files.atomic import write_bytes
from raygroup.files.places import Place
from raygroup.model.spotter.detector import DetectorNetwork
from raygroup.model.spotter.shape import SHAPES

KIND = "detector"


def save_detector(path: Place, network: DetectorNetwork, size: str, about: dict[str, Any]) -> None:
    """Write a weights file atomically. ``about`` is added to its metadata."""
    write_bytes(path, detector_file(network, size, about))


def detector_file(network: DetectorNetwork, size: str, about: dict[str, Any]) -> bytes:
    """Return the content of a weights file."""
    from safetensors.torch import save

    tensors: dict[str, Tensor] = {name: value.contiguous() for name, value in network.state_dict().items()}
    return save(tensors, {"raygroup": json.dumps({"kind": KIND, "size": size, **about})})


def load_detector(path: Path) -> tuple[DetectorNetwork, dict[str, Any]]:
    """Load a weights file, frozen and ready for evaluation, and its metadata.

    Raises ConfigError if the file is missing or not one of ``save_detector``.
    """
    tensors, about = read_weights(path, "a detector's weights")
    if about.get("kind") != KIND or about.get("size") not in SHAPES:
        raise ConfigError(f"{path}: no detector: python -m raygroup.pretrain --scenes writes one")
    network = DetectorNetwork(SHAPES[about["size"]])
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise ConfigError(f"{path}: not the weights of a detector of size {about['size']}: {one_line(str(error))}") from error
    return network.eval().requires_grad_(False), about


def read_weights(path: Path, content: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and the metadata of a file with ``content``. Raises ConfigError if it is missing or no safetensors file."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise ConfigError(f"{path}: no file of {content}")
    try:
        with safe_open(path, "pt") as file:
            about = _about(file.metadata())
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except SafetensorError as error:
        raise ConfigError(f"{path}: not a safetensors file: {error}") from error
    return tensors, about


def _about(metadata: Mapping[str, str] | None) -> dict[str, Any]:
    """Return what a file says about itself. It is empty for the files of others."""
    try:
        about = json.loads((metadata or {}).get("raygroup", "{}"))
    except ValueError:
        return {}
    return about if isinstance(about, dict) else {}
