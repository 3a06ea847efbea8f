"""Save and load checkpoints as safetensors files.

``storage.checkpoint_index`` lists them and finds out which are sound.
"""

import json
from typing import TYPE_CHECKING, Any

from raygroup.files.places import Place
from raygroup.history.sinks import Checksums
from raygroup.storage.checkpoint_index import add_checkpoint, read_checkpoint

if TYPE_CHECKING:
    from torch import Tensor


def save_checkpoint(
    trial_folder: Place, step: int, tensors: "dict[str, Tensor]", facts: dict[str, Any], attempt: int = 0, history: Checksums | None = None
) -> None:
    """Write the state after ``step`` and drop all but the last two checkpoints.

    ``facts`` are stored in the file as JSON. ``history`` holds the checksums of all history files
    with steps up to this one.
    """
    from safetensors.torch import save

    content = save({name: value.cpu() for name, value in tensors.items()}, {"raygroup": json.dumps({"step": step, **facts})})
    add_checkpoint(trial_folder, step, attempt, content, history or {})


def load_checkpoint(trial_folder: Place, step: int) -> "tuple[dict[str, Tensor], dict[str, Any], Checksums]":
    """Return the tensors, facts and history checksums of a step's checkpoint."""
    from safetensors.torch import load

    content, history = read_checkpoint(trial_folder, step)
    return load(content), json.loads(_metadata(content)["raygroup"]), history


def _metadata(content: bytes) -> dict[str, str]:
    """Return the string table of a safetensors file.

    The file starts with the length of its header in eight bytes. The header is JSON.
    """
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return dict(header.get("__metadata__", {}))
