"""A sweep of banks of group heads, from the command to the tables."""

import json
from pathlib import Path

import pytest

import raygroup
from raygroup import sweep
from raygroup.export.__main__ import main as export
from raygroup.history.group_readings import read_group_readings
from raygroup.report.__main__ import main as report
from raygroup.runs.__main__ import main as runs

SPACE = '''
"""Hypothesis: none; a few steps on a few words."""

from raygroup.config import Grouping, Heads, Loss, Training, Trial, Words
from raygroup.search_space import Sweep
from raygroup.task_groups import group_banks

BANKS = group_banks(("ar", "hi", "la"), 4)
sweep = Sweep(
    name="banks",
    trial=Trial(
        words=Words(tasks=("ar", "hi", "la"), characters=(20, 20, 20), words_per_task=12, unseen_per_task=3, renders=2),
        grouping=Grouping(method="cover", groups=BANKS[0], base_coefficient=0.0),
        loss=Loss(grouping=0.0, task=0.0),
        training=Training(steps=20, batch=8, checkpoint_every=10),
    ),
    grid={"heads.count,grouping.groups": tuple((len(bank), bank) for bank in BANKS)},
)
'''


@pytest.fixture(scope="module")
def command(tmp_path_factory) -> list[str]:
    """Return the arguments of a sweep of two banks that has run once."""
    folder = tmp_path_factory.mktemp("banks")
    (folder / "banks.py").write_text(SPACE)
    arguments = [str(folder / "banks.py"), "--local", "--storage-path", str(folder / "runs")]
    assert sweep.main(arguments) == 0
    return arguments


@pytest.fixture
def storage(command) -> Path:
    return Path(command[-1])


def test_every_group_of_three_tasks_has_a_head_that_reads_the_words_of_its_tasks(storage):
    cache = raygroup.read_group_cache(storage, "banks")
    assert set(cache.groups_of(0)) == {"ar", "hi", "la", "ar+hi", "ar+la", "hi+la", "ar+hi+la"}
    assert cache.missing == {0: ()}
    words = {(row["group"], row["task"]): row["words"] for row in cache.scores.to_pylist() if row["split"] == "unseen"}
    assert {(group, task) for group, task in words if task not in group.split("+")} == set()
    assert len(words) == 3 + 3 * 2 + 3
    assert words["ar", "ar"] == words["ar+hi+la", "ar"] > 0


def test_a_bank_has_readings_of_its_groups_and_no_predictions(storage):
    for trial in raygroup.read_sweep("banks", storage).trials:
        assert not (trial.folder / "predictions.parquet").exists()
        assert set(read_group_readings(trial.folder / "group_readings.parquet")["group"].unique().to_pylist()) == set(trial.group_names)


def test_a_finished_sweep_of_banks_trains_nothing_again(command, storage, capsys):
    finished = [(trial.folder / "DONE.json").read_bytes() for trial in raygroup.read_sweep("banks", storage).trials]
    capsys.readouterr()
    assert sweep.main(command) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "no bank is a grouping" in printed
    assert "seed 0: 7 of 7 groups of 3 tasks have a head" in printed
    assert [(trial.folder / "DONE.json").read_bytes() for trial in raygroup.read_sweep("banks", storage).trials] == finished
    assert sweep.main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["best"] is None


def test_an_unfinished_bank_names_the_groups_that_are_missing(command, storage, tmp_path, capsys):
    import shutil

    shutil.copytree(storage, tmp_path / "runs")
    trial = raygroup.read_sweep("banks", tmp_path / "runs").trials[0]
    names = trial.group_names
    (trial.folder / "DONE.json").unlink()
    assert raygroup.read_group_cache(tmp_path / "runs", "banks").missing == {0: tuple(sorted(names, key=lambda name: (len(name), name)))}
    assert sweep.main([*command[:-1], str(tmp_path / "runs")]) == 0
    assert raygroup.read_group_cache(tmp_path / "runs", "banks").missing == {0: ()}


def test_a_bank_is_neither_exported_nor_compared_but_reported(storage, tmp_path, capsys):
    assert export(["banks:count=3", str(tmp_path / "out"), "--storage-path", str(storage)]) == 2
    assert "trains group heads, not a grouping" in capsys.readouterr().err
    assert runs(["compare", "banks", "banks", str(storage)]) == 2
    assert "trains group heads, not a grouping" in capsys.readouterr().err
    assert report(["banks", "--storage-path", str(storage), "--out", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    assert "Banks of group heads are not shipped: they are evidence for groupings." in page
