"""The group cache: readings of banks, joined over seeds and sweeps."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from synthetic_storage import write_sweep

import raygroup
from raygroup.config import Grouping, Heads, Loss, Training, Trial
from raygroup.errors import ConfigError
from raygroup.history.group_readings import SCHEMA, read_group_readings, write_group_readings
from raygroup.runs.__main__ import main as runs
from raygroup.tables.sweep_choice import unfinished_reason, yardsticks

GROUPS = (("ar",), ("ar", "ko"))
TRIAL = Trial(
    heads=Heads(count=2), grouping=Grouping(method="cover", groups=GROUPS, base_coefficient=0.0), loss=Loss(grouping=0.0, task=0.0),
    training=Training(steps=60),
)  # fmt: skip
ROWS = [
    # head, group, task, word, exact, 1-NED, NLL
    (0, "ar", "ar", 4, True, 1.0, 0.5),
    (0, "ar", "ar", 7, False, 0.5, None),
    (1, "ar+ko", "ar", 4, False, 0.0, 1.5),
    (1, "ar+ko", "ar", 7, False, 0.25, None),
    (1, "ar+ko", "ko", 9, True, 1.0, 0.25),
]


def write_banks(storage, name, *trials):
    """Write a finished sweep of banks. The heads of seed 1 read every word 0.25 worse by 1-NED, where that is possible."""
    folder = write_sweep(storage, name, [(f"{place} seed={trial.seed}", trial) for place, trial in enumerate(trials)])
    stored = json.loads((folder / "sweep.json").read_text())
    (folder / "sweep.json").write_text(json.dumps(stored | {"trains_on": "group heads"}))
    for entry, trial in zip(stored["trials"], trials, strict=True):
        rows = [(*row[:3], "unseen", *row[3:5], max(0.0, row[5] - 0.25 * trial.seed), row[6], None) for row in ROWS]
        names = ("head", "group", "task", "split", "word", "exact", "one_minus_ned", "nll", "sent_to")
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        write_group_readings(folder / entry["id"] / "group_readings.parquet", columns)
        (folder / entry["id"] / "predictions.parquet").unlink()
    return folder


@pytest.fixture
def storage(tmp_path):
    write_banks(tmp_path, "banks", TRIAL, TRIAL.replaced("seed", 1))
    return tmp_path


def test_readings_of_the_layout_before_classifiers_are_read(tmp_path):
    path = tmp_path / "group_readings.parquet"
    older = pa.schema([field for field in SCHEMA if field.name != "sent_to"], metadata={b"raygroup": b"1"})
    values = [0, "ar", "ar", "new", 4, True, 1.0, None]
    pq.write_table(pa.table({name: [value] for name, value in zip(older.names, values, strict=True)}, schema=older), path)
    table = read_group_readings(path)
    assert table.schema.names == SCHEMA.names
    assert table.to_pylist() == [dict(zip(older.names, values, strict=True)) | {"sent_to": None}]


def test_scores_are_means_over_the_words_of_a_task(storage):
    cache = raygroup.read_group_cache(storage, "banks")
    rows = {(row["seed"], row["group"], row["task"]): row for row in cache.scores.to_pylist()}
    assert len(rows) == 6
    one = rows[0, "ar", "ar"]
    assert (one["split"], one["words"], one["accuracy"], one["one_minus_ned"], one["nll"]) == ("unseen", 2, 0.5, 0.75, 0.5)
    assert rows[0, "ar+ko", "ar"]["one_minus_ned"] == 0.125
    assert rows[1, "ar+ko", "ko"]["one_minus_ned"] == 0.75


def test_missing_groups_are_named_for_each_seed(storage):
    cache = raygroup.read_group_cache(storage, "banks")
    assert cache.seeds == (0, 1)
    assert len(cache.missing[0]) == 125, "of 127 groups of the seven tasks of the words"
    assert cache.missing[0][:2] == ("bn", "zh")
    assert not {"ar", "ar+ko"} & set(cache.missing[1])
    assert set(cache.groups_of(0)) == {"ar", "ar+ko"}


def test_values_of_words_have_an_axis_for_groups_seeds_and_words(storage):
    cache = raygroup.read_group_cache(storage, "banks")
    values = cache.word_values("ar", "unseen", "one_minus_ned", ("ar+ko", "ar"), (1, 0))
    assert values.tolist() == [[[0.0, 0.0], [0.0, 0.25]], [[0.75, 0.25], [1.0, 0.5]]]
    losses = cache.word_values("ar", "unseen", "nll", ("ar", "ko"), (0,))
    assert losses[0, 0, 0] == 0.5
    assert np.isnan(losses).tolist() == [[[False, True]], [[True, True]]], "no loss, and no head of ko alone"
    with pytest.raises(ConfigError, match="measure is 'f': it must be one of accuracy, one_minus_ned, nll"):
        cache.word_values("ar", "unseen", "f", ("ar",), (0,))


def test_a_group_that_two_sweeps_have_counts_once(storage):
    write_banks(storage, "more", TRIAL, TRIAL.replaced("seed", 2))
    cache = raygroup.read_group_cache(storage, ("banks", "more"))
    assert cache.seeds == (0, 1, 2)
    assert len(cache.words) == 15


def test_banks_of_another_recipe_are_refused_by_its_hash(storage):
    write_banks(storage, "longer", TRIAL.replaced("training.learning_rate", 0.5))
    recipes = [raygroup.read_group_cache(storage, name).recipe[:12] for name in ("banks", "longer")]
    with pytest.raises(ConfigError) as error:
        raygroup.read_group_cache(storage, ("banks", "longer"))
    assert f"their recipe is {recipes[0]} and {recipes[1]}; read one sweep at a time" in str(error.value)


def test_the_recipe_of_a_head_depends_neither_on_its_bank_nor_on_its_seed(storage):
    other = TRIAL.replaced("grouping.groups", (("ko",),)).replaced("heads.count", 1).replaced("seed", 5)
    write_banks(storage, "other", other)
    assert raygroup.read_group_cache(storage, "other").recipe == raygroup.read_group_cache(storage, "banks").recipe


def test_sweeps_without_finished_banks_are_refused(storage):
    write_sweep(storage, "groupings", [("a", Trial(heads=Heads(count=5), training=Training(steps=60)))])
    for name, message in (("groupings", "trains no group heads"), ("absent", "no sweep 'absent'")):
        with pytest.raises(ConfigError, match=message):
            raygroup.read_group_cache(storage, name)
    shutil.rmtree(next(path for path in (storage / "banks").iterdir() if path.is_dir()))
    assert raygroup.read_group_cache(storage, "banks").seeds in ((0,), (1,))


def test_a_sweep_of_banks_is_shown_as_such_and_chosen_by_no_table(storage, capsys):
    result = raygroup.read_sweep("banks", storage)
    assert [type(trial).__name__ for trial in result.trials] == ["BankTrialResult"] * 2
    assert result.best is None
    assert result.groupings == {}
    assert result.table()["unseen_accuracy"].to_pylist() == [0.5, 0.5], "the mean over ar: 1/2, ar of ar+ko: 0, and ko: 1"
    assert len(result.task_scores()) == 6
    assert result.history(every=30).column_names == ["trial", "seed", "step", "group", "nll"]
    assert unfinished_reason(result.stored) == "trains group heads"
    assert yardsticks([result.stored], result.stored.data) == {}
    with pytest.raises(ConfigError, match="trains group heads, not a grouping"):
        result.trials[0].stored.config()
    assert runs(["show", "banks", str(storage)]) == 0
    shown = capsys.readouterr().out
    assert "no bank is a grouping" in " ".join(shown.split())
    assert "seed 0: 2 of 127 groups of 7 tasks have a head; missing: bn, zh" in shown
    assert runs(["show", "banks", str(storage), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trials"][0]["group_heads"] == ["ar", "ar+ko"]
