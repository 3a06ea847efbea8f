"""What a step leaves behind: R_TM and losses, checked on their way into the history."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import NotFiniteError
from raygroup.training.packs.pack import LOSSES

Evidence = tuple[int, NDArray[np.float32], NDArray[np.float32], dict[str, float]]
"""(step, R_TM (t, m), losses of the heads (m,), named losses)."""


def evidence(rows: NDArray[np.float32], first_step: int, tasks: int, heads: int) -> Iterator[Evidence]:
    """The evidence in the rows of one trial (steps, t * m + m + 3), as ``Pack.evidence`` gives them.

    Raises NotFiniteError at the first row with a loss that is not finite.
    """
    for place, row in enumerate(rows):
        step = first_step + place
        r_tm, nll_m, losses = np.split(row, [tasks * heads, tasks * heads + heads])
        named = dict(zip(LOSSES, map(float, losses), strict=True))
        wrong = next((f"the {name} loss is {value}" for name, value in named.items() if not np.isfinite(value)), None)
        if wrong or not np.isfinite(r_tm).all():
            raise NotFiniteError(f"step {step}: {wrong or 'R_TM is not finite'}; lower training.learning_rate or training.clip")
        yield step, r_tm.reshape(tasks, heads), nll_m, named
