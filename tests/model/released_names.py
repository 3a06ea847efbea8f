"""Small networks under the names of released weights."""

from dataclasses import replace

import torch
from shared_fixtures import reference_keys
from torch import Tensor

from raygroup.model.heads.location_tables import LocatedHeadBank
from raygroup.model.spotter.mask_head import PLANE_GRID
from raygroup.model.spotter.recognition import RecognitionHeads
from raygroup.model.spotter.reference_names import HEAD_NAME, HEAD_PREFIX, our_name, reference_head_weights
from raygroup.model.spotter.shape import REFERENCE
from raygroup.model.spotter.spotter import Spotter

SMALL_REFERENCE = replace(
    REFERENCE, stem=(4,), widths=(8, 8, 8, 8), pyramid=4, level=2, segmentation=(2, 2), box=8, mask=4, language=(2, 2, 4)
)  # fmt: skip
"""The released structure with few channels."""
CLASSES = {"ar": 6, "la": 8, "zh": 8}


def released_weights(grouped: bool = True) -> dict[str, Tensor]:
    """Return drawn weights of a small network with the heads of ``CLASSES`` and as many tasks."""
    torch.manual_seed(0)
    banks = [LocatedHeadBank(1, count, features=4, positions=PLANE_GRID, embed=3, hidden=5, convolve=True) for count in CLASSES.values()]
    for bank in banks:
        bank.initialise(0, torch.Generator().manual_seed(bank.classes))
    own = Spotter(SMALL_REFERENCE, len(CLASSES), RecognitionHeads(banks)).state_dict()
    weights = {}
    for name in reference_keys("grouped_v11" if grouped else "demo_PMLX1G"):
        if not HEAD_NAME.fullmatch(name):
            place = our_name(name)
            assert place is not None
            weights[name] = own[place]
    for head, bank in zip(CLASSES, banks, strict=True):
        parameters = {name: bank.head_parameter(name, 0) for name, _ in bank.named_parameters()}
        weights |= {f"{HEAD_PREFIX}{head}.{name}": value.contiguous() for name, value in reference_head_weights(parameters).items()}
    return weights
