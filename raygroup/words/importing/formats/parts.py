"""Give words the splits that the parts of a data set, train, val and test, ask for."""

from collections import Counter
from collections.abc import Callable, Sequence

import pyarrow as pa

from raygroup.errors import ConfigError
from raygroup.words.importing.listed_rows import ListedRows
from raygroup.words.labels import normalise
from raygroup.words.part_names import parts_of


def part_of(path: str, *, with_base: bool = False) -> str | None:
    """Return the one part that a path names, or None. ``with_base`` counts the file's own name."""
    parts = parts_of(path, with_base=with_base)
    return next(iter(parts)) if len(parts) == 1 else None


def assign_splits(listed: ListedRows, parts: Sequence[str | None], place: Callable[[int], str]) -> ListedRows:
    """Return the rows with the splits that their parts ask for.

    Words of the part train get ``train``. Words of val and test get ``new`` if train has the word
    too, else ``unseen``. Nothing changes if all rows are of one part, or if a column gives splits,
    which a note says. Raises ConfigError if only some rows have a part.
    """
    named = sorted({part for part in parts if part is not None})
    if len(named) < 2:
        return listed
    if listed.table["split"].null_count < listed.table.num_rows:
        return listed._replace(notes=(*listed.notes, f"the column 'split' decides, not the names of {' and '.join(named)}"))
    if None in parts:
        with_part = next(row for row, part in enumerate(parts) if part is not None)
        raise ConfigError(f"{place(parts.index(None))}: its path names no part (train, val, test), but the path of {place(with_part)} does")
    labels = [normalise(text or "") for text in listed.table["text"].to_pylist()]
    known = {label for label, part in zip(labels, parts, strict=True) if part == "train"}
    splits = [_split(part, label in known) for label, part in zip(labels, parts, strict=True)]
    index = listed.table.schema.get_field_index("split")
    counts = ", ".join(f"{count} {split}" for split, count in sorted(Counter(splits).items()))
    note = f"the names of {' and '.join(named)} give the splits: {counts}"
    table = listed.table.set_column(index, "split", pa.chunked_array([splits], pa.string()))
    return listed._replace(table=table, notes=(*listed.notes, note))


def _split(part: str | None, is_known: bool) -> str:
    if part == "train":
        return "train"
    return "new" if is_known else "unseen"
