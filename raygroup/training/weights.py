"""Stage-1 weights on disk: one safetensors file with the trunk, the universal head, its charset, and what they were trained on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from raygroup.config import ConfigError
from raygroup.model.heads import HeadBank
from raygroup.model.trunk import FEATURES, POSITIONS, Trunk
from raygroup.words.charset import Charset


@dataclass(frozen=True)
class Universal:
    """A frozen trunk and the head every head of a trial starts from."""

    trunk: Trunk
    head: HeadBank
    charset: Charset


def save_universal(path: Path, universal: Universal, about: dict[str, Any]) -> None:
    tensors = {f"trunk.{name}": value.contiguous() for name, value in universal.trunk.state_dict().items()}
    tensors |= {f"head.{name}": value.contiguous() for name, value in universal.head.state_dict().items()}
    head = {"embed": universal.head.embedding.shape[-1], "hidden": universal.head.hidden}
    about = about | {"head": head, "charset": universal.charset.to_json()}
    temporary = path.with_suffix(".part")
    save_file(tensors, temporary, metadata={"raygroup": json.dumps(about)})
    temporary.chmod(0o644)
    temporary.replace(path)


def about_weights(path: Path) -> dict[str, Any]:
    """What a weights file says of itself: settings of its training, charset, scores."""
    with safe_open(path, "pt") as file:
        stored = (file.metadata() or {}).get("raygroup")
    if stored is None:
        raise ConfigError(f"weights.file: {path} is not a file of python -m raygroup.pretrain (no 'raygroup' metadata)")
    return json.loads(stored)  # type: ignore[no-any-return]


def load_universal(path: Path) -> Universal:
    about = about_weights(path)
    charset = Charset.from_json(about["charset"])
    trunk = Trunk()
    head = HeadBank(1, charset.num_classes, features=FEATURES, positions=POSITIONS, **about["head"])
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    trunk.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("trunk.")})
    head.load_state_dict({name[5:]: value for name, value in tensors.items() if name.startswith("head.")})
    return Universal(trunk.eval().requires_grad_(False), head.requires_grad_(False), charset)


@torch.no_grad()
def copy_universal(bank: HeadBank, universal: Universal, charset: Charset) -> int:
    """Every head becomes a copy of the universal head, its character rows moved to their classes in ``charset``.

    Characters that the universal head never saw keep the bank's own fresh rows, the same for no two heads; returns how many.
    """
    mine = universal.head.state_dict()
    if bank.hidden != universal.head.hidden or bank.embedding.shape[-1] != mine["embedding"].shape[-1]:
        embed, hidden = mine["embedding"].shape[-1], universal.head.hidden
        raise ConfigError(f"heads.embed and heads.hidden must be {embed} and {hidden}, the universal head's, or heads.start 'independent'")
    known = {character: row for row, character in enumerate(universal.charset.characters, start=1)}
    rows = [(row, known[character]) for row, character in enumerate(charset.characters, start=1) if character in known]
    rows = [(0, 0), *rows, (charset.num_classes - 1, universal.charset.num_classes - 1)]
    to, of = (torch.tensor(column) for column in zip(*rows, strict=True))
    for name, parameter in bank.named_parameters():
        if name == "embedding":
            parameter[:, to] = mine[name][:, of]
        elif name == "output":
            parameter[:, :, to] = mine[name][:, :, of]
        elif name == "output_bias":
            parameter[:, to] = mine[name][:, of]
        else:
            parameter.copy_(mine[name].expand_as(parameter))
    return charset.num_classes - len(rows)
