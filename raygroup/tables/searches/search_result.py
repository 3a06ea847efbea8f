"""The result of a search of head sizes, for Python."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from raygroup.files.places import Place
from raygroup.storage.sweeps import read_sweep
from raygroup.tables.searches.size_points import SizePoint, SizePoints, size_points
from raygroup.tables.searches.size_report import size_points_json, size_report
from raygroup.tables.sheets.sheet_formats import arrow_table
from raygroup.tables.sweep_result import SweepResult


@dataclass(frozen=True)
class SizeSearchResult(SweepResult):
    """A search and its declared trials. It is a ``SweepResult`` that also knows the points of the search."""

    @functools.cached_property
    def points(self) -> SizePoints:
        """The finished points, and those that failed."""
        return size_points(self.stored)

    @property
    def front(self) -> tuple[SizePoint, ...]:
        """The points that no other point beats in accuracy and parameters, the smallest first."""
        return self.points.front

    def front_table(self) -> pa.Table:
        """Return the front, one row for each point: parameters, accuracy with its interval, and sizes."""
        return arrow_table(size_report(self.points).sheets[0])

    def to_json(self) -> dict[str, object]:
        """Return what ``SweepResult.to_json`` does, and the points under ``search``."""
        return super().to_json() | {"search": size_points_json(self.points)}


def size_search_result(folder: Place, run_failures: Mapping[str, str] | None = None) -> SizeSearchResult:
    """Return the result of the search in a folder, with the reasons of trials that just failed, by id."""
    plain = SweepResult.of(read_sweep(folder), run_failures)
    return SizeSearchResult(plain.stored, plain.trials, plain.run_failures)
