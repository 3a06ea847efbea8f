"""Predict the scores of groups that were not trained, by ridge regression on who is in a group."""

from dataclasses import dataclass

import numpy as np

from raygroup.errors import ConfigError
from raygroup.strategies.group_scores import Floats, GroupScores, members

PENALTIES = tuple(10.0**power for power in range(-3, 3))
"""Ridge penalties that are tried. Features have a standard deviation of 1."""
FEWEST_GROUPS = 4
"""Fewest measured groups of each task."""


@dataclass(frozen=True)
class Surrogate:
    """Scores of all groups: measured where they were, predicted elsewhere."""

    scores: GroupScores
    residual_sd: Floats
    """(t,): standard deviation of a task's left-out residuals, the error bar of its predictions."""
    penalties: tuple[float, ...]
    """The ridge penalty of each task."""


def fill_scores(scores: GroupScores) -> Surrogate:
    """Fit each task's score to the other tasks of the group and 1 / size, and predict the groups that were not measured.

    The penalty is the one with the smallest left-one-out error.
    """
    inside = members(len(scores.tasks))
    sizes = inside.sum(axis=1)
    values = scores.values.copy()
    deviations, penalties = [], []
    for place, task in enumerate(scores.tasks):
        features = np.column_stack([np.delete(inside, place, axis=1), 1 / np.maximum(sizes, 1)]).astype(float)
        measured = np.flatnonzero(inside[:, place] & ~np.isnan(values[:, place]))
        if len(measured) < FEWEST_GROUPS:
            raise ConfigError(
                f"the number of measured groups of task '{task}' is {len(measured)}: the ridge surrogate needs at least {FEWEST_GROUPS}"
            )
        predictions, residual_sd, penalty = fit_ridge(features, measured, values[measured, place])
        unknown = inside[:, place] & np.isnan(values[:, place])
        values[unknown, place] = predictions[unknown]
        deviations.append(residual_sd)
        penalties.append(penalty)
    filled = GroupScores(tasks=scores.tasks, values=values, cost_s=scores.cost_s)
    return Surrogate(filled, np.array(deviations), tuple(penalties))


def fit_ridge(features: Floats, measured: np.ndarray, scores: Floats) -> tuple[Floats, float, float]:
    """Return predictions for all rows, the standard deviation of left-out residuals, and the penalty."""
    known = features[measured]
    spread = known.std(axis=0)
    scaled = (features - known.mean(axis=0)) / np.where(spread > 0, spread, 1)
    scaled[:, spread == 0] = 0  # a feature that never varies among the measured groups says nothing
    rows, centred = scaled[measured], scores - scores.mean()
    gram = rows.T @ rows
    best: tuple[float, float, Floats] | None = None
    for penalty in PENALTIES:
        solved = np.linalg.solve(gram + penalty * np.eye(len(gram)), rows.T)
        leverage = (rows * solved.T).sum(axis=1) + 1 / len(rows)
        # The residual of a row that was left out, from the fit to all rows.
        residuals = (centred - rows @ (solved @ centred)) / np.maximum(1 - leverage, 1e-9)
        error = float(np.sqrt((residuals**2).mean()))
        if best is None or error < best[0]:
            best = (error, penalty, solved @ centred)
    assert best is not None
    return scores.mean() + scaled @ best[2], best[0], best[1]
