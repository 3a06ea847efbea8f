"""The network of a package in torch."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.decoding import Reader
from raygroup.model.heads.pruning import stack_heads
from raygroup.model.kernels.forms import choose_kernels
from raygroup.model.laptop_trunk import Trunk
from raygroup.model.router import Router
from raygroup.model.task_classifier import TaskClassifiers
from raygroup.reading.package import DecodedBlock
from raygroup.reading.record import PackageRecord
from raygroup.trunks import FEATURE_GRID, FEATURES

_UNUSED = "num_batches_tracked"
"""A counter of batch normalisation that only training reads."""


@dataclass(frozen=True)
class ReadingModel:
    """The modules of a package, ready for evaluation."""

    trunk: Trunk
    router: Router
    heads: tuple[HeadBank, ...]
    """Banks of one head each, in the order of the record."""

    def tensors(self, record: PackageRecord) -> dict[str, Tensor]:
        """Return every weight by its name in the weights file."""
        tensors = {f"trunk.{name}": value for name, value in self.trunk.state_dict().items() if not name.endswith(_UNUSED)}
        tensors |= {f"router.{name}": value for name, value in self.router.state_dict().items()}
        for head, bank in zip(record.heads, self.heads, strict=True):
            tensors |= {head.tensor(name): parameter.detach()[0] for name, parameter in bank.named_parameters()}
        return {name: value.contiguous().cpu() for name, value in tensors.items()}

    @classmethod
    def from_tensors(cls, record: PackageRecord, tensors: Mapping[str, Tensor]) -> "ReadingModel":
        """Return the model of a package. Raises KeyError or RuntimeError if a tensor is missing or has another shape."""
        trunk = Trunk()
        trunk.load_state_dict(_part(tensors, "trunk."), strict=False)
        classifier = TaskClassifiers(1, len(record.tasks), FEATURES)
        heads = [*range(len(record.heads))]
        router = Router(classifier, torch.zeros(len(record.tasks), len(heads)), heads, record.route)
        router.load_state_dict(_part(tensors, "router."))
        banks = []
        for head in record.heads:
            bank = HeadBank(
                1, len(head.characters) + 2, features=FEATURES, positions=FEATURE_GRID, embed=head.embed, hidden=head.hidden
            )  # fmt: skip
            bank.load_state_dict({name: value[None] for name, value in _part(tensors, head.tensor("")).items()})
            banks.append(bank.requires_grad_(False))
        return cls(trunk.eval().requires_grad_(False), router.eval().requires_grad_(False), tuple(banks))


class TorchBackend:
    """It reads with torch, all heads at once."""

    name = "torch"

    def __init__(self, record: PackageRecord, model: ReadingModel) -> None:
        self.record, self.model = record, model
        self.reader = Reader(stack_heads(model.heads), choose_kernels())

    @torch.no_grad()
    def read(self, crops: NDArray[np.uint8], beams: int) -> DecodedBlock:
        """Read crops (w, height, width)."""
        features = self.model.trunk(torch.from_numpy(crops))
        p_wt, heads = self.model.router(features)
        classes, confidence = self.decode(features, heads, beams)
        return DecodedBlock(p_wt.numpy(), heads.numpy(), classes, confidence)

    @torch.no_grad()
    def decode(self, features: Tensor, heads: Tensor, beams: int) -> tuple[list[NDArray[np.int64]], NDArray[np.float32]]:
        """Return the classes and the confidence of words (w, positions, features)."""
        longest, reader = self.record.longest, self.reader
        decoded = reader.greedy(features, heads, longest) if beams == 1 else reader.beam(features, heads, longest, beams)
        lengths = (decoded.classes != reader.end).sum(1).tolist()
        rows = zip(decoded.classes.numpy(), lengths, strict=True)
        return [row[:length] for row, length in rows], decoded.confidence.numpy()


def _part(tensors: Mapping[str, Tensor], start: str) -> dict[str, Tensor]:
    return {name[len(start) :]: value for name, value in tensors.items() if name.startswith(start)}
