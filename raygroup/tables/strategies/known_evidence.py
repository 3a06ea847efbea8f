"""The evidence for strategies that the records of a storage path hold, beside the scores of group heads."""

from collections.abc import Sequence

import numpy as np

from raygroup.errors import ConfigError
from raygroup.storage.sweeps import StoredSweep, TrialState
from raygroup.strategies.evidence import Evidence
from raygroup.strategies.group_scores import Floats, GroupScores, group_number
from raygroup.tables.group_heads.bank_trial import BankTrialResult
from raygroup.tables.group_heads.cache_scores import cache_scores
from raygroup.tables.group_heads.group_cache import GroupCache


def known_evidence(sweep: StoredSweep, sweeps: Sequence[StoredSweep], cache: GroupCache, measure: str = "nll") -> Evidence:
    """Return the characters of the tasks, the scores of all group heads with their cost, and what trials recorded of gradients."""
    banks = [trial for trial in map(BankTrialResult, sweep.in_state(TrialState.DONE)) if trial.is_readable]
    facts = banks[0].word_facts
    if facts is None:
        raise ConfigError(f"{banks[0].folder}: has no facts on its words: train it again with this version")
    table = cache_scores(cache, measure).partial()
    scores = GroupScores(tasks=cache.tasks, values=table.values, cost_s=_costs_s(banks, cache.tasks))
    return Evidence(tasks=cache.tasks, characters=facts.characters, scores=scores)


def _costs_s(banks: Sequence[BankTrialResult], tasks: Sequence[str]) -> Floats:
    """Return the processor seconds of each group's head, (2^t,): the mean over seeds of its share of a bank."""
    sums, counts = np.zeros(1 << len(tasks)), np.zeros(1 << len(tasks))
    for bank in banks:
        groups = [group_number(group, tasks) for group in bank.settings.grouping.groups]
        sums[groups] += float(bank.stored.outcome().get("cpu_s", bank.training_s)) / len(groups)
        counts[groups] += 1
    return np.asarray(sums / np.maximum(counts, 1))
