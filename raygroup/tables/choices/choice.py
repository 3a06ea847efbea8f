"""Choose a grouping from a group cache, within a budget, and say what it is worth."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from raygroup.errors import ConfigError, first_names
from raygroup.scoring.word_intervals import WordInterval, word_interval
from raygroup.storage.sweeps import StoredSweep, TrialState
from raygroup.strategies.evidence import Evidence
from raygroup.strategies.group_scores import Floats, GroupScores, grouping_numbers
from raygroup.strategies.partition_search import best_groupings, grouping_score, partition_sums
from raygroup.strategies.registry import find_strategy
from raygroup.strategies.resampling import best_probabilities, resampled_sums
from raygroup.strategies.selection import Reliability, mean_scores, reliability, shrunk_scores
from raygroup.strategies.strategy import propose
from raygroup.strategies.surrogate import fill_scores
from raygroup.tables.arrangements.paired_difference import PairedDifference, paired_difference
from raygroup.tables.choices.group_prices import group_parameters
from raygroup.tables.choices.request import Request, parameters_as_scores
from raygroup.tables.group_heads.bank_trial import BankTrialResult
from raygroup.tables.group_heads.cache_scores import cache_scores, word_scores
from raygroup.tables.group_heads.group_cache import GroupCache
from raygroup.tables.group_heads.sent_words import SentScore, mean_sent_score, sent_scores
from raygroup.tables.stability.partitions import MOST_LISTED_TASKS, all_partitions
from raygroup.tables.strategies.cross_fit import CrossFit, cross_fit
from raygroup.task_groups import Groups, group_text, groups_text
from raygroup.words.word_facts import WordFacts

_ALTERNATIVES = ("all-in-one", "one-per-task", "script-family", "paddleocr", "easyocr")
_UNSEEN = "unseen"
_RESAMPLES = 500


@dataclass(frozen=True)
class PricedGrouping:
    """A grouping, what it costs and how well it reads. Scores are means over tasks."""

    name: str
    groups: Groups
    parameters: int
    latency_ms: float | None
    one_minus_ned: float
    """On new and unseen words. If seeds and words can be set aside, it is scored by those that did not choose the grouping."""
    accuracy: float
    """Exact match on unseen words, the mean over all seeds."""
    sent_one_minus_ned: float | None = None
    """1-NED if each word is read by the head that a classifier sends it to. None if the heads were trained without one."""
    behind: PairedDifference | None = None
    """1-NED of the choice less that of this grouping, paired by seed. None for the choice, and with one seed."""


@dataclass(frozen=True)
class TaskScore:
    """How the chosen head reads one task."""

    task: str
    group: str
    split: str
    words: int
    accuracy: WordInterval
    """Exact match, over words. Each word counts its mean over seeds."""
    one_minus_ned: WordInterval
    sent: SentScore | None
    """The same words by the classifier's route. None if the heads were trained without a classifier."""


@dataclass(frozen=True)
class Choice:
    """A grouping that was chosen for a request."""

    request: Request
    sweep: StoredSweep
    cache: GroupCache
    settings_of: BankTrialResult
    """A bank of the cache: the recipe of the heads."""
    chosen: PricedGrouping
    predicted: bool
    """True if some group of the cache has no head yet, so that a ridge fit stands for its scores."""
    error: float | None
    """Standard deviation of the predicted mean loss of a character. None if nothing was predicted."""
    still_to_train: tuple[str, ...]
    """Groups without a head, those of the choice first."""
    tasks: tuple[TaskScore, ...]
    """Empty for tasks whose head is not trained yet."""
    alternatives: tuple[PricedGrouping, ...]
    front: tuple[PricedGrouping, ...]
    """The best grouping for every number of heads."""
    reliability: Reliability | None
    """Of groupings on as many heads, by held-out loss. None with one seed, or if there is only one such grouping."""
    share_best: float | None
    """Share of resamples of seeds and words in which it has the lowest loss of all groupings on as many heads. None with one seed."""
    seeds: int
    everything: tuple[Floats, Floats]
    """1-NED and parameters of all groupings, for the picture. Empty for more than eight tasks."""

    @property
    def efficient(self) -> tuple[PricedGrouping, ...]:
        """The groupings of the front that no other one of it beats in both parameters and 1-NED."""
        return tuple(
            one for one in self.front
            if not any(other.parameters <= one.parameters and other.one_minus_ned > one.one_minus_ned for other in self.front)
        )  # fmt: skip


