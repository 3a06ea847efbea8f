"""Table 5 from records whose readings, sizes and pairs are known. A trial of seed 0 reads one word in four, one of seed 1 two."""

import json
from dataclasses import replace

import pytest
from arranged_sweeps import write_arrangements, write_end_to_end, write_readings, write_stage3
from grouping_sweeps import CHARACTERS, write_head_counts, write_sized_heads
from synthetic_storage import write_sweep

from raygroup.config import Training, Trial, Words
from raygroup.costs import head_parameters, pruned_head_parameters
from raygroup.errors import ConfigError
from raygroup.paper import TABLE_5
from raygroup.reproduce import table5
from raygroup.storage.sweeps import read_sweep
from raygroup.tables.arrangements.rows import arranged_rows
from raygroup.tables.reproduced.table5 import table5_json
from raygroup.tables.reproduced.table5_report import table5_report
from raygroup.task_groups import TaskGroups


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    """Return a storage path with three arrangements at two seeds, to read only."""
    folder = tmp_path_factory.mktemp("runs")
    write_arrangements(folder)
    return folder


def trials_of(storage, name="arranged"):
    return read_sweep(storage / name).trials


def remarks(table):
    return "\n".join(table5_report(table).remarks)


def test_a_row_has_the_mean_and_the_spread_over_its_seeds(storage):
    """Accuracies of 1/4 and 2/4: mean 0.375, deviation 0.25 / sqrt(2)."""
    table = table5(storage)
    assert [str(row.arrangement) for row in table.rows] == ["One head for all tasks", "Grouped (2 heads)", "One head for each task"]
    for row in table.rows:
        for split in ("new", "unseen"):
            for measure in ("accuracy", "one_minus_ned"):
                spread = row.words(split, measure)
                assert (spread.mean, spread.sd, spread.count) == (0.375, pytest.approx(0.25 / 2**0.5), 2)
    assert [row.groups.mean for row in table.rows] == [1, 2, 7]


def test_sizes_are_those_of_all_heads_before_and_of_busy_heads_after_pruning(storage):
    one, _, each = table5(storage).rows
    whole = head_parameters(10, 8, sum(CHARACTERS) + 2, (24, 256))
    assert (one.parameters.mean, each.parameters.mean) == (whole, 7 * whole)
    assert one.pruned_parameters.mean == whole
    characters = [*CHARACTERS]
    characters[4] += CHARACTERS[2]  # a Japanese word may have Chinese characters
    assert each.pruned_parameters.mean == sum(pruned_head_parameters(10, 8, count, (24, 256)) for count in characters)


def test_the_papers_rows_stand_beside_the_same_arrangements(storage):
    table = table5(storage)
    assert [row.paper.method for row in table.rows] == ["Mask TextSpotter V3", "Grouped", "Multiplexed TextSpotter"]
    assert [str(one) for one in table.not_run] == [f"Grouped ({heads} heads)" for heads in range(3, 8)]
    sheet = table5_report(table).sheets[0]
    shown = [row[6] for row in sheet.rows]
    assert len(shown) == len(TABLE_5) == 12
    assert set(shown) == {row.label for row in TABLE_5}
    assert "Not run: grouped (3 heads), grouped (4 heads)" in remarks(table)
    assert "Stage 3 was not run: no finished trial goes on from those of arranged." in remarks(table)


def test_rows_have_end_to_end_scores_if_all_their_trials_read_the_same_scenes(tmp_path):
    write_arrangements(tmp_path)
    one, one_too, two, two_too, each, _ = trials_of(tmp_path)
    for trial, f in ((one, 0.3), (one_too, 0.4), (two, 0.5)):
        write_end_to_end(trial.folder, f)
    write_end_to_end(two_too.folder, 0.9, scenes="0the7")
    write_end_to_end(each.folder, 0.9, detector="0the7")
    rows = table5(tmp_path).rows
    spread = rows[0].end_to_end_spread("f")
    assert (spread.mean, spread.sd) == (pytest.approx(0.35), pytest.approx(0.1 / 2**0.5))
    assert rows[0].end_to_end_spread("precision").mean == pytest.approx(0.55)
    assert [row.end_to_end_spread("f") for row in rows[1:]] == [None, None]
    text = remarks(table5(tmp_path))
    assert "End to end: 12 scenes (5ce4e5) with 90 words, found by the detector de7ec7." in text
    assert "3 trials have no end-to-end scores on these scenes: count=2 method=gumbel seed=1" in text
    assert f"'python -m raygroup.reproduce table5 arranged --scenes FOLDER --storage-path {tmp_path}' makes them" in text


