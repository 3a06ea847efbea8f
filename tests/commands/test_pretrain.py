"""``raygroup.pretrain`` continues after an interruption, and writes the same file as an undisturbed run."""

import shutil
import signal
from dataclasses import replace

import pytest
from stage1_training import one_thread  # noqa: F401
from sweep_process import start_command, wait_for_end, wait_until

from raygroup.config import Pretraining
from raygroup.errors import ConfigError
from raygroup.pretrain import __main__ as pretrain
from raygroup.runtime.attempt.checkpoints import load_checkpoint, save_checkpoint
from raygroup.runtime.attempt.training_checkpoints import training_folder
from raygroup.search_space import load
from raygroup.storage.checkpoint_index import checkpoint_files, listed_steps
from raygroup.storage.locks import lock_folder

SPACE = """
from raygroup.config import Heads, Pretraining, Words
words = Words(tasks=("ar", "la"), characters=(20, 20), words_per_task=6, unseen_per_task=2, renders=1)
pretraining = Pretraining(words=words, steps=20, head_steps=60, batch=4, heads=Heads(count=1, start="independent", embed=6, hidden=8))
"""
EVERY = 2


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def settings(storage):
    (storage / "tiny.py").write_text(SPACE)
    return load(str(storage / "tiny.py"), "pretraining", Pretraining)


@pytest.fixture(scope="module")
def undisturbed(settings, storage, tmp_path_factory):
    """The bytes of the weights file of a run that nobody interrupted."""
    out = tmp_path_factory.mktemp("undisturbed") / "weights.safetensors"
    pretrain.pretrain(settings, out, storage_path=storage)
    assert [path.name for path in out.parent.iterdir()] == [out.name], "the checkpoints are deleted"
    return out.read_bytes()


def arguments(out, storage):
    return [str(storage / "tiny.py"), "--out", str(out), "--storage-path", str(storage), "--checkpoint-every", str(EVERY)]


def train_until_ended(out, storage, number, after_step):
    """Run the command, and send it a signal once it has kept a step after this one. Returns the exit code and the output."""
    with start_command("raygroup.pretrain", arguments(out, storage)) as process:
        wait_until(lambda: max(listed_steps(training_folder(out)), default=0) > after_step, process)
        process.send_signal(number)
        output = wait_for_end(process)
    assert not out.exists()
    return process.returncode, output


@pytest.fixture(scope="module")
def killed(settings, storage, tmp_path_factory):
    """The weights file of a training that was killed, whose checkpoints lie beside it."""
    out = tmp_path_factory.mktemp("killed") / "weights.safetensors"
    assert train_until_ended(out, storage, signal.SIGKILL, EVERY)[0] == -signal.SIGKILL
    assert len(listed_steps(training_folder(out))) == 2
    return out


@pytest.fixture
def interrupted(killed, tmp_path):
    """A copy of the killed training."""
    out = tmp_path / killed.name
    shutil.copytree(training_folder(killed), training_folder(out))
    return out


def test_a_training_that_was_killed_continues_bit_for_bit(interrupted, storage, undisturbed, capsys):
    kept = max(listed_steps(training_folder(interrupted)))
    assert pretrain.main(arguments(interrupted, storage)) == 0
    assert f"continues after step {kept}, from {interrupted}.training\n" in capsys.readouterr().out
    assert interrupted.read_bytes() == undisturbed
    assert not training_folder(interrupted).exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_training_that_a_signal_ends_says_how_to_continue(number, settings, storage, tmp_path, undisturbed):
    out = tmp_path / "weights.safetensors"
    exit_code, output = train_until_ended(out, storage, number, settings.steps)
    assert exit_code == 130
    assert f"Everything recorded so far is kept. To continue: python -m raygroup.pretrain {storage}/tiny.py" in output
    assert pretrain.main(arguments(out, storage)) == 0
    assert out.read_bytes() == undisturbed


def test_a_damaged_checkpoint_falls_back_to_the_one_before(interrupted, storage, undisturbed, capsys):
    newest = checkpoint_files(training_folder(interrupted))[-1]
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(content)
    assert pretrain.main(arguments(interrupted, storage)) == 0
    assert f"{EVERY} steps are trained again, because their checkpoint is damaged" in capsys.readouterr().out
    assert interrupted.read_bytes() == undisturbed


def test_checkpoints_of_other_settings_are_refused_and_kept(interrupted, settings, storage):
    other = replace(settings, steps=settings.steps + 1)
    with pytest.raises(ConfigError, match="holds a training with other settings or words: delete it"):
        pretrain.pretrain(other, interrupted, storage_path=storage)
    assert listed_steps(training_folder(interrupted))


def test_checkpoints_of_a_version_with_fewer_settings_are_continued(interrupted, storage, undisturbed):
    folder = training_folder(interrupted)
    state, facts, _ = load_checkpoint(folder, listed_steps(folder)[-1])
    del facts["identity"]["settings"]["jitter"]
    del facts["identity"]["settings"]["words"]["photographs"]
    save_checkpoint(folder, listed_steps(folder)[-1], state, {"identity": facts["identity"]})
    assert pretrain.main(arguments(interrupted, storage)) == 0
    assert interrupted.read_bytes() == undisturbed


def test_a_result_has_one_writer(settings, storage, tmp_path):
    out = tmp_path / "weights.safetensors"
    with lock_folder(training_folder(out), "training"), pytest.raises(ConfigError, match="training"):
        pretrain.pretrain(settings, out, storage_path=storage)


@pytest.mark.parametrize("out", ["folder", "file/weights.safetensors"])
def test_an_out_that_cannot_be_written_is_refused_before_anything_is_rendered(out, tmp_path, capsys):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "tiny.py").write_text(SPACE)
    runs = tmp_path / "runs"
    assert pretrain.main([str(tmp_path / "tiny.py"), "--out", str(tmp_path / out), "--storage-path", str(runs)]) == 2
    assert capsys.readouterr().err.startswith(f"raygroup: --out {tmp_path / out} ")
    assert not list(runs.iterdir())


def test_checkpoints_need_a_whole_number_of_steps_between_them(tmp_path, capsys):
    (tmp_path / "tiny.py").write_text(SPACE)
    assert pretrain.main([str(tmp_path / "tiny.py"), "--out", str(tmp_path / "w"), "--checkpoint-every", "0"]) == 2
    assert "argument --checkpoint-every: '0' must be a whole number from 1" in capsys.readouterr().err
