"""The evidence for strategies that the records of a storage path hold, beside the scores of group heads."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from raygroup.errors import ConfigError, RaygroupError
from raygroup.storage.layout import CONFIG_FILE
from raygroup.storage.records import read_record
from raygroup.storage.sweeps import StoredSweep, TrialState
from raygroup.strategies.evidence import Evidence
from raygroup.strategies.gathered import gathered_evidence
from raygroup.strategies.group_scores import Floats, GroupScores, group_number
from raygroup.tables.group_heads.bank_trial import BankTrialResult
from raygroup.tables.group_heads.group_cache import GroupCache
from raygroup.tables.trial_result import TrialResult


def known_evidence(sweep: StoredSweep, sweeps: Sequence[StoredSweep], cache: GroupCache, scores: GroupScores) -> Evidence:
    """Return the characters of the tasks, ``scores`` with the cost of all group heads, and what trials recorded of gradients."""
    banks = [trial for trial in map(BankTrialResult, sweep.in_state(TrialState.DONE)) if trial.is_readable]
    facts = banks[0].word_facts
    if facts is None:
        raise ConfigError(f"{banks[0].folder}: has no facts on its words: train it again with this version")
    priced = replace(scores, cost_s=_costs_s(banks, cache.tasks))
    known = Evidence(tasks=cache.tasks, characters=facts.characters, scores=priced)
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
        return is_plain and read_record(trial.folder / CONFIG_FILE)["data"] == data and trial.task_evidence is not None
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
