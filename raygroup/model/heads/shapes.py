"""The parameters of a recognition head: their axes and sizes."""

from collections.abc import Sequence

import torch
from torch import Tensor

AXES = {
    "convolution": ("hidden", "features", "kernel", "kernel"), "convolution_bias": ("hidden",),
    "embedding": ("classes", "embed"), "word": ("embed", "hidden"), "word_bias": ("hidden",),
    "query": ("hidden", "hidden"), "key": ("encoded", "hidden"), "place": ("places", "hidden"), "attention_bias": ("hidden",),
    "score": ("hidden",),
    "gate_word": ("hidden", "gates"), "gate_context": ("seen", "gates"), "gate_state": ("hidden", "gates"),
    "gate_bias": ("gates",), "gate_state_bias": ("gates",),
    "output": ("hidden", "classes"), "output_bias": ("classes",),
}  # fmt: skip
"""Every parameter of a head and the meaning of its axes.

``gates`` are the GRU's three gates side by side. ``encoded`` is ``hidden`` after a convolution and
``features`` without one. ``places`` are the columns and rows of the grid, and ``seen`` is
``encoded`` followed by ``places``.
"""

TABLE_AXES = {"column_table": ("columns", "columns"), "row_table": ("rows", "rows")}
"""The parameters that only a ``LocatedHeadBank`` has, and the meaning of their axes."""
ALL_AXES = AXES | TABLE_AXES


def axis_sizes(*, features: int, classes: int, positions: Sequence[int], embed: int, hidden: int, convolve: bool) -> dict[str, int]:
    """Return the size of each axis in ``AXES``. ``positions`` is (rows, columns)."""
    encoded = hidden if convolve else features
    rows, columns = positions
    places = rows + columns
    return {
        "kernel": 3, "features": features, "classes": classes, "embed": embed, "hidden": hidden, "gates": 3 * hidden, "encoded": encoded,
        "places": places, "rows": rows, "columns": columns, "seen": encoded + places,
    }  # fmt: skip


def unpadded_index(axes: Sequence[str], sizes: dict[str, int], padded: dict[str, int]) -> tuple[Tensor, ...]:
    """Return the index of a small head's weights in a padded parameter.

    ``sizes`` are the head's own axis sizes, ``padded`` those of the parameter. The index has one
    tensor for each axis. They broadcast with each other.
    """
    index = []
    for number, axis in enumerate(axes):
        places = torch.arange(sizes[axis])
        # Axes that join several parts are padded part by part.
        if axis == "gates":
            places = (torch.arange(3)[:, None] * padded["hidden"] + torch.arange(sizes["hidden"])).flatten()
        elif axis == "seen":
            places = torch.cat([torch.arange(sizes["encoded"]), padded["encoded"] + torch.arange(sizes["places"])])
        index.append(places.view(-1, *[1] * (len(axes) - 1 - number)))
    return tuple(index)


def size_per_head(name: str, sizes: int | Sequence[int], heads: int) -> tuple[int, ...]:
    """Return one size for each head.

    Raises ValueError if ``sizes`` is neither one number nor one for each head.
    """
    per_head = (sizes,) * heads if isinstance(sizes, int) else tuple(sizes)
    if len(per_head) != heads or min(per_head, default=1) < 1:
        raise ValueError(f"{name} is {sizes!r}: it must be one whole number from 1, or one for each of the {heads} heads")
    return per_head
