"""The Arrow schema of a history: what one trial records at every step, and what its metadata must say to be read again."""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from raygroup.errors import HistoryError

LAYOUT = 1
"""Raised when a column or its meaning changes."""

KEY = b"raygroup"
SCALARS = ("integrated_loss", "grouping_loss", "task_loss", "words_per_s")


def history_schema(tasks: Sequence[str], heads: int, metadata: dict[str, Any]) -> pa.Schema:
    """Columns of one row a step, counted from 1: the state after that optimiser step (the state before training is not recorded).

    ``r_tm``: R_TM, row by row (tasks x heads). ``nll_m``: mean over the step's words of each head's Eq. (5). ``clock_s``: Unix time.
    The metadata gets the layout, the tasks in row order and the number of heads beside what is given.
    """
    columns = [
        ("step", pa.int32()),
        ("r_tm", pa.list_(pa.float32(), len(tasks) * heads)),
        ("nll_m", pa.list_(pa.float32(), heads)),
        *((name, pa.float32()) for name in SCALARS),
        ("clock_s", pa.float64()),
    ]
    described = {**metadata, "layout": LAYOUT, "tasks": list(tasks), "heads": heads}
    text = json.dumps(described, ensure_ascii=False, sort_keys=True)
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns], metadata={KEY: text.encode()})


def read_metadata(schema: pa.Schema, where: object) -> dict[str, Any]:
    """The metadata ``history_schema`` wrote; raises HistoryError where it is missing or of another layout."""
    stored = (schema.metadata or {}).get(KEY)
    if stored is None:
        raise HistoryError(f"{where}: no history of raygroup")
    metadata: dict[str, Any] = json.loads(stored)
    if metadata.get("layout") != LAYOUT:
        raise HistoryError(
            f"{where}: history of layout {metadata.get('layout')}, this raygroup reads {LAYOUT}: "
            "read it with the raygroup that wrote it, or train into another --storage-path"
        )
    return metadata
