"""Choose the trial of a sweep to ship, and say how sure that choice is."""

from collections.abc import Sequence
from dataclasses import dataclass

from raygroup.errors import first_names
from raygroup.scoring.word_intervals import WordInterval, mean_interval
from raygroup.tables.trial_result import TrialResult

_SPLIT = "unseen"
_MOST_NAMED = 3
"""Trials that a sentence names one by one."""


@dataclass(frozen=True)
class TrialChoice:
    """The trial with the highest mean exact match on unseen words, routed by its classifier.

    The same words chose the trial and score it, so its score is optimistic: the highest of several noisy scores is high by luck too.
    """

    trial: TrialResult
    score: WordInterval
    """Mean over tasks of exact match on unseen words, with its 95 % interval over words."""
    num_trials: int
    """Trials that were compared, this one included."""
    ties: tuple[TrialResult, ...]
    """Trials that cannot be told apart from this one: their 95 % intervals overlap.

    Two intervals can overlap although the difference of two trials that were named before is clear. That strictness is wanted here,
    because the best of many trials is compared with all others.
    """

    def title(self) -> str:
        """Return a line that names the trial and says why it was chosen."""
        score = f"{self.score.mean:.3f} ({self.score.low:.3f} to {self.score.high:.3f})"
        reason = f"the best of {self.num_trials} trials by " if self.num_trials > 1 else ""
        return f"{self.trial.label}, {reason}mean exact match on unseen words: {score}"

    def caveats(self) -> list[str]:
        """Return sentences on what the choice does not show. There are none for a single trial."""
        if self.num_trials < 2:
            return []
        lines = ["These words also chose the trial, so its scores are optimistic. Other words or another seed are likely to score lower."]
        if self.ties:
            named = first_names((trial.label for trial in self.ties), _MOST_NAMED)
            others = "1 other" if len(self.ties) == 1 else f"{len(self.ties)} others"
            lines.insert(0, f"It cannot be told apart from {others}, because their intervals overlap: {named}.")
        return lines

    def to_json(self) -> dict[str, object]:
        """Return the choice as plain JSON values."""
        return {
            "trial": self.trial.label, "id": self.trial.id, "unseen_accuracy": self.score.mean, "low": self.score.low,
            "high": self.score.high, "trials": self.num_trials, "cannot_be_told_apart_from": [trial.label for trial in self.ties],
        }  # fmt: skip


def choose_trial(trials: Sequence[TrialResult]) -> TrialChoice | None:
    """Return the trial to ship: the first of those with the highest mean exact match on unseen words.

    Trials without unseen words do not count. None if no trial is left.
    """
    scores = [(trial, score) for trial in trials if (score := unseen_score(trial)) is not None]
    if not scores:
        return None
    best, best_score = max(scores, key=lambda pair: pair[1].mean)
    ties = tuple(trial for trial, score in scores if trial is not best and score.high >= best_score.low)
    return TrialChoice(best, best_score, len(scores), ties)


def unseen_score(trial: TrialResult) -> WordInterval | None:
    """Return the mean exact match of a finished trial on unseen words, routed by its classifier, with its 95 % interval.

    It is the mean over tasks, or over all words if none has a task. None without unseen words.
    """
    unseen = [result for result in trial.task_results() if result.split == _SPLIT]
    known = [result for result in unseen if result.task is not None]
    return mean_interval([result.scores["classifier"].exact for result in known or unseen]) if unseen else None
