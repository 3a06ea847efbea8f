"""The points of a search of head sizes, read from its records: accuracy, parameters, and the front."""

import functools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from raygroup.errors import ConfigError
from raygroup.storage.sweeps import StoredSweep, TrialState
from raygroup.tables.score_intervals import Interval, seed_interval
from raygroup.tables.task_results import head_sizes
from raygroup.tables.trial_result import TrialResult, mean_score
from raygroup.tasks import by_paper_order

SCORED_SPLIT = "new"
"""New renders of training words. The words that nobody trained on stay for a test of the chosen heads."""


@dataclass(frozen=True)
class Scores:
    """The values of one point over some seeds."""

    trials: tuple[TrialResult, ...]

    @functools.cached_property
    def by_seed(self) -> tuple[tuple[float, int], ...]:
        """(accuracy, parameters) of each seed."""
        return tuple(trial_values(trial) for trial in self.trials)

    @property
    def accuracy(self) -> Interval:
        """Mean 1-NED with Student's 95 % interval over seeds. One seed has no interval."""
        interval = seed_interval([accuracy for accuracy, _ in self.by_seed])
        assert interval is not None
        return interval

    @property
    def parameters(self) -> float:
        """Mean number of parameters after pruning. Seeds differ, because they group the tasks in other ways."""
        return statistics.fmean(parameters for _, parameters in self.by_seed)


@dataclass(frozen=True)
class SizePoint:
    """One point whose trials are all done."""

    number: int
    embeds: tuple[int, ...]
    hiddens: tuple[int, ...]
    scores: Scores
    """Over the seeds by which the search chose."""
    confirmed: Scores | None = None
    """Over fresh seeds. None if the point was not trained with all of them."""

    @property
    def sizes_text(self) -> str:
        """The sizes of all heads, such as ``8/16 48/64``: embed and hidden size of each."""
        return " ".join(f"{embed}/{hidden}" for embed, hidden in zip(self.embeds, self.hiddens, strict=True))


@dataclass(frozen=True)
class SizePoints:
    """All points of a search that are finished, in the order in which they were asked."""

    sweep: StoredSweep
    points: tuple[SizePoint, ...]
    failed: Mapping[int, str]
    """Number of each point with a failed trial -> the reason."""
    num_open: int
    """Points that were asked and are neither finished nor failed."""
    num_repeats: int
    """Points whose sizes an earlier point had. They are not among ``points``."""

    @functools.cached_property
    def front(self) -> tuple[SizePoint, ...]:
        """The points that no other point beats, the smallest first. Of equal points the first counts."""
        values = [point_values(point.scores) for point in self.points]
        return tuple(sorted((self.points[place] for place in front_places(values)), key=lambda point: point.scores.parameters))


def trial_values(trial: TrialResult) -> tuple[float, int]:
    """Return a trial's accuracy and its parameters after pruning.

    Accuracy is the mean 1-NED over tasks on new renders, by the classifier's route. Parameters are summed over the heads that have a task.
    Raises ConfigError if the trial has no facts about its words.
    """
    groups = trial.groups
    parameters = 0
    for head, group in groups.by_head.items():
        if group:
            _, pruned = head_sizes(head, groups, trial.settings.heads, trial.word_facts)
            if pruned is None:
                raise ConfigError(f"{trial.folder}: no facts about its words, which an earlier version did not write; train it again")
            parameters += pruned
    return mean_score(trial.scores(SCORED_SPLIT)).one_minus_ned, parameters


def point_values(scores: Scores) -> tuple[float, float]:
    """Return the two objectives of a point: accuracy and parameters, each its mean over seeds."""
    return scores.accuracy.mean, scores.parameters


def front_places(values: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Return the places of the (accuracy, parameters) that no other pair beats.

    A pair beats another if it is at least as good in both numbers and better in one. Of equal pairs the first counts.
    """
    best: list[int] = []
    highest = float("-inf")
    for place in sorted(range(len(values)), key=lambda place: (values[place][1], -values[place][0], place)):
        if values[place][0] > highest:
            best.append(place)
            highest = values[place][0]
    return tuple(sorted(best))


def size_points(stored: StoredSweep) -> SizePoints:
    """Read the points of a search. Raises ConfigError if the sweep is no search, and DamagedFileError for damaged records."""
    if stored.search is None:
        raise ConfigError(f"{stored.folder}: no search of head sizes")
    results = {trial.id: TrialResult(trial) for trial in stored.trials}
    points: list[SizePoint] = []
    failed: dict[int, str] = {}
    sizes_before: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
    declared = stored.search["points"]
    for entry in declared:
        embeds, hiddens = tuple(entry["embed"]), tuple(entry["hidden"])
        if (embeds, hiddens) in sizes_before:
            continue
        sizes_before.add((embeds, hiddens))
        trials = [results[trial_id] for trial_id in entry["trials"]]
        reason = next((trial.failure for trial in trials if trial.failure is not None), None)
        if reason is not None:
            failed[entry["number"]] = reason
        elif (scores := _scores(trials)) is not None:
            confirmed = _scores([results[trial_id] for trial_id in entry["confirm"]])
            points.append(SizePoint(entry["number"], embeds, hiddens, scores, confirmed))
    num_open = len(sizes_before) - len(points) - len(failed)
    return SizePoints(stored, tuple(points), failed, num_open, len(declared) - len(sizes_before))


def _scores(trials: Sequence[TrialResult]) -> Scores | None:
    """Return the scores of trials, or None unless there are some and all are done."""
    are_done = bool(trials) and all(trial.state == TrialState.DONE for trial in trials)
    return Scores(tuple(trials)) if are_done else None


def head_tasks(trial: TrialResult) -> list[tuple[str, ...]]:
    """Return the tasks of each head after the last step, in the paper's order. An idle head has none."""
    return [by_paper_order(set(group)) for group in trial.groups.by_head.values()]
