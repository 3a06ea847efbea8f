"""Every finished trial of a sweep is scored end to end on the same words of a detector."""

import json
import shutil

import pytest
from finished_trial import write_trial
from rendered_scenes_for_tests import render_set, store_of

import raygroup
from raygroup.end_to_end.detector import open_detector
from raygroup.end_to_end.labelled_scenes import open_labelled_scenes
from raygroup.end_to_end.trial_score import score_readings
from raygroup.errors import ConfigError
from raygroup.export.trial_model import load_trial_model
from raygroup.files.atomic import write_bytes
from raygroup.files.places import place
from raygroup.reproduce import main
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.scenes.scene_store import read_scenes
from raygroup.spot.opening import spotter_folder
from raygroup.spotting.scene_reading import read_labelled_scenes
from raygroup.spotting.spotter import Spotter
from raygroup.spotting.threshold_choice import LabelledScene, with_corners
from raygroup.storage.layout import CONFIG_FILE, DONE_FILE, END_TO_END_FILE
from raygroup.storage.sweeps import StoredTrial

SETTINGS = SceneSettings(width=320, height=240, words=(2, 4), words_per_task=100, tasks=("la", "ar"), dont_care=0.0)
NUM_SCENES = 8


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return store_of(tmp_path_factory.mktemp("scenes"), NUM_SCENES, SETTINGS)


@pytest.fixture(scope="module")
def scored(tmp_path_factory, scenes):
    """Return a storage path with one scored trial and one that never started, and the scores. To read only."""
    storage = tmp_path_factory.mktemp("runs")
    write_trial(storage)
    declared = storage / "tiny" / "sweep.json"
    content = json.loads(declared.read_text())
    content["trials"].append({"id": "tiny-000000000000", "label": "seed=1"})
    declared.write_text(json.dumps(content))
    return storage, raygroup.score_end_to_end(storage, "tiny", scenes)


@pytest.fixture
def storage(tmp_path, scored):
    """Return a copy of that storage path, to change."""
    return shutil.copytree(scored[0], tmp_path / "runs")


def score_file(storage):
    (path,) = storage.glob(f"tiny/*/{END_TO_END_FILE}")
    return path


def test_the_score_lies_in_the_trials_folder_with_its_scenes_and_detector(scored, scenes):
    storage, scores = scored
    stored = json.loads(score_file(storage).read_text())
    assert {"layout": stored["layout"], **scores.scored["seed=0"]} == stored
    assert stored["scenes"] == open_labelled_scenes(scenes).fingerprint
    assert stored["detector"] == {"name": "compact", "hash": open_detector(None, storage).hash}
    assert stored["images"] + stored["thresholds"]["images"] == NUM_SCENES
    assert stored["low"] <= stored["f"] <= stored["high"]
    assert stored["task1"]["recall"] > 0.3
    assert stored["task1"]["recall"] >= stored["recall"] > 0


def test_the_score_is_that_of_the_whole_spotter_with_the_trials_heads(scored, scenes):
    """The spotter of an export finds, cuts and reads scene by scene. Here all words are read at once."""
    storage, scores = scored
    folder = score_file(storage).parent
    detector, labelled = open_detector(None, storage), open_labelled_scenes(scenes)
    package = load_trial_model(StoredTrial(folder, folder.name, "seed=0", True)).package
    spotter = Spotter(detector.finder.backend, package, detector.finder.settings)
    read = read_labelled_scenes(spotter, read_scenes(scenes), lambda done: None)
    parts = {True: [], False: []}
    for labels, scene in zip(labelled.scenes, read, strict=True):
        parts[labels.chooses].append(with_corners(LabelledScene(labels.name, labels.truths, scene.words)))
    characters = "".join(head.characters for head in package.record.heads)
    whole = score_readings(parts[True], parts[False], "scenes", characters).to_json()
    assert whole == {name: value for name, value in scores.scored["seed=0"].items() if name not in ("scenes", "detector")}


def test_a_second_call_keeps_the_scores_and_finds_no_words(storage, scenes):
    work = []
    again = raygroup.score_end_to_end(storage, "tiny", scenes, progress=lambda name, done, total: work.append(name))
    assert (list(again.present), list(again.scored), work) == (["seed=0"], [], [])


def test_words_are_found_once_for_all_trials(storage, scenes):
    before = score_file(storage).read_bytes()
    score_file(storage).unlink()
    work = []
    raygroup.score_end_to_end(storage, "tiny", scenes, progress=lambda name, done, total: work.append(name))
    assert set(work) == {"trials scored"}
    assert score_file(storage).read_bytes() == before


