"""Stage-1 weights on disk: one safetensors file with the trunk, the universal head, its charset, and what they were trained on."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from raygroup.errors import ConfigError
from raygroup.model.heads.bank import AXES, HeadBank
from raygroup.model.laptop_trunk import FEATURES, POSITIONS, Trunk
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
def copy_universal(bank: HeadBank, heads: Iterable[int], universal: Universal, charset: Charset) -> int:
    """These heads become copies of the universal head, its character rows moved to their classes in ``charset``; a head of another size
    keeps its own fresh weights.

    Characters that the universal head never saw keep the bank's own fresh rows, the same for no two heads; returns how many. Raises
    ConfigError where no head has the universal head's size.
    """
    mine = {name: value[0] for name, value in universal.head.state_dict().items()}
    size = (universal.head.embeds[0], universal.head.hidden)
    fitting = [head for head in heads if (bank.embeds[head], bank.hiddens[head]) == size]
    if not fitting:
        raise ConfigError(
            f"heads.embed and heads.hidden must be {size[0]} and {size[1]}, the universal head's, of some head at least, "
            "or heads.start 'independent'"
        )
    known = {character: row for row, character in enumerate(universal.charset.characters, start=1)}
    rows = [(row, known[character]) for row, character in enumerate(charset.characters, start=1) if character in known]
    rows = [(0, 0), *rows, (charset.num_classes - 1, universal.charset.num_classes - 1)]
    to, of = (torch.tensor(column) for column in zip(*rows, strict=True))
    for head in fitting:
        for name, axes in AXES.items():
            if name not in mine:
                continue
            if "classes" in axes:
                values, axis = bank.native(name, head), axes.index("classes")
                bank.put(name, head, values.index_copy(axis, to, mine[name].index_select(axis, of)))
            else:
                bank.put(name, head, mine[name])
    return charset.num_classes - len(rows)