def test_a_damaged_score_file_is_named_with_the_way_out(tmp_path):
    write_arrangements(tmp_path)
    path = trials_of(tmp_path)[0].folder / "end_to_end.json"
    path.write_text(json.dumps({"layout": 1, "scenes": "a", "images": 1, "words": 1, "precision": 0.5, "recall": 0.5}))
    with pytest.raises(ConfigError, match=r"end_to_end\.json: damaged: it has no field 'f'; delete it, and 'python -m raygroup\.reproduce"):
        table5(tmp_path)


def test_stage_3_is_compared_with_the_very_trials_that_it_started_from(tmp_path):
    """One head gains nothing. Two heads gain a word in four at each seed. One head for each task gains one at seed 0 and two at seed 1."""
    write_arrangements(tmp_path)
    gained = {1: lambda seed: 0, 2: lambda seed: 1, 7: lambda seed: 1 + seed}
    write_stage3(tmp_path, "arranged", "fine", lambda trial: 1 + trial.seed + gained[trial.heads.count](trial.seed))
    table = table5(tmp_path, "arranged")
    none, two, each = (gain.differences["accuracy"] for gain in table.stage3.gains)
    assert (none.mean, none.low, none.high) == (0, 0, 0)
    assert (two.mean, two.low, two.high, two.p) == (0.25, 0.25, 0.25, None)
    half = 12.7062 * 0.125  # t(1) times the standard error of 0.25 and 0.5
    assert (each.mean, each.low, each.high) == (0.375, pytest.approx(0.375 - half, abs=1e-4), pytest.approx(0.375 + half, abs=1e-4))
    assert [(row.arrangement.heads, row.stage) for row in table.rows] == [(1, 2), (1, 3), (2, 2), (2, 3), (7, 2), (7, 3)]
    assert table.rows[3].words("unseen", "accuracy").mean == 0.625
    assert "Stage 3: 6 trials of the sweep fine go on from those of arranged." in remarks(table)
    beside = {row[:2]: row[6] for row in table5_report(table).sheets[0].rows}
    assert beside["Grouped (2 heads)", "2 grouping"] is None
    assert beside["Grouped (2 heads)", "3 fine-tuning"] == "Grouped (2 heads)"


def test_six_seeds_of_equal_gains_have_a_p_of_2_in_64(tmp_path):
    write_arrangements(tmp_path, seeds=range(6), num_read=lambda trial: 1)
    write_stage3(tmp_path, "arranged", "fine", lambda trial: 2)
    assert [gain.differences["one_minus_ned"].p for gain in table5(tmp_path).stage3.gains] == [2 / 64] * 3


def test_trials_that_were_tested_on_other_words_are_not_compared(tmp_path):
    write_arrangements(tmp_path)
    write_stage3(tmp_path, "arranged", "fine", lambda trial: 4)
    for trial in trials_of(tmp_path, "fine"):
        write_readings(trial.folder, 4, ending="x")
    table = table5(tmp_path)
    assert table.stage3.gains == ()
    assert "They were tested on other words than stage 2, so no difference is shown." in remarks(table)


def test_a_trial_with_several_of_stage_3_has_none(tmp_path):
    write_arrangements(tmp_path)
    folder = write_stage3(tmp_path, "arranged", "fine", lambda trial: 4)
    first, second, *_ = trials_of(tmp_path, "fine")
    start = json.loads((first.folder / "config.json").read_text())["start"]
    path = second.folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "start": start}))
    table = table5(tmp_path)
    assert table.stage3 is None
    assert table.why_no_stage3 == f"{folder.name} has several trials that go on from one trial of arranged"


def test_arrangements_are_compared_with_both_baselines_by_seed(tmp_path):
    """One head reads one word in four, two heads two, and one head for each task three."""
    write_arrangements(tmp_path, num_read=lambda trial: {1: 1, 2: 2, 7: 3}[trial.heads.count])
    gains = [
        (str(one.gain.arrangement), str(one.baseline), one.gain.differences["accuracy"].mean) for one in table5(tmp_path).baseline_gains
    ]
    assert gains == [
        ("Grouped (2 heads)", "One head for all tasks", 0.25),
        ("One head for each task", "One head for all tasks", 0.5),
        ("Grouped (2 heads)", "One head for each task", -0.25),
    ]


