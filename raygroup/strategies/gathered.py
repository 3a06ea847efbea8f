"""Make evidence for strategies of what trials gathered on their tasks."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from raygroup.errors import ConfigError
from raygroup.history.reader import column_values
from raygroup.history.schema import read_metadata
from raygroup.strategies.evidence import Evidence
from raygroup.strategies.group_scores import Floats


def gathered_evidence(tables: Sequence[pa.Table], *, inner: bool = False) -> Evidence:
    """Return cosines, and lookahead if all trials have it: the mean over steps, then over trials.

    ``tables`` are results of ``history.task_evidence.read_task_evidence``. With ``inner``, cosines leave out embedding and output layer,
    where tasks without common characters look hostile by construction. Costs are the seconds that gathering took, summed over trials.
    The training itself is left out. Raises ConfigError if trials differ in their tasks, if one has no gradients, or if no step of a trial
    has words of two tasks.
    """
    tasks = _common_tasks(tables)
    cosines = [_step_mean(gram_cosines(_squares(table, "inner_gram_tt" if inner else "gram_tt", tasks)), tasks) for table in tables]
    gradients_s = float(sum(column_values(table["gradients_s"]).sum() for table in tables))
    costs_s, lookahead = {"cosines": gradients_s}, None
    if all("lookahead_tt" in table.column_names for table in tables):
        lookahead = np.mean([_mean_lookahead(table, tasks) for table in tables], axis=0)
        costs_s["lookahead"] = gradients_s + float(sum(column_values(table["lookahead_s"]).sum() for table in tables))
    return Evidence(tasks=tasks, cosines=np.mean(cosines, axis=0), lookahead=lookahead, costs_s=costs_s)


def gram_cosines(gram_ntt: Floats) -> Floats:
    """Return the cosines of gradients from their products, (..., t, t). They are nan for a task without a gradient."""
    gram = np.asarray(gram_ntt, np.float64)
    norms = np.sqrt(np.diagonal(gram, axis1=-2, axis2=-1))
    products = norms[..., :, None] * norms[..., None, :]
    return np.asarray(np.divide(gram, products, out=np.full_like(gram, np.nan), where=products > 0))


def _common_tasks(tables: Sequence[pa.Table]) -> tuple[str, ...]:
    if not tables:
        raise ConfigError("no tables of evidence on tasks: give at least one")
    listed = [tuple(read_metadata(table.schema, "evidence on tasks")["tasks"]) for table in tables]
    if others := [tasks for tasks in listed if tasks != listed[0]]:
        raise ConfigError(
            f"evidence on {', '.join(others[0])} cannot be joined with evidence on {', '.join(listed[0])}: tasks must be equal"
        )
    return listed[0]


def _squares(table: pa.Table, name: str, tasks: tuple[str, ...]) -> Floats:
    """Return a column of t * t numbers, (n, t, t). Raises ConfigError if the trial gathered none."""
    if name not in table.column_names:
        kind = read_metadata(table.schema, "evidence on tasks")["evidence"]
        raise ConfigError(f"training.evidence of a trial is '{kind}': it must be 'gradients' or 'lookahead' for cosines")
    return np.asarray(column_values(table[name]).reshape(-1, len(tasks), len(tasks)), np.float64)


def _mean_lookahead(table: pa.Table, tasks: tuple[str, ...]) -> Floats:
    """Return the mean over the steps that have words of both tasks."""
    values = _squares(table, "lookahead_tt", tasks)
    words = column_values(table["gradient_words_t"]).reshape(-1, len(tasks))
    return _step_mean(np.where((words[:, :, None] > 0) & (words[:, None, :] > 0), values, np.nan), tasks)


def _step_mean(values: Floats, tasks: tuple[str, ...]) -> Floats:
    """Return the mean over steps, (n, t, t) -> (t, t), of the numbers that are there."""
    missing = np.argwhere(np.isnan(values).all(axis=0))
    if len(missing):
        row, column = missing[0]
        raise ConfigError(f"no step has words of both {tasks[row]} and {tasks[column]}: gather more often, or set training.evidence_words")
    return np.asarray(np.nanmean(values, axis=0))
