"""Histories as rows: one for each trial, step, task and head."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raygroup.config import Trial
from raygroup.history.assignments import assignment, task_probabilities
from raygroup.history.reader import History
from raygroup.search_space import AnyTrial


def history_rows(trials: Sequence[tuple[str, Trial, History]], every: int = 1) -> pa.Table:
    """Return the rows of these (label, settings, history).

    The columns are described in ``sweep_result.history_table``.
    """
    varied = varied_fields([settings for _, settings, _ in trials])
    tables = []
    for number, (label, settings, history) in enumerate(trials):
        constants: dict[str, Any] = {"trial": label, **{name: values[number] for name, values in varied.items()}, "seed": settings.seed}
        tables.append(_trial_rows(constants, history, every))
    return pa.concat_tables(tables, promote_options="permissive") if tables else _no_rows()


def varied_fields(trials: Sequence[AnyTrial]) -> dict[str, list[Any]]:
    """Return the settings that differ between trials.

    Each dotted name has one value for each trial. The seed is left out.
    """
    flat = [flat_fields(trial) for trial in trials]
    names = [name for name in (flat[0] if flat else {}) if name != "seed"]
    columns = {name: [fields[name] for fields in flat] for name in names}
    return {name: _of_one_type(values) for name, values in columns.items() if any(value != values[0] for value in values)}


def _of_one_type(values: list[Any]) -> list[Any]:
    """Return the values as texts if only some of them are texts, such as ``32`` beside ``(16, 32)``."""
    return list(map(str, values)) if len({isinstance(value, str) for value in values}) > 1 else values


def flat_fields(config: Any, prefix: str = "") -> dict[str, Any]:
    """Return every setting by its dotted name.

    Tuples become text, so that a column has one type.
    """
    flat: dict[str, Any] = {}
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        if dataclasses.is_dataclass(value):
            flat |= flat_fields(value, f"{prefix}{f.name}.")
        else:
            flat[prefix + f.name] = str(value) if isinstance(value, tuple) else value
    return flat


def _trial_rows(constants: dict[str, Any], history: History, every: int) -> pa.Table:
    """Return the rows of one trial. The arrays are (n, t, m) before they are flattened."""
    rows = kept_steps(len(history.step), every)
    r_tm = history.r_tm[rows]
    steps, tasks, heads = r_tm.shape
    is_assigned = assignment(r_tm)[..., None] == np.arange(heads)
    task_numbers = np.broadcast_to(np.arange(tasks)[None, :, None], r_tm.shape).reshape(-1)
    columns: dict[str, pa.Array] = {name: _constant(value, r_tm.size) for name, value in constants.items()}
    columns |= {
        "step": pa.array(np.repeat(history.step[rows], tasks * heads)),
        "task": pa.DictionaryArray.from_arrays(pa.array(task_numbers.astype(np.int32)), pa.array(history.tasks)).cast(pa.string()),
        "head": pa.array(np.tile(np.arange(heads, dtype=np.int16), steps * tasks)),
        "r": pa.array(r_tm.reshape(-1)),
        "p": pa.array(task_probabilities(r_tm).astype(np.float32).reshape(-1)),
        "assigned": pa.array(is_assigned.reshape(-1)),
    }
    return pa.table(columns)


def kept_steps(num_steps: int, every: int) -> NDArray[np.intp]:
    """Return every so many rows, and the last."""
    if every < 1:
        raise ValueError(f"every is {every}: it must be a whole number from 1")
    return np.unique(np.r_[np.arange(0, num_steps, every), num_steps - 1])


def _constant(value: Any, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), count)


def _no_rows() -> pa.Table:
    types = {
        "trial": pa.string(), "seed": pa.int64(), "step": pa.int32(), "task": pa.string(), "head": pa.int16(), "r": pa.float32(),
        "p": pa.float32(), "assigned": pa.bool_(),
    }  # fmt: skip
    return pa.schema(types).empty_table()
