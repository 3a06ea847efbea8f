"""Evidence of one finished trial.

It has the assignment changes, the final grouping and the words read.
"""

from dataclasses import dataclass
from typing import Any

from raygroup.config import Trial
from raygroup.files.places import Place
from raygroup.history.assignments import (
    assignment,
    decisiveness,
    grouping,
    is_unstable,
    max_probability,
    raw_changes,
    settled_changes,
    settling_row,
    stability,
    task_changes,
)
from raygroup.scoring.predictions import ROUTINGS, read_predictions, score_predictions
from raygroup.scoring.word_accuracy import WordScores
from raygroup.storage.layout import PREDICTIONS_FILE
from raygroup.storage.sweeps import StoredTrial
from raygroup.task_groups import TaskGroups

SHORT_HOLDS = (20, 50, 100)
LONG_HOLDS = (100, 200, 500)
"""K of settled(K), for runs shorter than the paper's 3,000 steps and for all others."""

Scores = dict[tuple[str, str], WordScores]
"""(split, routing) -> scores."""


@dataclass(frozen=True)
class TrialEvidence:
    """The numbers that a table shows of a trial.

    Counts of changes cover its first ``counted`` steps. All other numbers cover all its steps.
    """

    folder: Place
    label: str
    config: Trial
    steps: int
    counted: int
    raw: int
    tasks: int
    settled: dict[int, int]
    """K -> changes that settled for K steps, for each K below ``counted``."""
    grouping: TaskGroups
    unstable: bool
    """Whether the final grouping has stood for fewer than ``settle`` steps."""
    settle: int
    settling_step: int
    stability: float
    max_p_tm: dict[str, float]
    decisiveness: float
    scores: Scores

    @property
    def epsilon(self) -> float:
        """The base coefficient of Eq. (8)."""
        return self.config.grouping.base_coefficient

    def to_json(self) -> dict[str, Any]:
        """Return all numbers as JSON values."""
        return {
            "id": self.folder.name, "label": self.label, "base_coefficient": self.epsilon,
            "seed": self.config.seed, "control": self.config.grouping.control,
            "steps": self.steps, "counted_steps": self.counted, "raw_changes": self.raw, "task_changes": self.tasks,
            "settled_changes": {str(hold): count for hold, count in self.settled.items()},
            "grouping": str(self.grouping), "head_of": dict(self.grouping.head_of), "idle_heads": list(self.grouping.idle),
            "unstable": self.unstable, "settling_step": self.settling_step, "stability": self.stability,
            "max_p_tm": self.max_p_tm, "mean_max_p_tm": self.decisiveness, "scores": scores_json(self.scores),
        }  # fmt: skip


def trial_evidence(trial: StoredTrial, first_steps: int, settle: int | None = None) -> TrialEvidence:
    """Read a finished trial and count its changes.

    They are counted over the first ``first_steps`` steps, or over all if it has fewer. The grouping is unstable if it has stood for
    fewer than ``settle`` steps. None takes the largest K.
    """
    history = trial.history()
    assigned = assignment(history.r_tm)
    counted = assigned[:first_steps]
    steps = len(assigned)
    holds = SHORT_HOLDS if steps < LONG_HOLDS[-1] * 6 else LONG_HOLDS
    settle_steps = holds[-1] if settle is None else settle
    last = history.r_tm[-1]
    return TrialEvidence(
        folder=trial.folder,
        label=trial.label,
        config=trial.config(),
        steps=steps,
        counted=len(counted),
        raw=raw_changes(counted),
        tasks=task_changes(counted),
        settled={hold: settled_changes(counted, hold) for hold in holds if hold < len(counted)},
        grouping=grouping(history.tasks, history.heads, assigned[-1]),
        unstable=is_unstable(assigned, settle_steps),
        settle=settle_steps,
        settling_step=int(history.step[settling_row(assigned)]),
        stability=stability(assigned),
        max_p_tm=dict(zip(history.tasks, max_probability(last).tolist(), strict=True)),
        decisiveness=decisiveness(last),
        scores=_scores(trial),
    )


def _scores(trial: StoredTrial) -> Scores:
    path = trial.folder / PREDICTIONS_FILE
    if not path.is_file():
        return {}
    words = read_predictions(path, ["split", "task", "text", *ROUTINGS.values()])
    splits = [split for split in ("new", "unseen") if split in set(words["split"].to_pylist())]
    return {(split, routing): score_predictions(words, split, routing) for split in splits for routing in ROUTINGS}


def scores_json(scores: Scores) -> dict[str, Any]:
    """Return scores as JSON values.

    They are nested by split, then routing, then row (a task, ``mean`` or ``all``). Each row has
    accuracy and 1-NED.
    """
    values: dict[str, Any] = {}
    for (split, routing), word_scores in scores.items():
        rows = {name: {"accuracy": score.accuracy, "one_minus_ned": score.one_minus_ned} for name, score in word_scores.rows()}
        values.setdefault(split, {})[routing] = rows
    return values
