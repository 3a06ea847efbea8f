"""The columns and metadata of a history.

A history is what one trial records: an Arrow table with one row for each step. ``COLUMNS``
describes its columns. No column has nulls. ``SPOTTER_COLUMNS`` are those of a trial of stage 1 or on scenes.

The table's metadata holds one JSON text under the key ``raygroup``. It always has

- ``layout``: the version of this format;
- ``tasks``: the names of the tasks, in the order of R_TM's rows;
- ``heads``: the number of heads.

Training adds ``config`` (the trial's settings), ``label``, ``data`` (fingerprint of words and
weights), ``versions`` (of Python and packages), ``git_commit`` (null if unknown), ``charset`` (its
hash), ``kernels``, ``device`` and ``from_step``, the step from which the attempt resumed.

A trial of stage 1 or on scenes has ``losses``, the names of its losses, and no ``kernels``. Stage 1 has
neither ``tasks`` nor ``heads``, and a detector has no ``charset`` either.
"""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from raygroup.errors import HistoryError

HISTORY_LAYOUT = 1
"""Version of the format. It is raised when a column or its meaning changes."""

COLUMNS = {
    "step": "Number of the optimiser step, counted from 1. The state before training is not recorded.",
    "r_tm": "R_TM after this step: t * m scores, task by task (row by row). Eq. (3) makes probabilities of them.",
    "nll_m": "Loss of each head, m numbers: the mean of NLL_WM, Eq. (5), over the step's words. All heads read all words, "
    "unless grouping.heads_per_word is set: then it is the mean over the words that the head read.",
    "integrated_loss": "Eq. (8), which is Eq. (6) if epsilon is 0: the heads' losses weighted by P_WM + epsilon, mean or sum over words.",
    "grouping_loss": "Eq. (9): how many tasks the heads lack, summed over heads. 0 if each head has its minimum of tasks.",
    "task_loss": "Eq. (2): cross-entropy of the task classifier, mean over the step's words.",
    "words_per_s": "Words trained on per second, averaged over the steps since the last record was brought to the history.",
    "clock_s": "Unix time at which the step was brought to the history, in seconds.",
}
"""Column -> what it holds, for t tasks and m heads.

The losses are those of the step's forward pass, so they belong to R_TM before the step. They are
not multiplied by their weights in the total loss.
"""

SCALAR_COLUMNS = ("integrated_loss", "grouping_loss", "task_loss", "words_per_s")
"""Columns of one 32-bit number, in their order in the table."""
SPOTTER_COLUMNS = {
    "step": COLUMNS["step"],
    "r_tm": f"{COLUMNS['r_tm']} Stage 1 and a detector have no such column.",
    "samples_per_s": "Samples trained on per second, averaged over the steps since the last record was brought to the history.",
    "clock_s": COLUMNS["clock_s"],
}
"""Column -> what it holds, for a trial of stage 1 or on scenes. Its losses come before the speed, each in a column with the loss's name."""
EVIDENCE_COLUMNS = {
    "losses": {
        "step": "Number of the optimiser step, counted from 1. Rows are ``every`` steps apart. The weights are those before the step.",
        "words_t": "Words of each task in the step. A word counts for the task with the largest share in its row of P_WT.",
        "nll_tm": "t * m numbers, task by task: the mean NLL_WM (Eq. 5) of each task's words under each head, 0 if the step has none.",
    },
    "gradients": {
        "gradient_words_t": "Words of each task that the gradients come from.",
        "gram_tt": "t * t products g_i . g_j, row by row. g_i is the gradient of task i's mean NLL on the weights of all heads.",
        "inner_gram_tt": "The same products without embedding, output layer and its bias.",
        "gradients_s": "Device seconds that the gradients took, divided by the trials of the pack.",
    },
    "lookahead": {
        "lookahead_tt": "t * t numbers: row i, column j has 1 - L_j after a step on task i / L_j before it, with L_j the mean over heads.",
        "lookahead_s": "Device seconds that the lookahead took beside the gradients, divided by the trials of the pack.",
    },
}
"""Kind of evidence on tasks -> its columns. Each kind has the columns of those before it, too."""
_METADATA_KEY = b"raygroup"


