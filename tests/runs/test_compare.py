"""``runs compare`` and its Python twin. The synthetic trials and their planted groupings are in ``synthetic_storage``."""

import json
import math
import shutil

import pytest
from synthetic_storage import fail_trial, start_trial, trials, write_storage, write_sweep

import raygroup
from raygroup.runs.__main__ import main
from raygroup.storage.sweeps import read_sweep


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    """Return a storage path to read only."""
    return write_storage(tmp_path_factory.mktemp("compare") / "runs")


def folders(storage, sweep):
    return [str(trial.folder) for trial in read_sweep(storage / sweep).trials]


def test_two_trials_show_what_differs_and_how_far_their_groupings_agree(storage, capsys):
    first, _, third, _ = folders(storage, "small")
    assert main(["compare", first, third]) == 0
    out = capsys.readouterr().out
    assert "grouping.base_coefficient" in out
    assert "ar+ko | bn | zh | hi+ja | la" in out
    assert "ar+ko | bn | zh+ja | hi | la" in out
    assert "pair agreement, mean over seeds: 0.90 (seed 0: 0.90;" in out  # 19 of 21 pairs: all but hi+ja and zh+ja
    assert "with 95 % intervals over words" in out


def test_trials_of_two_sweeps_correspond_by_seed_and_by_what_both_vary(storage):
    comparison = raygroup.compare("small", "small_control", storage)
    pairs = [(epsilon, seed) for epsilon in (0.0, 0.2) for seed in (0, 1)]
    assert [(pair.seed, pair.one) for pair in comparison.pairs] == [(seed, f"base_coefficient={eps} seed={seed}") for eps, seed in pairs]
    same = raygroup.compare("small", "small", storage)
    assert [pair.one == pair.other for pair in same.pairs] == [True] * 4
    assert same.agreement_by_seed == {0: 1.0, 1: 1.0}
    assert same.settings == ()


def test_settings_list_the_values_of_each_side(storage):
    settings = {setting.name: setting for setting in raygroup.compare("small", "small_control", storage).settings}
    assert settings.keys() == {"grouping.base_coefficient", "grouping.control"}
    assert settings["grouping.base_coefficient"].one == (0.0, 0.2)
    assert settings["grouping.control"].other == (True,)


def test_one_seed_has_intervals_over_words(storage):
    """Six tasks have one of two words right, Hindi none: 3/7. Two words of a task with scores 1 and 0 have the variance 1/2."""
    first, second, *_ = folders(storage, "small")
    (score,) = [score for score in raygroup.compare(first, second).scores if (score.split, score.measure) == ("unseen", "accuracy")]
    half = 1.959964 * math.sqrt(6 * (1 / 7) ** 2 * 0.5 / 2)
    assert score.one.mean == pytest.approx(3 / 7)
    assert (score.one.low, score.one.high) == pytest.approx((3 / 7 - half, 3 / 7 + half), abs=1e-6)
    assert (score.one.over, score.one.count) == ("words", 14)
    # Both trials read every word alike, so the difference has no spread, word by word.
    assert (score.difference.mean, score.difference.low, score.difference.high) == (0, 0, 0)


def test_several_seeds_have_intervals_over_seeds(storage):
    score = raygroup.compare("small", "small_control", storage).scores[0]
    assert (score.one.over, score.one.count, score.difference.over) == ("seeds", 2, "seeds")


def test_sweeps_of_different_storage_paths_are_given_as_folders(storage, tmp_path):
    shutil.copytree(storage, tmp_path / "elsewhere")
    assert raygroup.compare(str(storage / "small"), str(tmp_path / "elsewhere" / "small")).agreement == 1.0


def test_json_has_every_table(storage, capsys):
    assert main(["compare", "small", "small_control", "--json", "--storage-path", str(storage)]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["agreement_by_seed"].keys() == {"0", "1"}
    assert values["pairs"][0].keys() == {"seed", "one", "other", "one_grouping", "other_grouping", "agreement"}
    assert values["scores"][0]["difference"].keys() == {"mean", "low", "high", "over", "count"}


def test_a_sweep_without_a_finished_trial_cannot_be_compared(tmp_path, capsys):
    declared = trials((0.1,), control=False, seeds=(0,))
    folder = write_sweep(tmp_path, "half", declared, done=False)
    trial = read_sweep(folder).trials[0].folder
    start_trial(trial, "half", *declared[0])
    fail_trial(trial, "loss is nan", 3)
    assert main(["compare", "half", "half", "--storage-path", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "raygroup: half: no trial is done, so there is nothing to compare\n"


@pytest.mark.parametrize("name", ["smal l", "nowhere/small"])
def test_a_name_that_fits_nothing_is_one_clear_line(name, storage, capsys):
    assert main(["compare", name, "small", "--storage-path", str(storage)]) == 2
    error = capsys.readouterr().err
    assert name in error
    assert len(error.splitlines()) == 1
