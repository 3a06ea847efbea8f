"""The results of banks of group heads, read from their records."""

import functools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raygroup.config import Trial
from raygroup.config_sections import fingerprint, result_fields
from raygroup.errors import ConfigError, DamagedFileError
from raygroup.history.group_readings import read_group_readings
from raygroup.storage.layout import GROUP_READINGS_FILE
from raygroup.tables.history_rows import kept_steps, varied_fields
from raygroup.tables.trial_result import TESTED_SPLITS, TrialResult
from raygroup.task_groups import TaskGroups, group_text

MEASURES = ("accuracy", "one_minus_ned", "nll")


class BankTrialResult(TrialResult):
    """One bank of group heads.

    It is evidence for groupings, but has none: the properties of a grouping and its predictions raise ConfigError.
    """

    @functools.cached_property
    def settings(self) -> Trial:
        """The complete settings of the trial."""
        return self.stored.bank_settings()

    @property
    def has_grouping(self) -> bool:
        return False

    @property
    def group_names(self) -> tuple[str, ...]:
        """The group of each head, such as ``ar+ko``."""
        return tuple(map(group_text, self.settings.grouping.groups))

    @property
    def recipe(self) -> str:
        """The hash of everything that decides a head apart from its group, the seed and the data."""
        trial = self.settings.replaced("seed", 0)
        fields = result_fields(trial)
        del fields["heads"]["count"], fields["grouping"]["groups"]
        fields["heads"] |= {"embed": trial.heads.embeds[0], "hidden": trial.heads.hiddens[0]}  # one size for all heads
        return fingerprint(trial.recipe_version, fields)

    @functools.cached_property
    def all_readings(self) -> pa.Table:
        """How each head reads test words: the columns of ``history.group_readings``."""
        return read_group_readings(self.folder / GROUP_READINGS_FILE)

    @property
    def has_classifier(self) -> bool:
        """Return True if the bank trained a task classifier, so that heads also read the words that it sends to them."""
        return self.settings.loss.task > 0

    @functools.cached_property
    def readings(self) -> pa.Table:
        """The readings of words of the head's own tasks."""
        return self._where_group_has("task") if self.has_classifier else self.all_readings

    @functools.cached_property
    def sent_readings(self) -> pa.Table:
        """The readings of words that the classifier sends to the head's tasks. No rows for a bank without a classifier."""
        return self._where_group_has("sent_to") if self.has_classifier else self.all_readings.slice(0, 0)

    def _where_group_has(self, column: str) -> pa.Table:
        """Return the readings by heads whose group has the task in a column."""
        readings = self.all_readings
        is_kept = pa.chunked_array([pa.repeat(False, len(readings))])
        for task in readings[column].unique().to_pylist():
            names = [group_text(group) for group in self.settings.grouping.groups if task in group]
            has_task = pc.is_in(readings["group"], pa.array(np.array(names, object), pa.string()))
            is_kept = pc.or_(is_kept, pc.and_(pc.equal(readings[column], task), has_task))
        return readings.filter(is_kept)

    @functools.cached_property
    def damage(self) -> str | None:
        """The damage of a finished trial's records, with the way out. None if they can be read."""
        try:
            _ = (self.settings, self.history, self.readings, self.word_facts)
        except DamagedFileError as error:
            return str(error)
        return None

    @functools.cached_property
    def predictions(self) -> pa.Table:
        raise ConfigError(f"{self.folder}: is a bank of group heads: it has {GROUP_READINGS_FILE}, and no predictions")

    @property
    def groups(self) -> TaskGroups:
        raise ConfigError(f"{self.folder}: is a bank of group heads, and no grouping")

    def mean_score(self, split: str, measure: str) -> float | None:
        """Return the mean over all heads and tasks of one of MEASURES. None if no word of the split was read."""
        rows = group_scores(self.readings).filter(pc.equal(pc.field("split"), split))
        mean = pc.mean(rows[measure]).as_py()
        return None if mean is None else float(mean)

    @property
    def mean_scores(self) -> dict[str, float]:
        """The means over heads and tasks, such as ``unseen_accuracy``, as far as there are words."""
        means = {f"{split}_{measure}": self.mean_score(split, measure) for split in TESTED_SPLITS for measure in MEASURES}
        return {name: value for name, value in means.items() if value is not None}


def group_scores(readings: pa.Table, keys: Sequence[str] = ()) -> pa.Table:
    """Return the mean scores of each group, task and split, in the order of the readings.

    ``words`` counts the test words. ``keys`` are further columns by which words are told apart, such as the seed.
    """
    by = [*keys, "group", "task", "split"]
    values = readings.set_column(readings.column_names.index("exact"), "exact", pc.cast(readings["exact"], pa.float64()))
    means = values.group_by(by, use_threads=False).aggregate(
        [("word", "count"), ("exact", "mean"), ("one_minus_ned", "mean"), ("nll", "mean")]
    )
    return means.select([*by, "word_count", "exact_mean", "one_minus_ned_mean", "nll_mean"]).rename_columns([*by, "words", *MEASURES])


def bank_table(trials: Sequence[BankTrialResult]) -> pa.Table:
    """Return one row for each bank: the varied fields, its groups, and the means over its heads and their tasks."""
    settings = [trial.settings for trial in trials]
    columns: dict[str, object] = {"trial": [trial.label for trial in trials], **varied_fields(settings)}
    columns |= {
        "seed": [each.seed for each in settings], "group_heads": pa.array([trial.group_names for trial in trials], pa.list_(pa.string())),
    }  # fmt: skip
    for split in TESTED_SPLITS:
        for measure in MEASURES:
            columns[f"{split}_{measure}"] = pa.array([trial.mean_score(split, measure) for trial in trials], pa.float64())
    return pa.table(columns | {"training_s": [trial.training_s for trial in trials]})


def bank_task_table(trials: Sequence[BankTrialResult]) -> pa.Table:
    """Return one row for each bank, group, task and split, with the mean scores of its words."""
    tables = [group_scores(trial.readings) for trial in trials]
    labelled = [table.add_column(0, "trial", [[trial.label] * len(table)]) for trial, table in zip(trials, tables, strict=True)]
    return pa.concat_tables(labelled) if labelled else pa.table({"trial": pa.array([], pa.string())})


def bank_history_rows(trials: Sequence[BankTrialResult], every: int = 1) -> pa.Table:
    """Return one row for each bank, step and head: its group, and its mean loss over all words of the step."""
    tables = []
    for trial in trials:
        history = trial.history
        rows = kept_steps(len(history.step), every)
        heads = history.heads
        tables.append(
            pa.table(
                {
                    "trial": [trial.label] * (len(rows) * heads), "seed": [trial.settings.seed] * (len(rows) * heads),
                    "step": history.step[rows].repeat(heads), "group": [*trial.group_names] * len(rows),
                    "nll": history.nll_m[rows].reshape(-1),
                }
            )
        )  # fmt: skip
    return pa.concat_tables(tables) if tables else pa.table({"trial": pa.array([], pa.string())})
