"""Hard RoI masking: features outside a word's polygon become zero."""

from torch import Tensor


def mask_regions(regions: Tensor, masks: Tensor) -> Tensor:
    """Multiply regions (r, c, s, s) with their masks (r, s, s), which are 0 or 1.

    Raises ValueError if the masks have another size.
    """
    expected = (regions.shape[0], *regions.shape[2:])
    if masks.shape != expected:
        raise ValueError(f"masks have the shape {tuple(masks.shape)}: it must be {tuple(expected)}")
    return regions * masks.to(regions.dtype)[:, None]
