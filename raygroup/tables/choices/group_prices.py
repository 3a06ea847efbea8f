"""What the head of each group costs: its weights after pruning."""

import numpy as np

from raygroup.costs import pruned_head_parameters
from raygroup.strategies.group_scores import Floats, group_tasks
from raygroup.tables.group_heads.bank_trial import BankTrialResult
from raygroup.words.word_facts import WordFacts


def group_characters_count(facts: WordFacts, tasks: tuple[str, ...]) -> np.ndarray:
    """Return the number of characters of each group's pruned head, (2^t,). The empty group has none."""
    counts = [0] + [facts.kept_characters([*group_tasks(group, tasks)], tasks) for group in range(1, 1 << len(tasks))]
    return np.array(counts, np.int64)


def group_parameters(bank: BankTrialResult, facts: WordFacts, tasks: tuple[str, ...]) -> Floats:
    """Return the weights of each group's head after pruning, (2^t,)."""
    heads = bank.settings.heads
    counts = group_characters_count(facts, tasks)
    sizes = [pruned_head_parameters(heads.embeds[0], heads.hiddens[0], int(count), facts.shape) for count in counts]
    return np.array([0.0, *sizes[1:]])