def test_a_named_sweep_may_be_half_done_and_says_what_is_missing(tmp_path):
    folder = write_arrangements(tmp_path)
    for trial in trials_of(tmp_path)[3:5]:
        (trial.folder / "DONE.json").unlink()
    with pytest.raises(ConfigError, match=r"arranged is unfinished \(4 of 6 trials done\)"):
        table5(tmp_path)
    text = remarks(table5(tmp_path, folder.name))
    assert "Not run: 2 of 6 trials. count=2 method=gumbel seed=1 (unfinished); count=7 method=one-per-task seed=0 (unfinished)." in text
    assert "Grouped (2 heads) lacks seed 1; one head for each task lacks seed 0." in text


def test_controls_are_left_out(tmp_path):
    base = Trial(training=Training(steps=60))
    counts = [(f"count={count}", base.replaced("heads.count", count)) for count in (1, 2)]
    write_sweep(tmp_path, "controlled", [*counts, ("control=True", base.replaced("heads.count", 3).replaced("grouping.control", True))])
    assert [str(one) for one in table5(tmp_path).arrangements] == ["One head for all tasks", "Grouped (2 heads)"]


def test_other_tasks_than_the_papers_have_no_row_of_the_paper_beside_them(storage):
    table = table5(storage)
    (row, *_) = arranged_rows([replace(trial, groups=TaskGroups((("th", 0), ("el", 0)), 1)) for trial in table.rows[0].trials], [])
    other = replace(table, rows=(row,))
    assert (row.paper, other.other_authors) == (None, ())
    assert [str(one) for one in other.not_run] == ["Grouped (2 heads)", "One head for each task"]
    assert [cells[6] for cells in table5_report(other).sheets[0].rows] == [None] * 3


def arranged(heads, method="gumbel", **changes):
    trial = Trial(training=Training(steps=60)).replaced("heads.count", heads).replaced("grouping.method", method)
    for path, value in changes.items():
        trial = trial.replaced(path.replace("__", "."), value)
    return trial


@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        ((arranged(1), arranged(1, seed=1)), r"has only one arrangement of heads \(One head for all tasks\): vary heads.count"),
        ((arranged(2), arranged(3)), "has neither one head .* nor one head for each task"),
        ((arranged(1), arranged(2, words=Words(tasks=("ar", "bn"), characters=(3, 4)))), "varies words.tasks"),
        ((arranged(1), arranged(2), arranged(2, grouping__base_coefficient=0.1)), "varies more than seeds within one arrangement"),
        ((arranged(1), arranged(2, training__batch=7)), "varies more than heads.count, the grouping and seeds"),
        ((arranged(1), arranged(2, heads__embed=(8, 9))), "has heads of different sizes"),
    ],
)
def test_a_sweep_that_does_not_fit_is_refused_with_the_reason(tmp_path, trials, reason):
    write_sweep(tmp_path, "odd", [(f"point={number}", trial) for number, trial in enumerate(trials)])
    with pytest.raises(ConfigError, match=f"odd {reason}"):
        table5(tmp_path, "odd")


def test_a_sweep_of_stage_3_stands_for_the_sweep_that_it_goes_on_from(tmp_path):
    write_arrangements(tmp_path)
    write_stage3(tmp_path, "arranged", "fine", lambda trial: 4)
    table = table5(tmp_path, "fine")
    assert table.sweep.name == "arranged"
    assert table.stage3.sweep.name == "fine"


def test_sweeps_for_other_tables_are_passed_over(tmp_path):
    write_head_counts(tmp_path)
    write_sized_heads(tmp_path)
    with pytest.raises(ConfigError, match="counts has neither one head .*; sizes has only one arrangement of heads"):
        table5(tmp_path)


def test_the_json_has_every_trial_with_its_pair(tmp_path):
    write_arrangements(tmp_path, seeds=(0,))
    write_stage3(tmp_path, "arranged", "fine", lambda trial: 4)
    values = table5_json(table5(tmp_path))
    assert json.loads(json.dumps(values)) == values
    pairs = [(trial["start"], trial["trial"].partition("/")[0]) for trial in values["trials"] if trial["stage"] == 3]
    assert pairs == [(f"arranged/{trial.id}", "fine") for trial in trials_of(tmp_path)]
    assert values["rows"][0]["words"]["unseen"]["accuracy"] == {"mean": 0.25, "sd": None, "seeds": 1}
    assert "One seed says nothing about other seeds" in remarks(table5(tmp_path))
