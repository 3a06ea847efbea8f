"""A finished trial becomes a package. Tests of ONNX files are in test_onnx.py, because writing them takes a while."""

import json
import shutil

import numpy as np
import pytest
import torch
from finished_trial import write_trial
from safetensors.torch import load_file

import raygroup
from raygroup.errors import ConfigError
from raygroup.export import exporter, trial_model
from raygroup.export.exporter import export_trial
from raygroup.reading.record import read_record
from raygroup.storage.layout import DONE_FILE
from raygroup.words.scripts import can_spell
from raygroup.words.word_facts import WordFacts, write_word_facts


@pytest.fixture
def trial(finished_trial, tmp_path):
    """A copy of a trial that a test may change."""
    shutil.copytree(finished_trial.folder.parent.parent, tmp_path / "runs")
    return tmp_path / "runs" / "tiny" / finished_trial.folder.name


def export_plain(trial, out, **options):
    return export_trial(trial, out, onnx=False, **options)


def test_heads_are_named_by_their_tasks_and_write_only_their_characters(plain_package):
    record = read_record(plain_package)
    assert [(head.name, head.tasks) for head in record.heads] == [("ar+hi", ("ar", "hi")), ("la", ("la",))]
    assert record.idle_heads == (0, 2)
    latin = record.heads[1].characters
    assert "a" in latin
    assert not [character for character in latin if can_spell("ar", character) and not can_spell("la", character)]
    for head in record.heads:
        assert head.parameters < head.whole_parameters


def test_every_weight_is_stored_once_and_optimiser_moments_are_not(plain_package):
    tensors = load_file(plain_package / "model.safetensors")
    assert {name.partition(".")[0] for name in tensors} == {"trunk", "router", "head-ar+hi", "head-la"}
    assert not any("optimizer" in name or "num_batches" in name for name in tensors)
    record = read_record(plain_package)
    counted = [value for name, value in tensors.items() if "running" not in name and name not in ("router.head_of_task", "router.p_tm")]
    assert record.sizes["parameters"] == sum(value.numel() for value in counted)


def test_a_trial_whose_words_are_gone_is_exported_by_the_scripts_of_its_tasks(plain_package):
    assert read_record(plain_package).characters_from == trial_model.FROM_SCRIPTS


def test_recorded_characters_of_training_labels_stay_with_their_head(trial, tmp_path):
    characters = {"ar": frozenset(), "hi": frozenset("a"), "la": frozenset()}
    facts = WordFacts(
        classes=3, shape=(24, 256), characters=characters, characters_without_task=frozenset(), times=(), device="cpu", threads=1
    )
    write_word_facts(trial / "word_facts.json", facts)
    record = export_plain(trial, tmp_path / "out").record
    assert record.characters_from == trial_model.FROM_LABELS
    assert "a" in record.heads[0].characters


def test_accuracy_and_thresholds_are_those_of_the_trials_test_words(plain_package, finished_trial):
    record = read_record(plain_package)
    rows = {(row["split"], row["task"]): row for row in record.accuracy}
    assert set(rows) == {(split, task) for split in ("new", "unseen") for task in ("ar", "hi", "la")}
    assert sum(row["words"] for row in record.accuracy) == len(finished_trial.texts)
    for row in record.accuracy:
        mean, low, high = row["accuracy"]
        assert 0 <= low <= mean <= high <= 1


def test_the_settings_in_a_package_name_no_folder_of_this_machine(tmp_path, monkeypatch):
    folder = write_trial(tmp_path / "runs", weights__file="/home/me/secret/mine.safetensors").folder
    written = export_plain(folder, tmp_path / "out")
    assert written.record.trial["settings"]["weights"]["file"] == "mine.safetensors"
    assert not [path for path in written.folder.iterdir() if b"secret" in path.read_bytes()]
    assert "mine.safetensors" in (written.folder / "LICENSES").read_text()


def test_the_readme_and_the_licences_say_what_the_package_is(plain_package):
    readme, licences = ((plain_package / name).read_text(encoding="utf-8") for name in ("README.md", "LICENSES"))
    assert "Arabic (`ar`), Hindi (`hi`), Latin (`la`)" in readme
    assert "exported without ONNX files" in readme
    assert "{" + "trial" + "}" not in readme
    assert "<!--" not in readme
    assert "Apache-2.0" in licences
    assert "CC BY-SA 4.0" in licences


def test_licences_of_a_users_words_are_left_to_the_user(plain_package, tmp_path):
    assert read_record(plain_package).trial["words"] == "rendered"
    written = export_plain(write_trial(tmp_path / "runs", on_users_words=True).folder, tmp_path / "out")
    assert written.record.trial["words"] == "given"
    assert "raygroup does not know their licence. Name it here" in (written.folder / "LICENSES").read_text()


