"""Read test words with every group head of a bank that has their task, or the one that the classifier sends them to."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from raygroup.history.group_readings import SCHEMA
from raygroup.model.heads.decoding import Reader
from raygroup.scoring.word_accuracy import is_read, one_minus_ned
from raygroup.task_groups import group_text
from raygroup.training.packs.trained_trial import TrainedTrial
from raygroup.training.word_nll import word_nll
from raygroup.training.word_reading import predicted_tasks
from raygroup.words.labels import LONGEST, to_logical

_READINGS_AT_ONCE = 1024
"""Most pairs of a word and a head that are read together. It bounds the memory."""


def read_with_groups(
    trained: TrainedTrial, rows: NDArray[np.intp], splits: Sequence[str], texts: Sequence[str], true_task: NDArray[np.int32]
) -> dict[str, list[Any]]:
    """Return the columns of ``history.group_readings``, head by head within blocks of words.

    ``rows`` are those of the word store, and ``true_task`` (w,) the places of their tasks. Words without a task, -1, are read by no
    head. A bank whose ``loss.task`` is 0 has no classifier that could send words anywhere.
    """
    groups, tasks = trained.trial.grouping.groups, trained.data.tasks
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
    reader = Reader(trained.bank, trained.kernels)
    sent_to = predicted_tasks(trained, rows) if trained.trial.loss.task > 0 else np.full(len(rows), -1)
    for number, sent in sorted({pair for pair in zip(true_task.tolist(), sent_to.tolist(), strict=True) if pair[0] >= 0}):
        task, sent_task = tasks[number], tasks[sent] if sent >= 0 else None
        heads = [head for head, group in enumerate(groups) if task in group or sent_task in group]
        places = np.flatnonzero((true_task == number) & (sent_to == sent))
        size = max(1, _READINGS_AT_ONCE // max(1, len(heads)))
        for start in range(0, len(places) if heads else 0, size):
            block = places[start : start + size]
            readings = _read(trained, reader, rows[block], heads)
            losses = word_nll(trained, rows[block])
            for head, of_head in zip(heads, readings, strict=True):
                truths = [texts[place] for place in block]
                columns["head"] += [head] * len(block)
                columns["group"] += [group_text(groups[head])] * len(block)
                columns["task"] += [task] * len(block)
                columns["split"] += [splits[place] for place in block]
                columns["word"] += rows[block].tolist()
                columns["exact"] += [is_read(*pair) for pair in zip(truths, of_head, strict=True)]
                columns["one_minus_ned"] += [one_minus_ned(*pair) for pair in zip(truths, of_head, strict=True)]
                columns["nll"] += [None if np.isnan(loss) else loss for loss in losses[:, head].tolist()]
                columns["sent_to"] += [sent_task] * len(block)
    return columns


@torch.no_grad()
def _read(trained: TrainedTrial, reader: Reader, rows: NDArray[np.intp], heads: Sequence[int]) -> list[list[str]]:
    """Return the text of every word by each of the heads, greedily."""
    words = torch.from_numpy(trained.data.features.rows(rows)).to(trained.device).to(trained.r_tm.dtype)
    pairs = words.repeat(len(heads), *[1] * (words.dim() - 1))
    longest = min(int(trained.data.lengths.max(initial=1)), LONGEST + 1)
    decoded = reader.greedy(pairs, torch.tensor(heads).repeat_interleave(len(rows)), longest)
    texts = [to_logical(trained.data.charset.decode(classes)) for classes in decoded.classes.tolist()]
    return [texts[start : start + len(rows)] for start in range(0, len(texts), len(rows))]
