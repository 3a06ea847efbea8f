"""Choose the trial of a sweep to ship, and say how sure that choice is."""

from collections.abc import Sequence
from dataclasses import dataclass

from raygroup.scoring.word_intervals import WordInterval, mean_interval
from raygroup.tables.score_intervals import ScoredTrials, difference_interval, scored_trials
from raygroup.tables.trial_result import TrialResult

_SPLIT, _MEASURE = "unseen", "accuracy"
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
    """Trials that cannot be told apart from this one. The 95 % interval of the difference includes 0, word by word, or has no width."""

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
            named = ", ".join(trial.label for trial in self.ties[:_MOST_NAMED])
            more = f" and {len(self.ties) - _MOST_NAMED} more" if len(self.ties) > _MOST_NAMED else ""
            others = "1 other" if len(self.ties) == 1 else f"{len(self.ties)} others"
            lines.insert(0, f"It cannot be told apart from {others} on these words: {named}{more}.")
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
    scored = [(trial, words) for trial in trials if (words := scored_trials([trial], _SPLIT)) is not None]
    if not scored:
        return None
    best, best_words = max(scored, key=lambda pair: _mean_score(pair[0]).mean)
    ties = tuple(trial for trial, words in scored if trial is not best and not _is_apart(best_words, words))
    return TrialChoice(best, _mean_score(best), len(scored), ties)


def _mean_score(trial: TrialResult) -> WordInterval:
    """Return the mean over tasks, or over all words if none has a task."""
    unseen = [result for result in trial.task_results() if result.split == _SPLIT]
    known = [result for result in unseen if result.task is not None]
    return mean_interval([result.scores["classifier"].exact for result in known or unseen])


def _is_apart(one: ScoredTrials, other: ScoredTrials) -> bool:
    """Return True if the interval of the difference leaves out 0. Equal words are compared pair by pair.

    An interval without a width says nothing: no word differs, or each task has too few words.
    """
    difference = difference_interval(one, other, _MEASURE)
    if difference.low is None or difference.high is None or difference.low == difference.high:
        return False
    return not difference.low <= 0 <= difference.high
