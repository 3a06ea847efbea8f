"""Several label files that are one data set, such as those of its training and its test part."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raygroup.words.importing.formats.parts import assign_splits, part_of
from raygroup.words.importing.image_files import NoImage
from raygroup.words.importing.listed_rows import ListedRows, Listing, ReportProgress, ignore_progress


@dataclass(frozen=True)
class JoinedListings:
    """Label files of one format in a folder or in folders below it."""

    file: Path
    """The folder."""
    members: tuple[Listing, ...]
    notes: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        return self.file

    @property
    def name(self) -> str:
        return self.file.resolve().name

    def rows(self, progress: ReportProgress = ignore_progress) -> ListedRows:
        """Return the rows of all files, in the order of the files.

        ``member`` is the number of the file, ``number`` the line in it, and ``line`` a text for people
        with both. If the names of the files or folders name several parts, these give the splits.
        """
        listed = [member.rows(progress) for member in self.members]
        tables = [self._marked(number, rows.table) for number, rows in enumerate(listed)]
        notes = [f"{self._label(member)}: {note}" for member, rows in zip(self.members, listed, strict=True) for note in rows.notes]
        columns = frozenset[str]().union(*(rows.columns for rows in listed))
        joined = ListedRows(pa.concat_tables(tables), columns, (*self.notes, *notes))
        parts = [part_of(self._label(self.members[number]), with_base=True) for number in joined.table["member"].to_pylist()]
        return assign_splits(joined, parts, lambda row: self.place(joined.table, row))

    def place(self, rows: pa.Table, row: int) -> str:
        member = self.members[rows["member"][row].as_py()]
        line = rows.slice(row, 1)
        line = line.set_column(line.schema.get_field_index("line"), "line", line["number"])
        return f"{_prefix(member.root, self.root)}{member.place(line, 0)}"

    def image_keys(self, rows: pa.Table) -> pa.Array | None:
        keys = [member.image_keys(rows.slice(start, count)) for member, start, count in self._ranges(rows)]
        prefixes = [_prefix(member.root, self.root) for member in self.members]
        texts = [f"{prefix}{key}" for prefix, part in zip(prefixes, keys, strict=True) if part is not None for key in part.to_pylist()]
        return pa.array(texts, pa.string()) if None not in keys else None

    def images(self, rows: pa.Table, wanted: NDArray[np.bool_]) -> Iterator[list[bytes | NoImage | None]]:
        """Yield the bytes of every row's image in blocks, one file after the other."""
        for member, start, count in self._ranges(rows):
            yield from member.images(rows.slice(start, count), wanted[start : start + count])

    def fingerprint(self, progress: ReportProgress = ignore_progress) -> str:
        """Return the SHA-256 of the files' names, which may give splits, and of their fingerprints."""
        lines = [f"{self._label(member)} {member.fingerprint(progress)}" for member in self.members]
        return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()

    def _label(self, member: Listing) -> str:
        return member.file.relative_to(self.root).as_posix()

    def _marked(self, number: int, table: pa.Table) -> pa.Table:
        """Return a table with the number of its file, and lines that name the file."""
        label = self._label(self.members[number])
        lines = pa.array([f"{line} of {label}" for line in table["line"].to_pylist()], pa.string())
        table = table.append_column("member", pa.array(np.full(table.num_rows, number, np.int32)))
        table = table.append_column("number", table["line"])
        return table.set_column(table.schema.get_field_index("line"), "line", lines)

    def _ranges(self, rows: pa.Table) -> Sequence[tuple[Listing, int, int]]:
        """Return each file with its first row and the number of its rows."""
        counts = np.bincount(rows["member"].to_numpy(), minlength=len(self.members)).tolist()
        starts = np.cumsum([0, *counts]).tolist()
        return [(member, starts[number], counts[number]) for number, member in enumerate(self.members)]


def _prefix(folder: Path, root: Path) -> str:
    """Return the path of a folder below another, with a slash, or ""."""
    path = folder.relative_to(root).as_posix()
    return "" if path == "." else f"{path}/"
