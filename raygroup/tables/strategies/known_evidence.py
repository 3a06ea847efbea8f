"""The evidence for strategies that the records of a storage path hold, beside the scores of group heads."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from raygroup.errors import ConfigError, RaygroupError
from raygroup.files.places import Place, place
from raygroup.storage.sweeps import StoredSweep, TrialState, read_sweeps
from raygroup.strategies.evidence import Evidence
from raygroup.strategies.gathered import gathered_evidence
from raygroup.strategies.group_scores import Floats, GroupScores, group_number
from raygroup.strategies.selection import mean_scores
from raygroup.tables.group_heads.bank_trial import BankTrialResult
from raygroup.tables.group_heads.cache_scores import cache_scores
from raygroup.tables.group_heads.group_cache import GroupCache, group_cache, group_heads_misfit
from raygroup.tables.strategies.learned import LearnedMethod, learned_groupings, learned_methods
from raygroup.tables.sweep_choice import choose_sweep
from raygroup.tables.trial_result import TrialResult


def read_evidence(storage_path: Place | str = "runs", sweep: str | None = None) -> Evidence:
    """Return all that a storage path knows for strategies, from the newest finished sweep of group heads or from a named one.

    Scores are held-out losses with a minus sign, the mean over seeds. Learned groupings have other seeds. Raises ConfigError if no sweep
    fits, or if no seed has a head for every group.
    """
    storage = place(storage_path)
    sweeps = read_sweeps(storage)
    stored = choose_sweep(sweeps, storage, sweep, "evidence for strategies", group_heads_misfit, "oracle_planted")
    cache = group_cache([stored])
    methods, _ = learned_methods(sweeps, cache.data, cache.seeds)
    return known_evidence(stored, sweeps, cache, mean_scores(cache_scores(cache, "nll").by_seed()), methods)


def known_evidence(
    sweep: StoredSweep, sweeps: Sequence[StoredSweep], cache: GroupCache, scores: GroupScores, learned: Sequence[LearnedMethod]
) -> Evidence:
    """Return the evidence of a sweep of group heads and of trials with the same words and weights.

    It has the characters of the tasks, ``scores`` with the cost of all group heads, what trials recorded of gradients, and what was
    learned.
    """
    banks = [trial for trial in map(BankTrialResult, sweep.in_state(TrialState.DONE)) if trial.is_readable]
    facts = banks[0].word_facts
    if facts is None:
        raise ConfigError(f"{banks[0].folder}: has no facts on its words: train it again with this version")
    priced = replace(scores, cost_s=_costs_s(banks, cache.tasks))
    known = Evidence(tasks=cache.tasks, characters=facts.characters, scores=priced, learned=learned_groupings(learned) or None)
    tables = gathered_tables(sweeps, cache.data)
    if not tables:
        return known
    gathered = gathered_evidence(tables)
    return replace(known, cosines=gathered.cosines, lookahead=gathered.lookahead, costs_s=gathered.costs_s)


def gathered_tables(sweeps: Sequence[StoredSweep], data: str) -> list[pa.Table]:
    """Return the evidence of gradients that finished trials of one head recorded on these words and weights.

    It comes from the newest sweep that has any, so that its trials are alike.
    """
    for sweep in reversed(sweeps):
        trials = [TrialResult(trial) for trial in sweep.in_state(TrialState.DONE)] if sweep.learns_groupings else []
        tables = [trial.task_evidence for trial in trials if _has_gradients(trial, data)]
        if tables:
            return tables
    return []


def _has_gradients(trial: TrialResult, data: str) -> bool:
    try:
        settings = trial.settings
        is_plain = settings.heads.count == 1 and settings.training.gathers_gradients
        return is_plain and trial.data == data and trial.task_evidence is not None
    except RaygroupError:
        return False


def _costs_s(banks: Sequence[BankTrialResult], tasks: Sequence[str]) -> Floats:
    """Return the processor seconds of each group's head, (2^t,): the mean over seeds of its share of a bank."""
    sums, counts = np.zeros(1 << len(tasks)), np.zeros(1 << len(tasks))
    for bank in banks:
        groups = [group_number(group, tasks) for group in bank.settings.grouping.groups]
        sums[groups] += float(bank.stored.outcome().get("cpu_s", bank.training_s)) / len(groups)
        counts[groups] += 1
    return np.asarray(sums / np.maximum(counts, 1))
