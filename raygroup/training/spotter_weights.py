"""The weights of a spotter in one safetensors file.

Its metadata has the sizes of the network, so the file alone says how to build it.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from raygroup.errors import ConfigError
from raygroup.files.atomic import write_bytes
from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.ctc import CtcBank
from raygroup.model.heads.location_tables import LocatedHeadBank
from raygroup.model.spotter.mask_head import PLANE_GRID
from raygroup.model.spotter.recognition import RecognitionHeads
from raygroup.model.spotter.shape import SpotterShape
from raygroup.model.spotter.spotter import Spotter
from raygroup.trunks import FEATURE_GRID, FEATURES

METADATA = "raygroup.spotter"
"""The key of the metadata that only a spotter's file has."""


def save_spotter(path: Path, spotter: Spotter, tasks: Sequence[str], heads: Sequence[str]) -> None:
    """Write a spotter atomically, with the names of its tasks and heads."""
    from safetensors.torch import save

    about = {
        "shape": dataclasses.asdict(spotter.shape), "tasks": list(tasks), "heads": list(heads),
        "source": spotter.adapter.source if spotter.adapter else None, "banks": [_bank_sizes(bank) for bank in spotter.recognition.banks],  # type: ignore[arg-type]
    }  # fmt: skip
    tensors = {name: value.detach().contiguous() for name, value in spotter.state_dict().items()}
    write_bytes(path, save(tensors, {METADATA: json.dumps(about, ensure_ascii=False)}))


def load_spotter(path: Path) -> tuple[Spotter, dict[str, Any]]:
    """Return the spotter of a file in evaluation mode, and the file's metadata.

    Raises ConfigError if the file holds no spotter.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            stored = (file.metadata() or {}).get(METADATA)
            if stored is None:
                raise ConfigError(f"{path}: it holds no spotter (no {METADATA!r} metadata)")
            about = json.loads(stored)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except SafetensorError as error:
        raise ConfigError(f"{path}: not a safetensors file: {error}") from error
    shape: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in about["shape"].items()}
    with torch.device("meta"):  # nothing is drawn that would be overwritten
        banks = [_bank_of_sizes(sizes, shape["mask"]) for sizes in about["banks"]]
        spotter = Spotter(SpotterShape(**shape), len(about["tasks"]), RecognitionHeads(banks), about.get("source"))
    spotter.load_state_dict(tensors, assign=True)
    return spotter.eval(), about


def _bank_sizes(bank: HeadBank | CtcBank) -> dict[str, Any]:
    if isinstance(bank, CtcBank):
        return {"decoder": "ctc", "heads": bank.heads, "classes": bank.classes, "hidden": bank.hidden}
    return {
        "classes": bank.classes, "embed": list(bank.embeds), "hidden": list(bank.hiddens), "located": isinstance(bank, LocatedHeadBank),
        "convolve": bank.convolve,
    }  # fmt: skip


def _bank_of_sizes(sizes: dict[str, Any], channels: int) -> HeadBank | CtcBank:
    if sizes.get("decoder") == "ctc":
        features, positions = (FEATURES, FEATURE_GRID) if sizes["hidden"] is None else (channels, PLANE_GRID)
        return CtcBank(sizes["heads"], sizes["classes"], features=features, positions=positions, hidden=sizes["hidden"])
    kind = LocatedHeadBank if sizes["located"] else HeadBank
    convolves = sizes.get("convolve", True)  # older files hold such heads alone
    features, positions = (channels, PLANE_GRID) if convolves else (FEATURES, FEATURE_GRID)
    return kind(
        len(sizes["embed"]), sizes["classes"], features=features, positions=positions, embed=sizes["embed"], hidden=sizes["hidden"],
        convolve=convolves,
    )  # fmt: skip
