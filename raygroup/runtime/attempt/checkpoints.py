"""Save and load checkpoints as safetensors files.

``storage.checkpoint_index`` lists them and finds out which are sound.
"""

from typing import TYPE_CHECKING, Any

from raygroup.files.places import Place
from raygroup.history.sinks import Checksums
from raygroup.storage.checkpoint_format import add_facts, read_facts
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

    content = save({name: value.cpu() for name, value in tensors.items()})
    add_checkpoint(trial_folder, step, attempt, add_facts(content, {"step": step, **facts}, history or {}), history or {})


def load_checkpoint(trial_folder: Place, step: int) -> "tuple[dict[str, Tensor], dict[str, Any], Checksums]":
    """Return the tensors, facts and history checksums of a step's checkpoint."""
    from safetensors.torch import load

    content, history = read_checkpoint(trial_folder, step)
    return load(content), read_facts(content), history
