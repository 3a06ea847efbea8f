"""What raygroup reads of a data set: counts by task and script, before anything is trained."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raygroup.words.charset import Charset
from raygroup.words.importing.bad_share import num_left_out, num_lost
from raygroup.words.importing.formats.detection import find_listing
from raygroup.words.importing.listed_rows import ReportProgress, ignore_progress
from raygroup.words.importing.report import Report, Tally
from raygroup.words.importing.rows import interpret_rows
from raygroup.words.importing.word_groups import WordGroup
from raygroup.words.word_store import open_word_store


@dataclass(frozen=True, kw_only=True)
class ReadLabels:
    """What the labels of a data set say. The images were not opened."""

    file: Path
    """The label file, the Parquet file, or the folder of Parquet files."""
    tasks: tuple[str, ...]
    script_tasks: tuple[str, ...]
    """Those of the tasks that words need because no other task knows their script."""
    report: Report
    """Words whose image may prove missing or unreadable count as kept."""


@dataclass(frozen=True, kw_only=True)
class WordsPreview:
    """The words of a data set by task and script, and the characters that are new to the universal head."""

    tasks: tuple[str, ...]
    """The tasks that a sweep on these words has."""
    report: Report
    charset: Charset
    """The characters that the universal head has seen."""
    images_opened: bool
    """False if labels alone were read, so that bad images are not counted yet."""

    @property
    def lost(self) -> int:
        """Return the number of words that are dropped, without those that are left out."""
        return num_lost(self._dropped)

    @property
    def left_out(self) -> int:
        """Return the number of don't-care marks and exact repeats."""
        return num_left_out(self._dropped)

    @property
    def lost_share(self) -> float:
        """Return the share of the listed words that are lost, from 0 to 1. What is left out does not count."""
        return self.lost / max(self.report.listed - self.left_out, 1)

    def unseen(self, group: WordGroup) -> dict[str, int]:
        """Return the characters of a group's kept words that the universal head has not seen: character -> occurrences."""
        unseen = self.charset.unsupported_characters(group.characters)
        return {character: count for character, count in group.characters.items() if character in unseen}

    def to_json(self) -> dict[str, Any]:
        """Return every number of the printed table."""
        return {
            "name": self.report.name, "tasks": list(self.tasks), "images_opened": self.images_opened,
            "listed": self.report.listed, "kept": self.report.kept, "dropped": self.lost, "left_out": self.left_out,
            "dropped_share": round(self.lost_share, 6), "reasons": self._dropped,
            "groups": [self._group_json(group) for group in self.report.groups], "notes": list(self.report.notes),
        }  # fmt: skip

    def _group_json(self, group: WordGroup) -> dict[str, Any]:
        return {
            "task": group.task, "script": group.script, "listed": group.listed, "kept": group.kept,
            "dropped": num_lost(group.dropped), "left_out": num_left_out(group.dropped), "reasons": group.dropped,
            "unseen_characters": self.unseen(group),
        }  # fmt: skip

    @property
    def _dropped(self) -> dict[str, int]:
        return {reason: words.count for reason, words in self.report.dropped.items()}


def read_labels(path: Path, tasks: tuple[str, ...], progress: ReportProgress = ignore_progress) -> ReadLabels:
    """Read the labels of a data set as an import with these requested tasks would.

    Raises ConfigError if the data set cannot be understood. It never refuses too many bad words.
    """
    listing = find_listing(path)
    tally = Tally(listing.name)
    rows = interpret_rows(listing, tasks, tally, progress)
    kept = np.flatnonzero(rows.usable)
    tally.keep(kept.tolist(), rows.words["label"].take(kept).to_pylist())
    return ReadLabels(file=listing.file, tasks=rows.tasks, script_tasks=tuple(sorted(rows.script_tasks)), report=tally.report())


def stored_preview(store: Path, charset: Charset) -> WordsPreview | None:
    """Return the preview of words that were imported into a word store.

    Returns None if the store does not exist, or if its report has no groups, as in version 0.2.0.
    """
    if not store.is_file():
        return None
    metadata = open_word_store(store).metadata
    report = Report.from_json(metadata.report)
    return WordsPreview(tasks=metadata.tasks, report=report, charset=charset, images_opened=True) if report.groups else None
