"""Every word of a result, found, missed or false: as Parquet or JSON lines, for figures and for whoever looks for a fault.

A missed word and a false detection are errors of detection (red in the paper's Figure 3), a misread word is one of recognition (purple).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from raygroup.errors import ConfigError
from raygroup.files.atomic import whole
from raygroup.scoring.results import Result
from raygroup.scoring.word_columns import Annotated

LAYOUT = 1
OUTCOMES = ("correct", "misread", "missed", "false", "ignored")
"""``misread``: found, with a wrong text or script. ``ignored``: a don't-care word, or a detection over one."""
SUFFIXES = (".parquet", ".jsonl")

_POLYGON = pa.list_(pa.list_(pa.float64()))
SCHEMA = pa.schema(
    [
        pa.field("image", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("case_sensitive", pa.bool_()),
        pa.field("truth_polygon", _POLYGON),
        pa.field("truth_text", pa.string()),
        pa.field("truth_script", pa.string()),
        pa.field("polygon", _POLYGON),
        pa.field("text", pa.string()),
        pa.field("script", pa.string()),
        pa.field("confidence", pa.float64()),
    ],
    metadata={b"raygroup": str(LAYOUT).encode()},
)
"""One row a pair, a missed word or a false detection. ``image``: its number in the names of the files; ``truth_*``: of the true word,
null for a false detection; ``polygon``, ``text``, ``script``, ``confidence``: of the detection, null for a missed word and where the
protocol has none; ``case_sensitive``: whether a pair is right to the letter, null for what is no pair."""


def require_suffix(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"--details {path}: it must end in {' or '.join(SUFFIXES)}")


def write_details(result: Result, path: Path) -> None:
    """The file appears whole or not at all. Raises ConfigError for another suffix, OSError naming the path."""
    require_suffix(path)
    with whole(path, lost="details not written") as file:
        if path.suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(list(rows(result)), schema=SCHEMA), file, compression="zstd")
        else:
            for row in rows(result):
                file.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


def rows(result: Result) -> Iterator[dict[str, Any]]:
    """Rows of SCHEMA, image by image in order of the ground truth: pairs and missed words as in its file, then false detections."""
    matching = result.matching
    pairs: dict[int, list[tuple[int, int]]] = {}
    for pair, word, detection in zip(matching.kept.tolist(), matching.truth.tolist(), matching.detection.tolist(), strict=True):
        pairs.setdefault(word, []).append((pair, detection))
    lone = np.ones(len(result.detections), np.bool_)
    lone[matching.detection] = False
    rest = np.flatnonzero(lone).tolist()
    words = range(len(result.truths))
    order = sorted([(image, 0, word) for word, image in zip(words, result.truths.image.tolist(), strict=True)]
                   + [(image, 1, each) for each, image in zip(rest, result.detections.image[lone].tolist(), strict=True)])  # fmt: skip
    for _, side, number in order:
        if side:
            yield _row(result, "ignored" if matching.ignored[number] else "false", None, number)
        elif number not in pairs:
            yield _row(result, "ignored" if result.truths.ignored[number] else "missed", number, None)
        else:
            for pair, detection in pairs[number]:
                outcome = "correct" if result.right[pair] else "misread"
                yield _row(result, outcome, number, detection, bool(result.right_exactly[pair]))


def _row(result: Result, outcome: str, word: int | None, detection: int | None, exact: bool | None = None) -> dict[str, Any]:
    truths, detections = result.truths, result.detections
    image = truths.image[word] if word is not None else detections.image[detection]
    true, found = _columns(truths, word), _columns(detections, detection)
    sure = None if detection is None or detections.confidences is None else float(detections.confidences[detection])
    return {
        "image": truths.images[image],
        "outcome": outcome,
        "case_sensitive": exact,
        **{f"truth_{name}": value for name, value in true.items()},
        **found,
        "confidence": sure,
    }


def _columns(words: Annotated, word: int | None) -> dict[str, Any]:
    if word is None:
        return {"polygon": None, "text": None, "script": None}
    return {
        "polygon": words.polygons[word].tolist(),
        "text": words.texts[word] if len(words.texts) else None,
        "script": words.scripts[word] if len(words.scripts) else None,
    }