def history_schema(tasks: Sequence[str], heads: int, metadata: dict[str, Any]) -> pa.Schema:
    """Return the Arrow schema of a history.

    ``step`` is int32, ``clock_s`` float64, ``r_tm`` and ``nll_m`` are fixed-size lists of float32,
    and the other columns are float32. The layout, the tasks and the number of heads are added to
    ``metadata``. Raises TypeError if the metadata cannot be stored as JSON.
    """
    columns = [
        ("step", pa.int32()),
        ("r_tm", pa.list_(pa.float32(), len(tasks) * heads)),
        ("nll_m", pa.list_(pa.float32(), heads)),
        *((name, pa.float32()) for name in SCALAR_COLUMNS),
        ("clock_s", pa.float64()),
    ]
    return _schema(columns, {**metadata, "tasks": list(tasks), "heads": heads})


def spotter_history_schema(losses: Sequence[str], metadata: dict[str, Any], tasks: Sequence[str] = (), heads: int = 0) -> pa.Schema:
    """Return the Arrow schema of the history of a trial of stage 1 or on scenes. Without tasks there is no R_TM.

    The types are those of ``history_schema``. The layout, the names of the losses, the tasks and the number of heads are added to
    ``metadata``. Raises ValueError if a loss has the name of another column, and TypeError if the metadata cannot be stored as JSON.
    """
    if taken := set(losses) & set(SPOTTER_COLUMNS):
        raise ValueError(f"a loss cannot be called {min(taken)}: another column has this name")
    r_tm = [("r_tm", pa.list_(pa.float32(), len(tasks) * heads))] if tasks else []
    grouping = {"tasks": list(tasks), "heads": heads} if tasks else {}
    columns = [("step", pa.int32()), *r_tm, *((name, pa.float32()) for name in (*losses, "samples_per_s")), ("clock_s", pa.float64())]
    return _schema(columns, {**metadata, **grouping, "losses": list(losses)})


def task_evidence_schema(tasks: Sequence[str], heads: int, kind: str, every: int, metadata: dict[str, Any]) -> pa.Schema:
    """Return the Arrow schema of the evidence on tasks that a trial gathers. ``EVIDENCE_COLUMNS`` describes its columns.

    ``kind`` is that of ``training.evidence``. Numbers of words are int32, others float32. The names of the tasks, the number of heads, the
    kind and ``every`` are added to ``metadata``.
    """
    sizes = {"_t": len(tasks), "_tm": len(tasks) * heads, "_tt": len(tasks) ** 2}
    columns: list[tuple[str, pa.DataType]] = []
    for name in evidence_columns(kind):
        number = pa.int32() if name == "step" or "words" in name else pa.float32()
        size = next((size for ending, size in sizes.items() if name.endswith(ending)), None)
        columns.append((name, number if size is None else pa.list_(number, size)))
    return _schema(columns, {**metadata, "tasks": list(tasks), "heads": heads, "evidence": kind, "every": every})


def evidence_columns(kind: str) -> tuple[str, ...]:
    """Return the columns of a kind of evidence, with those of the kinds before it."""
    kinds = list(EVIDENCE_COLUMNS)
    return tuple(name for each in kinds[: kinds.index(kind) + 1] for name in EVIDENCE_COLUMNS[each])


def _schema(columns: Sequence[tuple[str, pa.DataType]], metadata: dict[str, Any]) -> pa.Schema:
    text = json.dumps({**metadata, "layout": HISTORY_LAYOUT}, ensure_ascii=False, sort_keys=True)
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns], metadata={_METADATA_KEY: text.encode()})


def read_metadata(schema: pa.Schema, path: object) -> dict[str, Any]:
    """Return the metadata of a history. Raises HistoryError that names the path if it is missing or
    of another layout."""
    text = (schema.metadata or {}).get(_METADATA_KEY)
    if text is None:
        raise HistoryError(f"{path}: no history of raygroup")
    metadata: dict[str, Any] = json.loads(text)
    if metadata.get("layout") != HISTORY_LAYOUT:
        raise HistoryError(
            f"{path}: history of layout {metadata.get('layout')}, this raygroup reads {HISTORY_LAYOUT}: "
            "read it with the raygroup that wrote it, or train into another --storage-path"
        )
    return metadata
