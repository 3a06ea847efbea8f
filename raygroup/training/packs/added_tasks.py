"""Heads of a finished grouping that go on with more tasks.

A bank of group heads adds tasks to a finished grouping. A head whose group has new tasks beside those of an old head goes on from that
head. A head of new tasks alone begins as the universal head. A head whose group is that of an old head is kept as it is: with it the
others are compared.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.shapes import AXES
from raygroup.task_groups import heads_to_go_on_from
from raygroup.training.packs.training_data import TrainingData
from raygroup.training.universal_weights import UniversalModel, copy_universal
from raygroup.words.charset import Charset

IS_TRAINED, IS_KEPT, KNOWN = "is_trained", "is_kept", "known_classes"
"""Names of the tensors beside the weights: whether each head goes on from an old one (m,), whether it is kept (m,), and the classes of
the words that the old heads know."""
_NEVER = -100.0
"""Output bias of the characters that a kept head does not know. In single precision their probability is exactly 0."""


def trained_group_heads(
    trained: dict[str, Tensor], charset: Charset, tasks: Sequence[str], groups: Sequence[Sequence[str]], data: TrainingData
) -> dict[str, Tensor]:  # fmt: skip
    """Return the weights with which the heads of a bank start, as far as a finished trial has them.

    ``trained`` are the trial's tensors, ``charset`` and ``tasks`` its characters and tasks. The rows of a weight that belong to
    characters are those of the words of ``data``: zeros for a new one. Raises ConfigError like ``heads_to_go_on_from``.
    """
    head_of = trained["r_tm"].argmax(-1).tolist()
    before = [
        frozenset(task for task, head in zip(tasks, head_of, strict=True) if head == place) for place in range(trained["r_tm"].shape[1])
    ]
    heads = heads_to_go_on_from(groups, before)
    target_rows, source_rows = _shared_classes(charset, data.charset)
    sources = torch.tensor([head or 0 for head in heads])
    tensors = {}
    for name, axes in AXES.items():
        if f"heads.{name}" not in trained:
            continue
        values = trained[f"heads.{name}"][sources]
        if "classes" in axes:
            axis = axes.index("classes") + 1
            shape = [*values.shape]
            shape[axis] = data.charset.num_classes
            values = torch.zeros(shape, dtype=values.dtype).index_copy(axis, target_rows, values.index_select(axis, source_rows))
        tensors[f"heads.{name}"] = values
    known = torch.zeros(data.charset.num_classes, dtype=torch.bool)
    known[target_rows] = True
    kept = [head is not None and set(group) == before[head] for head, group in zip(heads, groups, strict=True)]
    return tensors | {IS_TRAINED: torch.tensor([head is not None for head in heads]), IS_KEPT: torch.tensor(kept), KNOWN: known}


def start_added_heads(bank: HeadBank, heads: range, universal: UniversalModel, trained: Mapping[str, Tensor], charset: Charset) -> int:
    """Set the first weights of a bank's heads, whose random weights are drawn already.

    Characters that an old head does not know come from the universal head, and begin at random if that does not know them either. Returns
    the number of the latter.
    """
    new_characters = copy_universal(bank, heads, universal, charset)
    known = trained[KNOWN].nonzero()[:, 0]
    for place in trained[IS_TRAINED].nonzero()[:, 0].tolist():
        for name, axes in AXES.items():
            if f"heads.{name}" not in trained:
                continue
            values = trained[f"heads.{name}"][place]
            if "classes" in axes:
                axis = axes.index("classes")
                values = bank.head_parameter(name, heads[place]).index_copy(axis, known, values.index_select(axis, known))
            bank.set_head_parameter(name, heads[place], values)
        if trained[IS_KEPT][place]:
            bias = bank.head_parameter("output_bias", heads[place])
            bank.set_head_parameter("output_bias", heads[place], bias.masked_fill(~trained[KNOWN], _NEVER))
    return new_characters


class KeptHeads:
    """The heads of a pack that no step changes."""

    def __init__(self, bank: HeadBank, starts: Sequence[int], trained: Sequence[Mapping[str, Tensor] | None]) -> None:
        """``starts`` are the first head of each trial. ``bank`` has its first weights."""
        places = [
            starts[number] + place
            for number, tensors in enumerate(trained)
            if tensors is not None and IS_KEPT in tensors
            for place in tensors[IS_KEPT].nonzero()[:, 0].tolist()
        ]
        self.bank = bank
        self.places = torch.tensor(places, dtype=torch.long, device=bank.output_bias.device)
        self.weights = [parameter.detach()[self.places] for parameter in bank.parameters()] if places else []

    @torch.no_grad()
    def restore(self) -> None:
        """Give the heads the weights that they had before the step."""
        # Most packs have none, and then there are no weights.
        for parameter, weights in zip(self.bank.parameters(), self.weights, strict=False):
            parameter.index_copy_(0, self.places, weights)


def _shared_classes(old: Charset, new: Charset) -> tuple[Tensor, Tensor]:
    """Return the classes of the characters that both have, in the new and in the old charset.

    The first class (begin) and the last (end) mean the same in every charset.
    """
    place_of = {character: row for row, character in enumerate(new.characters, start=1)}
    rows = [(place_of[character], row) for row, character in enumerate(old.characters, start=1) if character in place_of]
    rows = [(0, 0), *rows, (new.num_classes - 1, old.num_classes - 1)]
    targets, sources = (torch.tensor(column) for column in zip(*rows, strict=True))
    return targets, sources
