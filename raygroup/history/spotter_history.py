"""Read the history of a trial of stage 1 or on scenes, finished or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.files.places import Place
from raygroup.history.reader import Floats, column_values, read_history_table


@dataclass(frozen=True, eq=False)
class SpotterHistory:
    """The record of one trial of stage 1 or on scenes: n steps. ``schema.SPOTTER_COLUMNS`` describes the columns."""

    step: NDArray[np.int32]
    """1 to n."""
    losses: Mapping[str, Floats]
    """Name of a loss -> its value at each step, (n,)."""
    samples_per_s: Floats
    clock_s: NDArray[np.float64]
    metadata: dict[str, Any]
    tasks: tuple[str, ...] = ()
    """Names of the tasks, in the order of R_TM's rows. Stage 1 and a detector have none."""
    heads: int = 0
    """Number of heads. Stage 1 and a detector have none."""
    r_tm: Floats | None = None
    """(n, t, m). None for stage 1 and for a detector."""


def read_spotter_history(trial_folder: Place) -> SpotterHistory:
    """Read all steps of a trial of stage 1 or on scenes. Raises errors like ``read_history``, and ConfigError for other trials."""
    table, metadata = read_history_table(trial_folder)
    if "losses" not in metadata:
        raise ConfigError(f"{trial_folder}: the history of a trial that groups words: read_history reads it")
    columns = {name: column_values(table[name]) for name in table.column_names}
    losses = {name: columns.pop(name) for name in metadata["losses"]}
    tasks, heads = tuple(metadata.get("tasks", ())), int(metadata.get("heads", 0))
    if "r_tm" in columns:
        columns["r_tm"] = columns["r_tm"].reshape(-1, len(tasks), heads)
    return SpotterHistory(losses=losses, metadata=metadata, tasks=tasks, heads=heads, **columns)
