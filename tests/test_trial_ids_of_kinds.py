"""Trials of each kind are told apart by their settings, and keep their ids."""

from raygroup.config import Pretraining, Trial, trial_id
from raygroup.config_sections import to_json
from raygroup.search_space import any_trial_from_json
from raygroup.spotter_config import Detector
from raygroup.spotting_config import SpotterHeads, SpotterWeights, Spotting


def test_a_trial_comes_back_from_json_as_what_it_was():
    weights = SpotterWeights(detector="d.safetensors")
    spotting = Spotting(seed=3, freeze=("trunk",), heads=SpotterHeads(count=5, source="boxes"), weights=weights)
    for trial in (Trial(seed=3), Detector(seed=3, size="reference"), spotting, Spotting(), Pretraining(seed=3)):
        assert any_trial_from_json(to_json(trial)) == trial


def test_an_id_of_a_detector_depends_on_its_seed_its_scenes_and_its_settings():
    trials = [Detector(), Detector(seed=1), Detector().replaced("training.steps", 10), Detector(size="reference")]
    ids = {trial_id("s", trial, data) for trial in trials for data in ("scenes", "other scenes")}
    assert len(ids) == 8


def test_the_interval_of_checkpoints_leaves_the_id_of_a_detector_as_it_is():
    assert trial_id("s", Detector().replaced("training.checkpoint_every", 7), "scenes") == trial_id("s", Detector(), "scenes")


def test_ids_of_each_kind_stay_as_they_were():
    """They were written down when the third and the fourth kind were added. Another id would orphan stored trials."""
    assert trial_id("s", Trial(), "data") == "s-1b75a726be41"
    assert trial_id("s", Detector(), "data") == "s-540d181d6878"
    assert trial_id("s", Spotting(), "data") == "s-c5ff5cf0cbce"
    assert trial_id("s", Pretraining(), "data") == "s-6891ebfac55d"


def test_names_of_weights_leave_the_id_of_a_spotter_as_it_is():
    named = Spotting().replaced("weights.detector", "d.safetensors").replaced("weights.reader", "laptop")
    assert trial_id("s", named, "scenes") == trial_id("s", Spotting(), "scenes") != trial_id("s", named, "others")


def test_no_two_kinds_have_the_same_id():
    assert len({trial_id("s", trial, "data") for trial in (Trial(), Pretraining(), Detector(), Spotting())}) == 4
