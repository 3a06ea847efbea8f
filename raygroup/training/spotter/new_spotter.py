"""Build a spotter before its training."""

from collections.abc import Mapping

import torch
from torch import Tensor

from raygroup.errors import ConfigError
from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.ctc import CtcBank
from raygroup.model.spotter.mask_head import PLANE_GRID
from raygroup.model.spotter.recognition import RecognitionHeads
from raygroup.model.spotter.shape import SHAPES
from raygroup.model.spotter.spotter import Spotter
from raygroup.spotting_config import Spotting
from raygroup.training.universal_weights import UniversalModel, copy_universal
from raygroup.trunks import FEATURE_GRID, FEATURES
from raygroup.words.charset import Charset


def new_spotter(
    settings: Spotting, tasks: int, charset: Charset, teacher: UniversalModel | None, start: Mapping[str, Tensor] | None, device: str,
    dtype: torch.dtype,
) -> Spotter:  # fmt: skip
    """Return a spotter with weights from the seed, some replaced by those of a teacher's head and of ``start``.

    A teacher's head is an attention decoder, so CTC heads cannot begin with its weights. They begin at
    random, and the teacher only gives the features to distil. Raises ConfigError if the settings do not
    fit the teacher, ``start`` or the names of parts.
    """
    torch.manual_seed(settings.seed)
    shape, source = SHAPES[settings.size], settings.heads.source
    bank = _new_bank(settings, charset, shape.mask)
    if teacher is not None:
        if source == "planes":
            raise ConfigError("heads.source is 'planes': a teacher needs 'boxes' or 'rectangles', because its head reads word features")
        if isinstance(bank, HeadBank):
            copy_universal(bank, range(bank.heads), teacher, charset)
        elif not settings.loss.distillation:
            raise ConfigError("loss.distillation is 0: CTC heads (heads.decoder 'ctc') can take nothing else from a teacher")
    elif settings.loss.distillation:
        raise ConfigError(f"loss.distillation is {settings.loss.distillation:g}: it must be 0 without a teacher")
    spotter = Spotter(shape, tasks, RecognitionHeads([bank]), None if source == "planes" else source)
    if start is not None:
        _copy_start(spotter, start)
    try:
        spotter.freeze(settings.freeze)
    except ValueError as error:
        raise ConfigError(f"freeze: {error}") from error
    for part in (spotter.trunk, spotter.segmentation, spotter.mask):
        part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return spotter.to(device, dtype)


def _new_bank(settings: Spotting, charset: Charset, channels: int) -> HeadBank | CtcBank:
    heads, convolves = settings.heads, settings.heads.source == "planes"
    features, positions = (channels, PLANE_GRID) if convolves else (FEATURES, FEATURE_GRID)
    bank: HeadBank | CtcBank
    if heads.decoder == "ctc":
        hidden = heads.hidden if convolves else None
        bank = CtcBank(heads.count, charset.num_classes, features=features, positions=positions, hidden=hidden)
    else:
        bank = HeadBank(
            heads.count, charset.num_classes, features=features, positions=positions, embed=heads.embed, hidden=heads.hidden,
            convolve=convolves,
        )  # fmt: skip
    for head in range(heads.count):
        bank.initialise(head, torch.Generator().manual_seed(settings.seed + head))
    return bank


def _copy_start(spotter: Spotter, start: Mapping[str, Tensor]) -> None:
    """Copy tensors into a spotter. Raises ConfigError for a tensor without a place or of another shape."""
    places = spotter.state_dict()
    for name, value in start.items():
        if name not in places or places[name].shape != value.shape:
            raise ConfigError(f"the weights to start from have {name} {tuple(value.shape)}, but a spotter of this size has no such tensor")
    spotter.load_state_dict(dict(start), strict=False)
