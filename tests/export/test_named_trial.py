"""A trial is named by its folder, its sweep and label, its id, or as the best of a sweep."""

import pytest
import synthetic_storage

from raygroup.errors import ConfigError
from raygroup.export.named_trial import named_trial
from raygroup.tables.sweep_result import read_sweep


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    return synthetic_storage.write_storage(tmp_path_factory.mktemp("choice") / "runs")


@pytest.fixture(scope="module")
def trials(storage):
    return read_sweep("small", storage).trials


def test_folder_id_beginning_of_an_id_and_sweep_with_label_name_the_same_trial(storage, trials):
    trial = trials[2]
    names = [str(trial.folder), trial.id, trial.id[:-3], f"small:{trial.label}", "small:=0.2 seed=0"]
    assert {named_trial(name, [storage]).id for name in names} == {trial.id}
    assert named_trial(str(trial.folder), []).label == trial.label


def test_a_sweep_of_several_trials_needs_a_label_or_best(storage, trials):
    with pytest.raises(ConfigError, match="sweep 'small' has 4 trials: name one as small:LABEL, or take the best with --best"):
        named_trial("small", [storage])
    with pytest.raises(ConfigError, match="fits 2 trials of sweep 'small'"):
        named_trial("small:seed=0", [storage])
    with pytest.raises(ConfigError, match="fits no trials of sweep 'small'; labels: 'base_coefficient=0.0 seed=0'"):
        named_trial("small:seed=77", [storage])


def test_the_best_trial_has_the_highest_exact_match_on_unseen_words(storage, trials):
    accuracy = {trial.id: trial.scores("unseen").mean.accuracy for trial in trials}
    assert named_trial("small", [storage], best=True).id == max(accuracy, key=accuracy.get)
    assert named_trial(str(storage / "small"), [], best=True).id == max(accuracy, key=accuracy.get)
    for name in (str(trials[0].folder), f"small:{trials[0].label}"):
        with pytest.raises(ConfigError, match="is one trial; name its sweep"):
            named_trial(name, [storage], best=True)


def test_what_is_not_there_is_named(storage):
    with pytest.raises(ConfigError, match="no trial 'nothing'"):
        named_trial("nothing", [storage])
    with pytest.raises(ConfigError, match="no sweep 'large'"):
        named_trial("large:seed=0", [storage])
    with pytest.raises(ConfigError, match="no sweep 'large'"):
        named_trial("large", [storage], best=True)
    with pytest.raises(ConfigError, match="neither the folder of a trial nor that of a sweep"):
        named_trial(str(storage / "small" / "figures"), [storage])
