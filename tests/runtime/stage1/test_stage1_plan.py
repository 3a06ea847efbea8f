"""A plan of stage 1 gives ids, places and contents, and refuses what could only fail later."""

import shutil
from dataclasses import replace

import pytest
from given_words import write_folder

from raygroup import Sweep, sweep
from raygroup.config import Heads, Pretraining, Words, trial_id
from raygroup.config_sections import to_json
from raygroup.errors import ConfigError
from raygroup.model.spotter.detector import DetectorNetwork
from raygroup.model.spotter.shape import SHAPES
from raygroup.runtime.planning.jobs import LAPTOP_WEIGHTS
from raygroup.runtime.planning.plan import make_plan
from raygroup.search_space import any_trial_from_json
from raygroup.training.spotter.detector_weights import save_detector

WORDS = Words(tasks=("ar", "la"), characters=(20, 20), words_per_task=6, unseen_per_task=2, renders=1)
SMALL = Pretraining(words=WORDS, start="laptop", steps=0, head_steps=4, heads=Heads(count=1, start="independent", embed=6, hidden=8))


def jobs_of(trial, storage, name="first", words=None, **grid):
    return make_plan(Sweep(name=name, trial=trial, grid=grid), "", storage, words, None).jobs


def test_a_job_names_its_result_and_a_content_that_does_not_depend_on_the_sweeps_name(tmp_path):
    (one,), (other,) = (jobs_of(SMALL, tmp_path, name) for name in ("first", "second"))
    assert one.result == tmp_path / "first" / one.id / "universal.safetensors"
    assert one.id.rpartition("-")[2] == other.id.rpartition("-")[2]
    assert one.content == other.content
    assert one.content.startswith(one.id.rpartition("-")[2]), "it is the whole hash of which the id has the beginning"
    assert one.inputs(tmp_path) == {"store": str(one.store.relative_to(tmp_path)), "weights": "laptop"}
    assert (one.steps, one.batch) == (4, 64)


def test_an_id_depends_on_the_content_of_the_start_and_not_on_its_name(tmp_path):
    shutil.copy(LAPTOP_WEIGHTS, tmp_path / "copy.safetensors")
    starts = ("laptop", str(tmp_path / "copy.safetensors"), "spotter")
    laptop, copied, spotter = (jobs_of(SMALL.replaced("start", start), tmp_path)[0] for start in starts)
    assert laptop.id == copied.id != spotter.id
    assert copied.inputs(tmp_path)["weights"].startswith("cache/weights-")
    assert copied.caches[1] == copied.start.shared
    assert spotter.inputs(tmp_path)["weights"] == "spotter"
    assert trial_id("s", SMALL, "data") == trial_id("s", SMALL.replaced("checkpoint_every", 7), "data")


def test_settings_come_back_from_json():
    for trial in (Pretraining(), SMALL, SMALL.replaced("seed", 3), replace(Pretraining(), words=Words(mixture=(("a", 1.0), ("b", 0.0))))):
        assert any_trial_from_json(to_json(trial)) == trial


def test_weights_of_the_command_are_the_start():
    assert Sweep(name="s", trial=SMALL).with_weights("mine.safetensors").trial.start == "mine.safetensors"
    with pytest.raises(ConfigError, match="varies start itself"):
        Sweep(name="s", trial=SMALL, grid={"start": ("laptop", "spotter")}).with_weights("laptop")


@pytest.fixture(scope="module")
def detector_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "d.safetensors"
    save_detector(path, DetectorNetwork(SHAPES["compact"]), "compact", {})
    return path


def refusal(trial, storage, words=None):
    with pytest.raises(ConfigError) as error:
        jobs_of(trial, storage, words=words)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_start_of_another_kind_is_one_clear_line(tmp_path, detector_file):
    (tmp_path / "text.safetensors").write_text("no weights")
    right = "name a file of python -m raygroup.pretrain, or laptop or spotter"
    assert refusal(SMALL.replaced("start", str(detector_file)), tmp_path) == f"start: {detector_file} is a detector: {right}"
    assert refusal(SMALL.replaced("start", str(tmp_path / "text.safetensors")), tmp_path).endswith(f"is no stage-1 file: {right}")
    missing = refusal(SMALL.replaced("start", "gone.safetensors"), tmp_path)
    assert missing.startswith("first: an input is missing: the weights file gone.safetensors (set start to a stage-1 file")


def test_a_trunk_that_is_trained_needs_a_head_of_its_first_weights_size(tmp_path):
    message = refusal(SMALL.replaced("steps", 3), tmp_path)
    assert message.endswith("has embed 32 and hidden 64, but heads has 6 and 8: they must be equal unless steps is 0")
    assert jobs_of(SMALL.replaced("start", "spotter").replaced("steps", 3), tmp_path), "the trunk of the spotter has no universal head"


def test_settings_that_a_sweep_cannot_use_are_named(tmp_path):
    assert refusal(SMALL.replaced("rehearsal", 5), tmp_path).startswith("rehearsal is 5: it must be 0 in a sweep")
    assert refusal(SMALL.replaced("words.height", 48), tmp_path).startswith("words.height and words.width are (48, 96)")
    assert "it must be empty without --words" in refusal(SMALL.replaced("words.mixture", (("a", 1),)), tmp_path)


def test_a_mixture_may_leave_out_a_source_by_a_ratio_of_0_but_not_by_silence(tmp_path):
    words = write_folder(tmp_path / "mine", columns=("path", "text", "task", "split"))
    mixed = SMALL.replaced("words.mixture", (("mine", 1), ("MLT19", 0)))
    assert jobs_of(mixed, tmp_path, words=words)
    message = refusal(SMALL.replaced("words.mixture", (("mine", 0), ("MLT19", 1))), tmp_path, words)
    assert message == "words.mixture['MLT19'] is 1, but no word has this source; the words to train on are of: mine"


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--scenes", "data"], "--scenes data: the search space stage1_small trains on words; leave --scenes out"),
        (["--kernels", "plain", "--local"], "--kernels plain: it is for trials that group words, and stage1_small trains a universal head"),
        (["--workers", "2"], "--workers 2: a trial of stage 1 trains in one process; leave it out"),
        (["--calibrate", "--dry-run"], "--calibrate: it times trials that group words, not stage 1 or trials on scenes; leave it out"),
    ],
)
def test_flags_without_effect_are_refused(flags, reason, tmp_path, capsys):
    assert sweep.main(["stage1_small", "--storage-path", str(tmp_path / "runs"), *flags]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert reason in line


def test_a_dry_run_lists_the_steps_of_both_phases_and_writes_nothing(tmp_path, capsys):
    assert sweep.main(["stage1_small", "--storage-path", str(tmp_path / "runs"), "--dry-run"]) == 0
    assert "stage1_small: 1 trials, 1 to run in 1 packs" in capsys.readouterr().out
    assert not (tmp_path / "runs").exists()