def test_a_folder_in_use_is_never_overwritten_by_accident(trial, tmp_path):
    out = tmp_path / "out"
    first = export_plain(trial, out)
    with pytest.raises(ConfigError, match="holds a package: pass --force"):
        export_plain(trial, out)
    assert export_plain(trial, out, force=True).record == first.record
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    for force in (False, True):
        with pytest.raises(ConfigError, match="holds other files: name a new folder"):
            export_plain(trial, tmp_path / "mine", force=force)
    with pytest.raises(ConfigError, match="is a file"):
        export_plain(trial, tmp_path / "mine" / "notes.txt")
    with pytest.raises(ConfigError, match="parent folder does not exist"):
        export_plain(trial, tmp_path / "no" / "such")
    (tmp_path / "empty").mkdir()
    export_plain(trial, tmp_path / "empty")


def test_an_export_that_fails_leaves_nothing_and_keeps_the_package_before(trial, tmp_path, monkeypatch):
    out = tmp_path / "out"
    before = export_plain(trial, out).record
    monkeypatch.setattr(exporter, "readme_text", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_plain(trial, out, force=True)
    assert read_record(out) == before
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "out"}


def test_a_trial_that_is_not_done_is_refused(trial, tmp_path):
    (trial / DONE_FILE).unlink()
    with pytest.raises(ConfigError, match="the trial is unfinished, so it has no reader yet"):
        export_plain(trial, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_trial_without_its_trained_heads_is_refused_with_the_way_out(trial, tmp_path):
    checkpoint = next((trial / "checkpoints").glob("*.safetensors"))
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[:-1] + b"x")
    with pytest.raises(ConfigError, match="damaged: its checksum is not the listed one"):
        export_plain(trial, tmp_path / "out")
    checkpoint.unlink()
    with pytest.raises(ConfigError, match="has no trained heads.*--checkpoints last"):
        export_plain(trial, tmp_path / "out")


def test_a_trial_whose_stage_1_weights_were_not_copied_is_refused_with_the_way_out(trial, tmp_path):
    config = json.loads((trial / "config.json").read_text())
    (trial / "config.json").write_text(json.dumps(config | {"weights": "cache/weights-0123456789abcdef/weights.safetensors"}))
    with pytest.raises(ConfigError, match="its stage-1 weights cache/weights-.* are not in .*copies them with --caches"):
        export_plain(trial, tmp_path / "out")


def test_a_trial_is_refused_if_its_trunk_is_not_the_one_it_was_trained_with(trial, tmp_path, monkeypatch):
    from raygroup.runtime.attempt.pack_inputs import load_universal_weights

    def other_weights(storage, name):
        universal = load_universal_weights(storage, name)
        torch.manual_seed(0)
        for parameter in universal.trunk.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.1)
        return universal

    from raygroup.runtime.attempt import pack_inputs

    monkeypatch.setattr(trial_model, "load_universal_weights", other_weights)
    with pytest.raises(ConfigError, match="are not those that it was trained with"):
        export_plain(trial, tmp_path / "out")
    pack_inputs._load_weights.cache_clear()


def test_a_torch_that_cannot_write_onnx_is_one_line(trial, tmp_path, monkeypatch):
    pytest.importorskip("onnxscript", reason="needs raygroup[export]")

    def fail(*_, **__):
        raise NotImplementedError("no\nwhile_loop " * 50)

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(ConfigError, match=r"torch .* cannot write Trunk as ONNX \(no while_loop.*or pass --no-onnx") as refused:
        export_trial(trial, tmp_path / "out")
    assert len(str(refused.value)) < 300
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("beams", [1, 0, True, 2.5, 1000])
def test_beams_of_the_onnx_files_have_a_range(trial, tmp_path, beams):
    with pytest.raises(ConfigError, match="--beams is .*: it must be a whole number from 2 to"):
        export_plain(trial, tmp_path / "out", beams=beams)


def test_a_package_with_one_onnx_file_missing_is_refused_by_onnxruntime(plain_package):
    pytest.importorskip("onnxruntime")
    package = raygroup.load(plain_package, backend="onnxruntime")
    with pytest.raises(ConfigError, match="exported without ONNX files: read it with torch"):
        package.read([np.arange(100, dtype=np.uint8).reshape(10, 10)])


def test_a_statement_on_licences_replaces_what_is_not_known(tmp_path):
    folder = write_trial(tmp_path / "runs", on_users_words=True).folder
    written = export_plain(folder, tmp_path / "package", licenses="All words were drawn by Ann, CC0.")
    text = (written.folder / "LICENSES").read_text(encoding="utf-8")
    assert "does not know" not in text
    assert "Its licence is stated below." in text
    assert text.endswith("All words were drawn by Ann, CC0.\n")