def test_found_words_that_are_cut_off_are_found_again(storage, scenes):
    (crops,) = storage.glob("cache/crops-*/crops.parquet")
    whole, before = crops.read_bytes(), score_file(storage).read_bytes()
    crops.write_bytes(whole[: len(whole) // 2])
    score_file(storage).unlink()
    raygroup.score_end_to_end(storage, "tiny", scenes)
    assert score_file(storage).read_bytes() == before
    assert crops.read_bytes() == whole


def test_a_sweep_on_an_object_store_is_scored_in_the_same_way(bucket, storage, scenes):
    before = score_file(storage).read_bytes()
    files = [path for path in storage.rglob("*") if path.is_file() and path.name not in (END_TO_END_FILE, "crops.parquet")]
    for path in files:
        write_bytes(place(bucket) / "runs" / path.relative_to(storage).as_posix(), path.read_bytes())
    scores = raygroup.score_end_to_end(f"{bucket}/runs", "tiny", scenes)
    (stored,) = (place(bucket) / "runs").glob(f"tiny/*/{END_TO_END_FILE}")
    assert (list(scores.scored), stored.read_bytes()) == (["seed=0"], before)
    assert list(raygroup.score_end_to_end(f"{bucket}/runs", "tiny", scenes).present) == ["seed=0"]


def test_other_scenes_are_scored_anew(storage, tmp_path):
    before = json.loads(score_file(storage).read_text())
    others = store_of(tmp_path / "others", NUM_SCENES, SceneSettings(**{**vars(SETTINGS), "seed": 5}))
    scores = raygroup.score_end_to_end(storage, "tiny", others)
    assert scores.scored["seed=0"]["scenes"] != before["scenes"]


def test_a_data_set_and_its_import_are_the_same_scenes(scenes):
    rendered, imported = open_labelled_scenes(scenes.parent / "rendered"), open_labelled_scenes(scenes)
    assert rendered.fingerprint == imported.fingerprint


def test_a_trial_that_is_not_done_is_skipped_and_named(scored):
    _, scores = scored
    assert scores.skipped == {"seed=1": "the trial is not started"}
    first, second = scores.lines()
    assert first.startswith("trials of tiny: 1 scored end to end, 1 skipped; ")
    assert second == "skipped: seed=1: the trial is not started"


def test_scenes_without_labels_are_counted_beside_the_others(storage, scenes, tmp_path):
    shutil.copytree(scenes.parent / "rendered", tmp_path / "half")
    next((tmp_path / "half" / "gt").iterdir()).unlink()
    scores = raygroup.score_end_to_end(storage, "tiny", tmp_path / "half")
    assert scores.problems == {"labels missing": 1}
    assert scores.lines()[-1] == "in the scenes: labels missing (1)"
    score = scores.scored["seed=0"]
    assert score["images"] + score["thresholds"]["images"] == NUM_SCENES - 1


def test_scenes_of_other_tasks_are_refused_with_what_would_be_right(storage, tmp_path):
    korean = store_of(tmp_path / "korean", NUM_SCENES, SceneSettings(**{**vars(SETTINGS), "tasks": ("ko",)}))
    with pytest.raises(ConfigError, match="has words of ko, but the trial reads ar, hi, la: name scenes of these tasks"):
        raygroup.score_end_to_end(storage, "tiny", korean)


def test_weights_that_are_gone_are_named(storage, scenes):
    path = score_file(storage)
    path.unlink()
    config = json.loads((path.parent / CONFIG_FILE).read_text())
    (path.parent / CONFIG_FILE).write_text(json.dumps(config | {"weights": "cache/weights-gone/weights.safetensors"}))
    with pytest.raises(ConfigError, match="its stage-1 weights cache/weights-gone/weights.safetensors are not in"):
        raygroup.score_end_to_end(storage, "tiny", scenes)


def test_a_sweep_without_a_finished_trial_says_so(storage, scenes):
    (score_file(storage).parent / DONE_FILE).unlink()
    with pytest.raises(ConfigError, match="sweep 'tiny' has no finished trial: run its command"):
        raygroup.score_end_to_end(storage, "tiny", scenes)


def test_scenes_without_labels_and_too_few_scenes_are_refused(storage, tmp_path):
    textless = store_of(tmp_path / "textless", 4, SceneSettings(**{**vars(SETTINGS), "textless": 1.0}))
    with pytest.raises(ConfigError, match="none of its 4 scenes has a labelled word"):
        raygroup.score_end_to_end(storage, "tiny", textless)
    render_set(tmp_path / "one", 1, settings=SETTINGS)
    with pytest.raises(ConfigError, match="[01] of its 1 scenes would choose thresholds.*name more scenes"):
        raygroup.score_end_to_end(storage, "tiny", tmp_path / "one")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="empty"):
        raygroup.score_end_to_end(storage, "tiny", tmp_path / "empty")


def test_another_detector_is_a_spotter_or_a_weights_file(storage, scenes):
    folder = spotter_folder("compact")
    shipped = open_detector(None, storage)
    assert open_detector(folder, storage).hash == shipped.hash
    weights = open_detector(folder / "detector.safetensors", storage)
    assert (weights.name, weights.hash) == ("detector.safetensors", shipped.hash)
    with pytest.raises(ConfigError, match="nowhere.safetensors: no such file of a detector's weights"):
        raygroup.score_end_to_end(storage, "tiny", scenes, "nowhere.safetensors")


def test_the_command_scores_before_it_makes_the_table(storage, scenes, capsys):
    score_file(storage).unlink()
    main(["table5", "tiny", "--storage-path", str(storage), "--scenes", str(scenes)])
    out = capsys.readouterr().out
    assert "trials of tiny: 1 scored end to end, 1 skipped" in out
    assert "skipped: seed=1: the trial is not started" in out
    assert score_file(storage).is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["table3", "--scenes", "x"], "--scenes, --detector: only table5 uses them"),
        (["table5", "--detector", "x"], "--detector x: it finds words in scenes: name some with --scenes"),
        (["table5", "--scenes", "x", "--storage-path", "."], ". has no finished sweep for Table 5: there is no sweep"),
    ],
)
def test_flags_without_a_meaning_are_refused(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
