"""Trials of each kind are told apart by their settings, and keep their ids."""

from raygroup.config import Trial, trial_id
from raygroup.config_sections import to_json
from raygroup.search_space import any_trial_from_json
from raygroup.spotter_config import Detector


def test_a_trial_comes_back_from_json_as_what_it_was():
    for trial in (Trial(seed=3), Detector(seed=3, size="reference")):
        assert any_trial_from_json(to_json(trial)) == trial


def test_an_id_of_a_detector_depends_on_its_seed_its_scenes_and_its_settings():
    trials = [Detector(), Detector(seed=1), Detector().replaced("training.steps", 10), Detector(size="reference")]
    ids = {trial_id("s", trial, data) for trial in trials for data in ("scenes", "other scenes")}
    assert len(ids) == 8


def test_the_interval_of_checkpoints_leaves_the_id_of_a_detector_as_it_is():
    assert trial_id("s", Detector().replaced("training.checkpoint_every", 7), "scenes") == trial_id("s", Detector(), "scenes")
