"""A language later, from the command to the report: a bank goes on from the heads of a finished trial, with one more task."""

import json

import pytest

import raygroup
from raygroup import sweep
from raygroup.choose.__main__ import main as choose
from raygroup.errors import ConfigError
from raygroup.history.group_readings import read_group_readings
from raygroup.runtime.planning.plan import load_plan
from raygroup.scoring.predictions import read_predictions
from raygroup.scoring.word_accuracy import one_minus_ned

SPACE = '''
"""Hypothesis: none; a few steps on a few words."""

from raygroup.config import Grouping, Heads, Loss, Training, Trial, Words
from raygroup.search_space import Sweep

few = dict(words_per_task=12, unseen_per_task=3, renders=2)
before = Sweep(
    name="before",
    trial=Trial(
        words=Words(tasks=("ar", "la"), characters=(20, 20), **few),
        heads=Heads(count=2),
        grouping=Grouping(method={method!r}, groups={before!r}, base_coefficient=0.0),
        training=Training(steps=10, batch=8, checkpoint_every=10),
    ),
    seeds=(0, 1),
)
groups = {groups!r}
sweep = Sweep(
    name="later",
    after=before,
    trial=Trial(
        words=Words(tasks=("ar", "la", "hi"), characters=(20, 20, 20), **few),
        heads=Heads(count=len(groups), start={start!r}, hidden={hidden}),
        grouping=Grouping(method="cover", groups=groups, base_coefficient=0.0),
        loss=Loss(grouping=0.0, task=0.0),
        training=Training(steps=10, batch=8, checkpoint_every=10),
    ),
)
'''
BANK = (("ar",), ("la",), ("ar", "hi"), ("la", "hi"), ("hi",))


def space(folder, groups=BANK, start="trained", hidden=64, method="explicit", before=(("la",), ("ar",))):
    path = folder / "later.py"
    path.write_text(SPACE.format(groups=groups, start=start, hidden=hidden, method=method, before=before))
    return str(path)


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """Return the arguments of a sweep of both stages that has run once."""
    folder = tmp_path_factory.mktemp("later")
    arguments = [space(folder), "--local", "--storage-path", str(folder / "runs")]
    assert sweep.main(arguments) == 0
    return arguments


def trial_of(name, command):
    return raygroup.read_sweep(name, command[-1]).done[0]


def test_the_old_heads_read_as_in_the_trial_before(command):
    readings = read_group_readings(trial_of("later", command).folder / "group_readings.parquet").to_pylist()
    predicted = read_predictions(
        trial_of("before", command).folder / "predictions.parquet", ("task", "text", "reading_by_true_task")
    ).to_pylist()
    for task in ("ar", "la"):
        kept = [row["one_minus_ned"] for row in readings if row["group"] == task == row["task"]]
        before = [one_minus_ned(row["text"], row["reading_by_true_task"]) for row in predicted if row["task"] == task]
        assert kept == pytest.approx(before)
        assert len(kept) == 12 + 3
        assert len(set(kept)) > 2, "the words are not all read alike"


def test_the_bank_has_the_characters_of_the_new_task_and_names_its_start(command):
    trial = trial_of("later", command)
    config = json.loads((trial.folder / "config.json").read_text())
    assert config["start"] == f"before/{trial_of('before', command).folder.name}"
    assert config["weights"] == "laptop"
    assert set(read_group_readings(trial.folder / "group_readings.parquet")["group"].unique().to_pylist()) == {
        "ar", "la", "ar+hi", "hi+la", "hi",
    }  # fmt: skip


def test_choose_answers_from_the_bank(command, tmp_path, capsys):
    assert choose(["later", "--add", "hi", "--storage-path", command[-1], "--out", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "hi comes to ar | la: " in shown
    assert "the old heads were kept as they were" in shown
    added = raygroup.add_task("hi", command[-1])
    assert added.goes_on
    assert added.runs == 2, "one after each trial before"
    assert {option.name for option in added.options} == {"open a head", "attach to ar", "attach to la"}


def test_a_finished_sweep_trains_nothing_again_and_says_what_answers(command, capsys):
    finished = [(trial_of(name, command).folder / "DONE.json").read_bytes() for name in ("before", "later")]
    assert sweep.main(command) == 0
    assert "where a new task belongs: python -m raygroup.choose later --add TASK" in " ".join(capsys.readouterr().out.split())
    assert [(trial_of(name, command).folder / "DONE.json").read_bytes() for name in ("before", "later")] == finished


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"groups": (("ar", "la", "hi"),)}, r"ar\+hi\+la goes on from no head of the trial before, whose groups are ar \| la"),
        ({"hidden": 32}, "heads.embed and heads.hidden are 32 and 32: they must be those of the heads before"),
        ({"start": "universal"}, "later: a Trial cannot come after the Trial of before"),
    ],
)
def test_a_bank_that_cannot_go_on_is_refused_before_training(settings, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        load_plan(space(tmp_path, **settings), tmp_path / "runs")


def test_a_bank_that_goes_on_from_nothing_is_refused(tmp_path):
    path = tmp_path / "later.py"
    path.write_text((tmp_path / space(tmp_path).rpartition("/")[2]).read_text().replace("after=before,", ""))
    with pytest.raises(ConfigError, match="a bank of group heads needs the sweep from whose heads it goes on: set after"):
        load_plan(str(path), tmp_path / "runs")


def test_another_trial_before_makes_another_bank(tmp_path):
    one = load_plan(space(tmp_path), tmp_path / "runs").jobs[0].id
    other = load_plan(space(tmp_path, before=(("ar",), ("la",))), tmp_path / "runs").jobs[0].id
    assert one != other