@dataclass(frozen=True)
class _Tables:
    """The scores by which a grouping is chosen and judged."""

    choosing: GroupScores
    one_minus_ned: GroupScores
    accuracy: GroupScores
    parameters: Floats
    latency_ms: Floats | None
    fit: CrossFit | None
    cache: GroupCache


def choose_within(
    request: Request, sweep: StoredSweep, cache: GroupCache, *,
    measure_latency: Callable[[BankTrialResult, WordFacts, GroupCache], Floats] | None = None,
) -> Choice:  # fmt: skip
    """Return the best grouping for a request.

    ``measure_latency`` returns the milliseconds that a head of each group takes for a word, (2^t,). It is called only if it is given.
    Raises ConfigError if no grouping meets the request (the message has the nearest one), or if too few groups have a head to predict the
    others.
    """
    bank = next(trial for trial in map(BankTrialResult, sweep.in_state(TrialState.DONE)) if trial.is_readable)
    facts = bank.word_facts
    if facts is None:
        raise ConfigError(f"{bank.folder}: has no facts on its words: train it again with this version")
    latency = None if measure_latency is None else _shared_latency(measure_latency(bank, facts, cache))
    tables, error = _tables(cache, group_parameters(bank, facts, cache.tasks), latency)
    groups = _solve(request, tables, tables.choosing)
    own = _honest(tables, request)
    chosen = _priced("the choice", groups, tables, own)
    count = len(groups)
    missing = list(dict.fromkeys(name for names in cache.missing.values() for name in names))
    unmeasured = [group_text(group) for group in groups if group_text(group) in missing]
    fit = tables.fit
    return Choice(
        request, sweep, cache, bank, chosen, error is not None, error,
        (*unmeasured, *(name for name in missing if name not in unmeasured)),
        _task_scores(cache, groups), _alternatives(tables, groups, own), _front(tables),
        reliability(fit.chosen_by, count) if fit else None, _share_best(cache, groups) if fit else None,
        len(cache.seeds), _all_points(tables),
    )  # fmt: skip


def _tables(cache: GroupCache, parameters: Floats, latency_ms: Floats | None) -> tuple[_Tables, float | None]:
    """Return the tables, and the error of predicted losses if some group has no head."""
    losses, similar, exact = (cache_scores(cache, measure) for measure in ("nll", "one_minus_ned", "accuracy"))
    unseen = cache_scores(cache, "accuracy", (_UNSEEN,)) if _UNSEEN in cache.words["split"].unique().to_pylist() else exact
    complete = losses.complete_seeds
    if len(complete) > 1:
        fit = cross_fit(losses, similar)
        choosing = shrunk_scores(fit.chosen_by)
        return _Tables(choosing, fit.scores, mean_scores(unseen.by_seed()), parameters, latency_ms, fit, cache), None
    partial = losses.partial(), similar.partial(), unseen.partial()
    if complete:
        return _Tables(*partial, parameters, latency_ms, None, cache), None
    try:
        filled = [fill_scores(table) for table in partial]
    except ConfigError as error:
        names = first_names([name for names in cache.missing.values() for name in names], 8)
        raise ConfigError(f"too few groups have a head to predict the others: {error}; still to train: {names}") from error
    sd = float(np.sqrt((filled[0].residual_sd ** 2).sum())) / len(cache.tasks)
    return _Tables(filled[0].scores, filled[1].scores, filled[2].scores, parameters, latency_ms, None, cache), sd


def _solve(request: Request, tables: _Tables, choosing: GroupScores) -> Groups:
    """Return the best grouping by some scores within the request."""
    if request.limits_heads_alone:
        found = [best[0] for count, best in best_groupings(choosing).items() if count <= (request.heads or count)]
        return max(found, key=lambda grouping: grouping.score).groups
    from raygroup.strategies.budget import Limit, best_within  # scipy.optimize takes half a second to import

    budget = request.budget(tables.parameters, tables.latency_ms)
    if request.target_accuracy is None:
        return best_within(choosing, budget).groups
    num_tasks = len(choosing.tasks)
    reached = best_within(tables.accuracy, budget)
    if reached.score < request.target_accuracy * num_tasks:
        raise ConfigError(
            f"no grouping reaches an accuracy of {request.target_accuracy:g} on unseen words: the nearest is "
            f"{groups_text(reached.groups)}, with {reached.score / num_tasks:.3f}"
        )
    target = Limit(name="accuracy", costs=-tables.accuracy.sums, most=-request.target_accuracy * num_tasks)
    smallest = replace(budget, limits=(*budget.limits, target))
    return best_within(parameters_as_scores(choosing, tables.parameters), smallest).groups


