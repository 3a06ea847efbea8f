"""Numbers of the reference network, which lie beside a checkout of the builders and not in it: tests that need them skip elsewhere."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

_FOLDER = Path(__file__).parents[2] / "shared" / "fixtures" / "reference"


def reference(name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(what the file says of itself, its arrays); skips the test where the fixtures are not there."""
    path = _FOLDER / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"no reference fixtures at {_FOLDER}")
    with np.load(path) as stored:
        arrays = {key: stored[key] for key in stored.files}
    return json.loads(arrays.pop("meta").tobytes()), arrays


def reference_tensor() -> Callable[..., np.ndarray]:
    """The fixtures' rule for inputs that are not stored."""
    return _rule().tensor


def reference_weights(shapes: dict[str, list[int]]) -> dict[str, np.ndarray]:
    """The fixtures' weights of full size, which follow from their names."""
    rule = _rule()
    return rule.state_dict(shapes, rule.OVERRIDES)


def reference_keys(name: str) -> dict[str, list[int]]:
    """Return the names and shapes of a released network's weights. Skips where they are not there."""
    path = _FOLDER / f"keys_{name}.json"
    if not path.is_file():
        pytest.skip(f"no reference fixtures at {_FOLDER}")
    keys: dict[str, list[int]] = json.loads(path.read_text())["keys"]
    return keys


def _rule() -> Any:
    spec = importlib.util.spec_from_file_location("detfill", _FOLDER / "detfill.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
