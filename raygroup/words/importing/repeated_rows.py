"""Find rows that name an image again.

An equal row counts once. Rows that contradict each other are all left out, because nobody can tell
which of them is right.
"""

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from raygroup.words.importing.reasons import CONTRADICTED, REPEATED
from raygroup.words.importing.report import Tally

_COMPARED = ("label", "task", "split")


def drop_repeated_rows(
    keys: pa.Array, words: pa.Table, lines: pa.ChunkedArray, usable: NDArray[np.bool_], place: Callable[[int], str], tally: Tally
) -> None:
    """Clear ``usable`` for rows that repeat or contradict another usable row, and count them.

    ``keys`` name the image of each row.
    """
    numbers = lines.to_pylist()
    for rows in _rows_of_one_image(keys, usable):
        meanings = words.select([*_COMPARED]).take(pa.array(rows)).to_pylist()
        if all(meaning == meanings[0] for meaning in meanings):
            tally.drop(REPEATED, rows[1:], functools.partial(_repetition, place, numbers[rows[0]]))
            usable[rows[1:]] = False
        else:
            notes = {row: _contradiction(number, rows, meanings, numbers) for number, row in enumerate(rows)}
            tally.drop(CONTRADICTED, rows, functools.partial(_with_note, place, notes))
            usable[rows] = False


def _repetition(place: Callable[[int], str], first_line: int, row: int) -> str:
    return f"{place(row)} (as in line {first_line})"


def _with_note(place: Callable[[int], str], notes: dict[int, str], row: int) -> str:
    return f"{place(row)} {notes[row]}"


def _rows_of_one_image(keys: pa.Array, usable: NDArray[np.bool_]) -> Iterable[list[int]]:
    """Return the usable rows of each image that has more than one, in the order of their first."""
    counted = keys.filter(pa.array(usable)).value_counts()
    several = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
    if not len(several):
        return []
    rows_of: defaultdict[str, list[int]] = defaultdict(list)
    candidates = np.flatnonzero(usable & pc.is_in(keys, several).to_numpy(zero_copy_only=False))
    for row, key in zip(candidates.tolist(), keys.take(pa.array(candidates)).to_pylist(), strict=True):
        rows_of[key].append(row)
    return rows_of.values()


def _contradiction(number: int, rows: list[int], meanings: list[dict[str, str | None]], lines: list[int]) -> str:
    """Say what a row means, and which line means something else."""
    other = next(place for place, meaning in enumerate(meanings) if meaning != meanings[number])
    name = next(name for name in _COMPARED if meanings[other][name] != meanings[number][name])
    return f"{meanings[number][name]!r} (line {lines[rows[other]]}: {meanings[other][name]!r})"
