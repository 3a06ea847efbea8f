"""The stage-1 weights of the trunk and the universal head.

They are one safetensors file, whose metadata has the charset, the settings and the scores of the
training.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from raygroup.errors import ConfigError
from raygroup.files.atomic import write_bytes
from raygroup.files.places import Place
from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.shapes import AXES
from raygroup.model.laptop_trunk import Trunk
from raygroup.trunks import FEATURE_GRID, FEATURES
from raygroup.words.charset import Charset


@dataclass(frozen=True)
class UniversalModel:
    """A frozen trunk and a universal head, with which trials start."""

    trunk: Trunk
    head: HeadBank
    charset: Charset


def save_universal(path: Place, universal: UniversalModel, about: dict[str, Any]) -> None:
    """Write a weights file atomically. ``about`` is added to its metadata."""
    from safetensors.torch import save

    tensors = {f"trunk.{name}": value.contiguous() for name, value in universal.trunk.state_dict().items()}
    tensors |= {f"head.{name}": value.contiguous() for name, value in universal.head.state_dict().items()}
    head = {"embed": universal.head.embedding.shape[-1], "hidden": universal.head.hidden}
    about = about | {"head": head, "charset": universal.charset.to_json()}
    write_bytes(path, save(tensors, {"raygroup": json.dumps(about)}))


def hash_weights(modules: Iterable[nn.Module], text: str = "") -> str:
    """Return the SHA-256 of a text and of the weights of modules."""
    digest = hashlib.sha256(text.encode())
    for module in modules:
        for name, value in sorted(module.state_dict().items()):
            digest.update(name.encode() + value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def read_weights_metadata(path: Path, *, required: bool = True) -> dict[str, Any]:
    """Return the metadata of a weights file.

    It has the settings of the training, the charset and the scores. Raises ConfigError if the file
    has no such metadata, or returns none of it if it is not ``required``.
    """
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        stored = (file.metadata() or {}).get("raygroup")
    if stored is None and not required:
        return {}
    if stored is None:
        raise ConfigError(f"weights.file: {path} is not a file of python -m raygroup.pretrain (no 'raygroup' metadata)")
    return json.loads(stored)  # type: ignore[no-any-return]


def load_universal(path: Path) -> UniversalModel:
    """Load a weights file, frozen and ready for evaluation."""
    from safetensors import safe_open

    about = read_weights_metadata(path)
    charset = Charset.from_json(about["charset"])
    trunk = Trunk()
    head = HeadBank(1, charset.num_classes, features=FEATURES, positions=FEATURE_GRID, **about["head"])
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    trunk.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("trunk.")})
    head.load_state_dict({name[5:]: value for name, value in tensors.items() if name.startswith("head.")})
    return UniversalModel(trunk.eval().requires_grad_(False), head.requires_grad_(False), charset)


def load_trunk(path: Path) -> Trunk:
    """Load the trunk of a weights file or of a package's ``model.safetensors``, frozen and ready for evaluation."""
    from safetensors import safe_open

    trunk = Trunk()
    with safe_open(path, "pt") as file:
        trunk.load_state_dict({name[6:]: file.get_tensor(name) for name in file.keys() if name.startswith("trunk.")})  # noqa: SIM118
    return trunk.eval().requires_grad_(False)


@torch.no_grad()
def copy_universal(bank: HeadBank, heads: Iterable[int], universal: UniversalModel, charset: Charset) -> int:
    """Copy the universal head into these heads of a bank.

    Returns the number of new characters. Rows that belong to a character move to its class in
    ``charset``. New characters are those that the universal head does not know. They keep the
    bank's own initial rows, which differ from head to head. A head of another size keeps all its
    initial weights. Raises ConfigError if no head has the universal head's size.
    """
    copied = {name: value[0] for name, value in universal.head.state_dict().items()}
    size = (universal.head.embeds[0], universal.head.hidden)
    matching = [head for head in heads if (bank.embeds[head], bank.hiddens[head]) == size]
    if not matching:
        raise ConfigError(
            f"heads.embed and heads.hidden must be {size[0]} and {size[1]} for at least one head, as in the universal head. "
            "Otherwise set heads.start to 'independent'"
        )
    known = {character: row for row, character in enumerate(universal.charset.characters, start=1)}
    rows = [(row, known[character]) for row, character in enumerate(charset.characters, start=1) if character in known]
    # The first class (begin) and the last (end) mean the same in every charset.
    rows = [(0, 0), *rows, (charset.num_classes - 1, universal.charset.num_classes - 1)]
    target_rows, source_rows = (torch.tensor(column) for column in zip(*rows, strict=True))
    for head in matching:
        for name, axes in AXES.items():
            if name not in copied:
                continue
            if "classes" in axes:
                values, axis = bank.head_parameter(name, head), axes.index("classes")
                bank.set_head_parameter(name, head, values.index_copy(axis, target_rows, copied[name].index_select(axis, source_rows)))
            else:
                bank.set_head_parameter(name, head, copied[name])
    return charset.num_classes - len(rows)
