"""The result of each task of a trial: scores with intervals, routing errors, sizes of its head, and time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from raygroup.config import Heads
from raygroup.costs import head_parameters, pruned_head_parameters
from raygroup.scoring.predictions import ROUTINGS
from raygroup.scoring.word_accuracy import pair_intervals
from raygroup.scoring.word_intervals import WordInterval
from raygroup.task_groups import TaskGroups
from raygroup.tasks import by_paper_order
from raygroup.words.word_facts import WordFacts

TASK_COLUMNS = ("split", "task", "text", *ROUTINGS.values(), "routed_task", "head", "nll")
"""Columns of the predictions that ``task_results`` reads."""


@dataclass(frozen=True)
class TaskScores:
    """The scores of some words under one routing, with 95 % intervals over words."""

    exact: WordInterval
    one_minus_ned: WordInterval


@dataclass(frozen=True)
class TaskResult:
    """One task of a trial on the words of one split.

    The classifier may give a word to the wrong task. That costs nothing if both tasks share a head, since then the right head reads the
    word. So wrong tasks and wrong heads are counted apart. Only a wrong head is a routing error.
    """

    split: str
    task: str | None
    """The true task, or None for all words whose task is not known. Those have no true route and no head."""
    words: int
    scores: Mapping[str, TaskScores]
    """Routing, one of ``ROUTINGS`` -> scores. ``true task`` flatters, and is missing if the task is not known."""
    wrong_task: int | None
    """Words that the classifier gave to another task."""
    wrong_head: int | None
    """Words that the classifier gave to another head than the one of their true task."""
    nll: float | None
    """Mean over words of the loss of a character under the head of the true task, teacher-forced. None for trials of earlier versions."""
    head: int | None
    """The head that reads the task after the last step."""
    parameters: int | None
    """Weights of this head. None if the trial did not record the facts about its words."""
    pruned_parameters: int | None
    """Weights of this head if it keeps only the characters in the training words of its tasks.

    Words without a task count for every head.
    """
    ms_per_word: float | None
    """Milliseconds to read a word, without the trunk. It was measured once on few words, beside other work, so it is noisy."""


def task_results(
    words: pa.Table, splits: Sequence[str], groups: TaskGroups, heads: Heads, facts: WordFacts | None
) -> tuple[TaskResult, ...]:
    """Return the result of every task, split by split, in the paper's order. Words without a task come last.

    ``words`` has the ``TASK_COLUMNS`` of a trial's predictions.
    """
    rows: dict[tuple[str, str | None], list[tuple[object, ...]]] = {}
    for split, task, *values in zip(*(words[name].to_pylist() for name in TASK_COLUMNS), strict=True):
        rows.setdefault((split, task), []).append(tuple(values))
    tasks = by_paper_order({task for _, task in rows if task is not None})
    return tuple(
        _task_result(split, task, rows[split, task], groups, heads, facts)
        for split in splits
        for task in (*tasks, None)
        if (split, task) in rows
    )


def _task_result(
    split: str, task: str | None, rows: list[tuple[object, ...]], groups: TaskGroups, heads: Heads, facts: WordFacts | None
) -> TaskResult:
    texts, *readings, routed_tasks, routed_heads, losses = (list(column) for column in zip(*rows, strict=True))
    scores = {routing: _scores(texts, column) for routing, column in zip(ROUTINGS, readings, strict=True) if None not in column}
    head = dict(groups.head_of).get(task) if task is not None else None
    parameters, pruned_parameters = head_sizes(head, groups, heads, facts)
    return TaskResult(
        split, task, len(rows), scores, nll=_mean(losses), head=head, parameters=parameters, pruned_parameters=pruned_parameters,
        wrong_task=None if task is None else sum(routed != task for routed in routed_tasks),
        wrong_head=None if head is None else sum(routed != head for routed in routed_heads),
        ms_per_word=facts.ms_per_word(task) if facts else None,
    )  # fmt: skip


def _mean(losses: Sequence[float | None]) -> float | None:
    """Return the mean of the losses that are known, or None."""
    known = [loss for loss in losses if loss is not None]
    return sum(known) / len(known) if known else None


def mean_nll(results: Sequence[TaskResult], split: str) -> float | None:
    """Return the mean over the tasks of a split, each counting the same. None if no loss was recorded."""
    return _mean([result.nll for result in results if result.split == split and result.task is not None])


def _scores(texts: Sequence[str], readings: Sequence[str]) -> TaskScores:
    return TaskScores(*pair_intervals(zip(texts, readings, strict=True)))


def head_sizes(head: int | None, groups: TaskGroups, heads: Heads, facts: WordFacts | None) -> tuple[int, int] | tuple[None, None]:
    """Return the weights of a head before and after pruning. Without the facts about the trial's words, both are None."""
    if head is None or facts is None:
        return None, None
    embed, hidden = heads.embeds[head], heads.hiddens[head]
    num_characters = facts.kept_characters([*groups.by_head[head]], [*dict(groups.head_of)])
    return head_parameters(embed, hidden, facts.classes, facts.shape), pruned_head_parameters(embed, hidden, num_characters, facts.shape)


def worst_task(results: Sequence[TaskResult]) -> TaskResult | None:
    """Return the task and split with the lowest 1-NED of words routed by the classifier. None if no word has a task."""
    known = [result for result in results if result.task is not None]
    return min(known, key=lambda result: result.scores["classifier"].one_minus_ned.mean, default=None)
