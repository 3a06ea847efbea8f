"""A trial is read, and goes on, only from a folder whose settings give its name."""

import json
import shutil

import pytest
from synthetic_storage import DATA, trials, write_storage

from raygroup.config import RECIPE_VERSION, trial_id
from raygroup.config_sections import to_json
from raygroup.errors import OtherTrialError
from raygroup.reproduce import main as reproduce
from raygroup.runs.__main__ import main as runs
from raygroup.storage.identity import require_own_settings, without_rendering
from raygroup.storage.sweeps import read_sweeps
from raygroup.tables.sweep_result import read_sweep

LABEL, TRIAL = trials((0.1,), control=False)[0]


@pytest.mark.parametrize("variant", [TRIAL, without_rendering(TRIAL)])
@pytest.mark.parametrize("recipe", range(1, RECIPE_VERSION + 1))
def test_settings_give_the_name_of_their_folder_also_under_an_earlier_recipe(tmp_path, variant, recipe):
    folder = tmp_path / trial_id("two-words", variant, DATA, recipe)
    require_own_settings(folder, folder / "config.json", to_json(TRIAL), DATA)


@pytest.mark.parametrize("name", ["third", trial_id("s", TRIAL.replaced("seed", 7), DATA), trial_id("s", TRIAL, "other data")])
def test_settings_of_another_trial_are_refused_with_the_folder_and_both_names(tmp_path, name):
    with pytest.raises(OtherTrialError) as error:
        require_own_settings(tmp_path / name, tmp_path / name / "config.json", to_json(TRIAL), DATA)
    assert str(tmp_path / name / "config.json") in str(error.value)
    assert f"folder is that of trial {name}" in str(error.value)
    assert trial_id("s", TRIAL, DATA).removeprefix("s") in str(error.value)


@pytest.fixture
def swapped(tmp_path):
    """A storage path on which the folders of two finished trials have changed names."""
    storage = write_storage(tmp_path / "runs")
    first, second = (trial.folder for trial in read_sweeps(storage)[0].trials[:2])
    spare = first.with_name("spare")
    first.rename(spare)
    second.rename(first)
    spare.rename(second)
    return storage, first, second


def test_show_names_swapped_folders_and_gives_no_numbers_for_them(swapped, capsys):
    storage, first, second = swapped
    assert runs(["show", "small", str(storage), "--json"]) == 0
    out, err = capsys.readouterr()
    one, two, three, _ = json.loads(out)["trials"]
    assert [trial["steps"] for trial in (one, two, three)] == [None, None, 60]
    assert f"{first}/config.json has the settings of trial {second.name}, but its folder is that of trial {first.name}" in err
    assert f"{second}/config.json has the settings of trial {first.name}" in err


def test_reproduce_and_the_python_api_refuse_swapped_folders(swapped, capsys):
    storage, first, _ = swapped
    assert reproduce(["table3", "--storage-path", str(storage), "--sweep", "small", "--out", str(storage / "figures")]) == 2
    assert "has no finished sweep for Table 3: small has a trial that cannot be read" in capsys.readouterr().err
    with pytest.raises(OtherTrialError):
        read_sweep("small", storage).table()


@pytest.mark.parametrize("files", [("history.parquet",), ("config.json",)])
def test_files_that_were_copied_from_another_trial_are_refused(tmp_path, files):
    storage = write_storage(tmp_path / "runs")
    first, second = (trial.folder for trial in read_sweeps(storage)[0].trials[:2])
    for name in files:
        shutil.copy(first / name, second / name)
    with pytest.raises(OtherTrialError, match=f"its folder is that of trial {second.name}"):
        read_sweep("small", storage).table()
