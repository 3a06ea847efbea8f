"""The list of checkpoints: the last two are kept, and damage is noticed."""

import pytest

from raygroup.errors import DamagedFileError
from raygroup.storage.checkpoint_index import (
    add_checkpoint,
    checkpoint_files,
    drop_checkpoints_after,
    keep_last_checkpoint,
    listed_steps,
    read_checkpoint,
    read_last_checkpoint,
    sound_steps,
)


@pytest.fixture
def trial(tmp_path):
    """A trial's folder with checkpoints after steps 10, 20 and 30."""
    for step in (10, 20, 30):
        add_checkpoint(tmp_path, step, 1, f"state after {step}".encode(), {})
    return tmp_path


def names(folder):
    return [path.name for path in checkpoint_files(folder)]


def test_a_trial_without_checkpoints_has_no_steps(tmp_path):
    assert listed_steps(tmp_path) == ()
    assert checkpoint_files(tmp_path) == []


def test_only_the_last_two_checkpoints_are_kept(trial):
    assert listed_steps(trial) == (20, 30)
    assert names(trial) == ["step-000020-1.safetensors", "step-000030-1.safetensors"]
    assert read_checkpoint(trial, 30) == (b"state after 30", {})


def test_the_last_checkpoint_is_read_without_its_history(trial):
    assert read_last_checkpoint(trial) == b"state after 30"
    (trial / "checkpoints" / "step-000030-1.safetensors").write_bytes(b"other")
    with pytest.raises(DamagedFileError, match="step-000030-1.safetensors: damaged: its checksum is not the listed one"):
        read_last_checkpoint(trial)
    (trial / "checkpoints" / "step-000030-1.safetensors").unlink()
    assert read_last_checkpoint(trial) is None


def test_a_trial_without_any_checkpoint_has_no_last_one(tmp_path):
    assert read_last_checkpoint(tmp_path) is None


def test_a_later_attempt_replaces_the_checkpoints_after_its_start(trial):
    drop_checkpoints_after(trial, 20)
    assert names(trial) == ["step-000020-1.safetensors"]
    add_checkpoint(trial, 30, 2, b"other state", {})
    assert read_checkpoint(trial, 30) == (b"other state", {})


def test_a_finished_trial_keeps_its_last_checkpoint(trial):
    keep_last_checkpoint(trial)
    assert names(trial) == ["step-000030-1.safetensors"]


def test_a_damaged_or_missing_checkpoint_is_not_sound(trial):
    checkpoint_files(trial)[0].write_bytes(b"damaged")
    assert sound_steps(trial) == {30}
    checkpoint_files(trial)[1].unlink()
    assert sound_steps(trial) == set()


def test_a_checkpoint_is_sound_only_with_the_history_before_it(tmp_path):
    history = tmp_path / "history"
    history.mkdir()
    (history / "attempt-1.arrows").write_bytes(b"123456789 and more")
    crc_of_digits = 0xCBF43926  # the check value of CRC-32 over "123456789"
    add_checkpoint(tmp_path, 10, 1, b"state", {"attempt-1.arrows": (9, crc_of_digits)})
    assert sound_steps(tmp_path) == {10}
    (history / "attempt-1.arrows").write_bytes(b"12345678")
    assert sound_steps(tmp_path) == set()