def _honest(tables: _Tables, request: Request) -> dict[int, float] | None:
    """Return the score with each seed of what the other seeds and words choose. None with one seed."""
    fit = tables.fit
    return fit.by_seed(_solve(request, tables, fold.choosing) for fold in fit.folds) if fit else None


def _priced(
    name: str, groups: Groups, tables: _Tables, by_seed: dict[int, float] | None, best: dict[int, float] | None = None
) -> PricedGrouping:
    numbers = grouping_numbers(groups, tables.choosing.tasks)
    num_tasks = len(tables.choosing.tasks)
    similar = float(np.mean([*by_seed.values()])) if by_seed else grouping_score(tables.one_minus_ned, groups) / num_tasks
    latency = None if tables.latency_ms is None else float(tables.latency_ms[numbers].sum())
    return PricedGrouping(
        name, groups, int(tables.parameters[numbers].sum()), latency, similar, grouping_score(tables.accuracy, groups) / num_tasks,
        mean_sent_score(tables.cache, groups), paired_difference(by_seed, best) if by_seed and best else None,
    )  # fmt: skip


def _alternatives(tables: _Tables, chosen: Groups, best: dict[int, float] | None) -> tuple[PricedGrouping, ...]:
    """Return what other rules would do, with the best grouping of all first if the request excludes it. ``best`` is the choice by seed."""
    everything, fit = Request(), tables.fit
    rows = []
    without_budget = _solve(everything, tables, tables.choosing)
    if without_budget != chosen:
        rows.append(_priced("the best without a budget", without_budget, tables, _honest(tables, everything), best))
    evidence = Evidence(tasks=tables.choosing.tasks)
    for name in _ALTERNATIVES:
        strategy = find_strategy(name)
        count = len(evidence.tasks) if strategy.fixed else len(chosen)
        groups = propose(strategy, evidence, count).groups
        rows.append(_priced(strategy.title, groups, tables, fit.by_seed_of(groups) if fit else None, best))
    return tuple(rows)


def _front(tables: _Tables) -> tuple[PricedGrouping, ...]:
    fit = tables.fit
    return tuple(
        _priced(f"{count} heads", best[0].groups, tables, fit.honest_best[count] if fit else None)
        for count, best in best_groupings(tables.choosing).items()
    )


def _share_best(cache: GroupCache, groups: Groups) -> float | None:
    if len(cache.tasks) > MOST_LISTED_TASKS:
        return None
    sums = resampled_sums(word_scores(cache, "nll"), _RESAMPLES)
    return best_probabilities(cache.tasks, sums, len(groups)).get(groups, 0.0)


def _task_scores(cache: GroupCache, groups: Groups) -> tuple[TaskScore, ...]:
    known = {name for seed in cache.seeds for name in cache.groups_of(seed)}
    splits = cache.words["split"].unique().to_pylist()
    sent = sent_scores(cache, groups)
    found = []
    for task in cache.tasks:
        name = next(group_text(group) for group in groups if task in group)
        if name not in known:
            continue
        for split in splits:
            exact, similar = (_over_seeds(cache, task, split, measure, name) for measure in ("accuracy", "one_minus_ned"))
            if len(exact):
                found.append(
                    TaskScore(task, name, split, len(exact), word_interval(exact), word_interval(similar), sent.get((task, split)))
                )
    return tuple(found)


def _over_seeds(cache: GroupCache, task: str, split: str, measure: str, group: str) -> list[float]:
    values = cache.word_values(task, split, measure, [group], cache.seeds)[0]
    means = np.nanmean(values[np.isfinite(values).any(axis=1)], axis=0)
    return [float(value) for value in means]


def _shared_latency(latency_ms: Floats) -> Floats:
    """Return each group's share of the mean latency over tasks: a word of its tasks is as likely as one of any other task."""
    num_tasks = int(np.log2(len(latency_ms)))
    sizes = np.array([number.bit_count() for number in range(len(latency_ms))])
    return np.asarray(latency_ms * sizes / num_tasks)


def _all_points(tables: _Tables) -> tuple[Floats, Floats]:
    """Return 1-NED and parameters of all groupings."""
    num_tasks = len(tables.choosing.tasks)
    if num_tasks > MOST_LISTED_TASKS:
        return np.zeros(0), np.zeros(0)
    labels = [all_partitions(num_tasks, count) for count in range(1, num_tasks + 1)]
    scores = [partition_sums(tables.one_minus_ned.sums, one) / num_tasks for one in labels]
    sizes = [partition_sums(tables.parameters, one) for one in labels]
    return np.concatenate(scores), np.concatenate(sizes)
