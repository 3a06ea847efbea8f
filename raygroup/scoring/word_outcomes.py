"""Write the outcome of every word, as Parquet or JSON lines.

The files serve figures and the search for faults. A missed word and a false detection are errors of
detection (red in the paper's Figure 3). A misread word is an error of recognition (purple).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from raygroup.errors import ConfigError
from raygroup.files.atomic import atomic_write
from raygroup.scoring.results import Result
from raygroup.scoring.word_columns import WordColumns

OUTCOMES_LAYOUT = 1
OUTCOMES = ("correct", "misread", "missed", "false", "ignored")
"""``misread`` is a found word with a wrong text or script.

``ignored`` is a don't-care word, or a detection over one.
"""
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
    metadata={b"raygroup": str(OUTCOMES_LAYOUT).encode()},
)
"""One row for each pair, missed word or false detection.

``image`` is the number in the names of the files. ``truth_*`` belong to the true word and are null
for a false detection. ``polygon``, ``text``, ``script`` and ``confidence`` belong to the detection.
They are null for a missed word and if the protocol has none. ``case_sensitive`` says whether a pair
is right to the letter. It is null if there is no pair.
"""


def require_suffix(path: Path) -> None:
    """Raise ConfigError if a path has none of the two suffixes."""
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"--details {path}: it must end in {' or '.join(SUFFIXES)}")


def write_outcomes(result: Result, path: Path) -> None:
    """Write all rows as one atomic file.

    Raises ConfigError for another suffix, and OSError with the path.
    """
    require_suffix(path)
    with atomic_write(path, consequence="details not written") as file:
        if path.suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(list(outcome_rows(result)), schema=SCHEMA), file, compression="zstd")
        else:
            for row in outcome_rows(result):
                file.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a true word, a detection, or a matched pair."""

    kind: str
    """One of OUTCOMES."""
    word: int | None
    """Row of the true word. None for a false detection, and for one over a don't-care word."""
    detection: int | None
    """Row of the detection. None for a missed word, and for a don't-care word."""
    exact: bool | None = None
    """Whether a pair is right to the letter. None if there is no pair."""


def word_outcomes(result: Result) -> Iterator[Outcome]:
    """Yield the outcome of every word and detection, image by image.

    Images have the order of the ground truth. Within an image, pairs and missed words come in the
    order of its file, then false detections.
    """
    matching = result.matching
    pairs: dict[int, list[tuple[int, int]]] = {}
    for pair, word, detection in zip(matching.matched.tolist(), matching.truth.tolist(), matching.detection.tolist(), strict=True):
        pairs.setdefault(word, []).append((pair, detection))
    unmatched = np.ones(len(result.detections), np.bool_)
    unmatched[matching.detection] = False
    others = np.flatnonzero(unmatched).tolist()
    words = range(len(result.truths))
    # Sort by image, then words (0) before unmatched detections (1), then by number.
    word_order = [(image, 0, word) for word, image in zip(words, result.truths.image.tolist(), strict=True)]
    other_order = [(image, 1, other) for other, image in zip(others, result.detections.image[unmatched].tolist(), strict=True)]
    for _, is_detection, number in sorted(word_order + other_order):
        if is_detection:
            yield Outcome("ignored" if matching.ignored[number] else "false", None, number)
        elif number not in pairs:
            yield Outcome("ignored" if result.truths.ignored[number] else "missed", number, None)
        else:
            for pair, detection in pairs[number]:
                yield Outcome("correct" if result.right[pair] else "misread", number, detection, bool(result.right_exactly[pair]))


def outcome_rows(result: Result) -> Iterator[dict[str, Any]]:
    """Yield rows of SCHEMA, in the order of ``word_outcomes``."""
    return (_row(result, outcome) for outcome in word_outcomes(result))


def _row(result: Result, outcome: Outcome) -> dict[str, Any]:
    truths, detections = result.truths, result.detections
    word, detection = outcome.word, outcome.detection
    image = truths.image[word] if word is not None else detections.image[detection]
    confidence = None if detection is None or detections.confidences is None else float(detections.confidences[detection])
    return {
        "image": truths.images[image],
        "outcome": outcome.kind,
        "case_sensitive": outcome.exact,
        **{f"truth_{name}": value for name, value in _columns(truths, word).items()},
        **_columns(detections, detection),
        "confidence": confidence,
    }


def _columns(words: WordColumns, word: int | None) -> dict[str, Any]:
    if word is None:
        return {"polygon": None, "text": None, "script": None}
    return {
        "polygon": words.polygons[word].tolist(),
        "text": words.texts[word] if len(words.texts) else None,
        "script": words.scripts[word] if len(words.scripts) else None,
    }
