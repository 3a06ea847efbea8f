"""Build a spotter from the weights of the released network.

``weights`` are a released state dict: names without a prefix, and tensors.
"""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from raygroup.errors import first_names
from raygroup.model.heads.location_tables import LocatedHeadBank
from raygroup.model.spotter.mask_head import PLANE_GRID
from raygroup.model.spotter.recognition import RecognitionHeads
from raygroup.model.spotter.reference_names import ALL_HEAD_WEIGHTS, GROUPER, HEAD_NAME, HEAD_PREFIX, head_parameters, our_name
from raygroup.model.spotter.shape import REFERENCE, SpotterShape
from raygroup.model.spotter.spotter import Spotter

_MOST_NAMES = 5
"""Most names that a message lists."""
_CERTAIN = 200.0
"""Entry of R_TM whose softmax is 1 beside zeros, in single precision."""


def head_names(names: Iterable[str]) -> list[str]:
    """Return the names of the heads that a released network has, in its order."""
    return list(dict.fromkeys(match[1] for name in names if (match := HEAD_NAME.fullmatch(name))))


@torch.no_grad()
def build_reference(
    weights: Mapping[str, Tensor], banks: Sequence[Sequence[str]] | None = None, shape: SpotterShape = REFERENCE
) -> Spotter:  # fmt: skip
    """Return the spotter that has these weights, in evaluation mode.

    ``banks`` are the names of the heads of each bank. Heads of one bank must share a charset. By
    default, each head is a bank of its own. Raises ValueError that names every weight which has no
    place or another shape, and every place without a weight.
    """
    banks = [[name] for name in head_names(weights)] if banks is None else banks
    heads = {name: _head_weights(weights, name) for names in banks for name in names}
    unread = sorted(set(head_names(weights)) ^ set(heads))
    if unread:
        raise ValueError(f"heads {', '.join(unread)}: banks must name each head of the weights once")
    recognition = RecognitionHeads([_build_bank({name: heads[name] for name in names}, shape) for names in banks])
    tasks = weights.get("roi_heads.mask.predictor.language_predictor.fc2.bias")
    with torch.device("meta"):  # nothing is drawn that would be overwritten
        spotter = Spotter(shape, 1 if tasks is None else len(tasks), recognition)
    _load_detector(spotter, {name: value for name, value in weights.items() if not name.startswith(HEAD_PREFIX)})
    return spotter.eval()


def _head_weights(weights: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the weights of one head without its prefix. They must be those that a head has."""
    prefix = f"{HEAD_PREFIX}{name}."
    head = {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
    _refuse("no place for", {f"{prefix}{key}" for key in head.keys() - ALL_HEAD_WEIGHTS})
    _refuse("no weights for", {f"{prefix}{key}" for key in ALL_HEAD_WEIGHTS - head.keys()})
    return head


def _build_bank(heads: Mapping[str, Mapping[str, Tensor]], shape: SpotterShape) -> LocatedHeadBank:
    """Return one bank of heads, whose sizes are those of their weights."""
    classes, embeds = zip(*(head["seq_decoder.embedding.weight"].shape for head in heads.values()), strict=True)
    if len(set(classes)) > 1:
        raise ValueError(f"heads of one bank have {', '.join(map(str, classes))} classes: heads of one bank must share a charset")
    hiddens = [len(head["seq_decoder.attn.v"]) for head in heads.values()]
    bank = LocatedHeadBank(
        len(heads), classes[0], features=shape.mask, positions=PLANE_GRID, embed=embeds, hidden=hiddens, convolve=True
    )  # fmt: skip
    for number, (head, weights) in enumerate(heads.items()):
        for name, values in head_parameters(weights).items():
            expected = bank.head_parameter(name, number).shape
            if values.shape != expected:
                raise ValueError(f"head {head}: {name} has the shape {tuple(values.shape)}, expected {tuple(expected)}")
            bank.set_head_parameter(name, number, values)
    return bank


def _load_detector(spotter: Spotter, weights: Mapping[str, Tensor]) -> None:
    """Load everything but the heads."""
    places = {name: our_name(name) for name in weights}
    own = {name: value for name, value in spotter.state_dict().items() if not name.startswith("recognition.")}
    _refuse("no place for", {name for name, place in places.items() if place not in own})
    wrong = [
        f"{name} {tuple(value.shape)}, expected {tuple(own[place].shape)}"
        for name, value in weights.items() if (place := places[name]) and value.shape != own[place].shape
    ]  # fmt: skip
    _refuse("weights of another shape:", wrong)
    assignment = {} if GROUPER in weights else {"r_tm": fixed_assignment(*spotter.r_tm.shape)}
    _refuse("no weights for", own.keys() - assignment.keys() - set(places.values()))
    values = {place: weights[name].clone() for name, place in places.items() if place} | assignment
    spotter.load_state_dict(values, strict=False, assign=True)


def fixed_assignment(tasks: int, heads: int) -> Tensor:
    """Return R_TM of a network whose head i reads task i.

    Raises ValueError if there are not as many heads as tasks.
    """
    if tasks != heads:
        raise ValueError(f"{heads} heads for {tasks} tasks and no {GROUPER}: without it, every task needs its own head")
    return _CERTAIN * torch.eye(tasks)


def _refuse(problem: str, names: Iterable[str]) -> None:
    """Raise ValueError if there are any names."""
    names = sorted(names)
    if names:
        raise ValueError(f"{problem} {first_names(names, _MOST_NAMES)}")
