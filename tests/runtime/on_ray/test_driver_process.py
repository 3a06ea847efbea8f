"""Watching a driver process, with children that need no Ray."""

import os
import signal
import tempfile
import time
from pathlib import Path

import pytest

from raygroup.errors import ClusterLostError, ConfigError, WorkerDiedError
from raygroup.runtime.on_ray.auth_token import prepare_token
from raygroup.runtime.on_ray.channel import BAD_INPUT, BEAT, CRASHED, LOST, NOT_JOINED, RESULT, START_FAILED, STORAGE_FAILED, Channel
from raygroup.runtime.on_ray.driver_process import DriverProcess, Limits
from raygroup.runtime.on_ray.extraction import ray_shard_maker
from raygroup.runtime.on_ray.preflight import require_ray
from raygroup.runtime.preparation.extraction_plan import Extraction
from raygroup.words.feature_shards import FeatureShard

START_S = 60.0
"""More than a fresh interpreter needs on a busy machine."""
SHARD = (0, FeatureShard(rows=1024, bytes=10, crc32=7))


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """A home and a short folder for temporary files of this test alone."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    prepare_token(None)
    with tempfile.TemporaryDirectory(prefix="rg", dir="/tmp") as name:
        monkeypatch.setenv("RAY_TMPDIR", name)
        yield Path(name)


def finish(order, channel: Channel, folder):
    channel.send(BEAT)
    channel.send("note", order)
    channel.send(RESULT, {"a": "b"})


def stay_silent(order, channel: Channel, folder):
    time.sleep(300)


def lose_head(order, channel: Channel, folder):
    """Send a heartbeat and a shard, then nothing.

    A driver does so if its head stops answering.
    """
    channel.send(BEAT)
    channel.send("shard", SHARD)
    time.sleep(300)


def beat_for_a_while(order, channel: Channel, folder):
    for _ in range(24):
        channel.send(BEAT)
        time.sleep(0.25)
    channel.send(RESULT, "through")


def report(order, channel: Channel, folder):
    channel.send(*order)


def end_quietly(order, channel: Channel, folder):
    os._exit(1)


def end_by_signal(order, channel: Channel, folder):
    os.kill(os.getpid(), signal.SIGKILL)


def start_at_the_second_try(order, channel: Channel, folder):
    """Fail to start Ray, and leave a file that makes the next try succeed."""
    if Path(order).exists():
        finish("words", channel, folder)
    else:
        Path(order).write_text(str(folder))
        channel.send(START_FAILED, "The current node timed out during startup")


def never_start(order, channel: Channel, folder):
    channel.send(START_FAILED, "The current node timed out during startup")


def use_folder(order, channel: Channel, folder):
    channel.send(BEAT)
    channel.send(RESULT, (str(folder), folder.stat().st_mode & 0o777))


def messages(drive, order=None, address=None, limits=None):
    with DriverProcess(drive, order, address, limits or Limits(start_s=START_S)) as driver:
        return list(driver.messages())


def test_the_messages_of_a_child_end_with_its_result():
    assert messages(finish, "words") == [("note", "words"), (RESULT, {"a": "b"})]


def test_a_child_that_never_connects_is_given_up_after_the_start_limit():
    began = time.monotonic()
    with pytest.raises(ClusterLostError, match="the head of the Ray cluster at here:6379 has not answered for 1 s"):
        messages(stay_silent, address="here:6379", limits=Limits(start_s=1.0, end_s=0.1))
    assert time.monotonic() - began < Limits().start_s, "the default limit counted"


@pytest.mark.slow
def test_heartbeats_keep_a_child_alive_for_longer_than_the_limit():
    assert messages(beat_for_a_while, limits=Limits(start_s=START_S, head_s=4.0)) == [(RESULT, "through")]


def test_a_driver_of_features_whose_head_stops_answering_is_given_up():
    extraction = Extraction(Path("words"), Path("features.json"), None, "data", (32, 96), 1024, 1024)
    make_shards = ray_shard_maker(None, limits=Limits(start_s=START_S, head_s=0.5), drive=lose_head)
    shards = make_shards(extraction, (0, 1))
    assert next(shards) == SHARD
    began = time.monotonic()
    with pytest.raises(ClusterLostError, match="the head of the Ray cluster of this run has not answered for 0.5 s"):
        next(shards)
    assert time.monotonic() - began < Limits().head_s, "the default limit counted"


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        (BAD_INPUT, ConfigError, "no words"),
        (STORAGE_FAILED, OSError, "no words"),
        (NOT_JOINED, ClusterLostError, "no words"),
        (CRASHED, RuntimeError, "the driver crashed:\nno words"),
    ],
)
def test_an_error_that_the_child_reports_is_raised_here(kind, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        messages(report, (kind, "no words"))


def test_a_lost_head_is_reported_with_the_logs_that_are_kept(folders):
    with pytest.raises(ClusterLostError, match="the head of the Ray cluster of this run no words ") as lost:
        messages(report, (LOST, "no words"))
    (folder,) = folders.iterdir()
    assert f"(Ray's logs: {folder}/r/session_latest/logs)" in str(lost.value)


def test_a_cluster_of_this_run_that_does_not_start_is_tried_once_more(folders, tmp_path):
    assert messages(start_at_the_second_try, str(tmp_path / "tried"))[-1] == (RESULT, {"a": "b"})
    assert not Path((tmp_path / "tried").read_text()).exists(), "the folder of the first try is gone"


def test_a_cluster_that_never_starts_is_one_line_that_names_local_and_the_logs(folders):
    with pytest.raises(ClusterLostError) as lost:
        messages(never_start)
    (folder,) = folders.iterdir()
    assert str(lost.value) == (
        "Ray did not start on this machine: The current node timed out during startup, twice "
        f"(Ray's logs: {folder}/r/session_latest/logs); run it again when the machine is less busy, or use --local"
    )
    assert lost.value.exit_code == 5


def test_a_start_that_never_answers_is_tried_once_more_and_then_given_up():
    with pytest.raises(ClusterLostError, match="Ray did not start on this machine within 0.5 s, twice "):
        messages(stay_silent, limits=Limits(start_s=0.5, end_s=0.1))


def test_a_cluster_of_this_run_gets_a_private_folder(folders):
    ((_, (folder, mode)),) = messages(use_folder)
    assert Path(folder).parent == folders
    assert mode == 0o700


def test_no_folder_is_left_when_the_child_was_killed(folders):
    with pytest.raises(WorkerDiedError):
        messages(end_by_signal)
    assert not list(folders.iterdir())


def test_an_empty_token_file_is_refused_before_a_child_starts(tmp_path, monkeypatch):
    (tmp_path / "token").touch()
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    for address in (None, "here:6379"):
        with pytest.raises(ConfigError, match="the token file of Ray is empty"):
            messages(end_quietly, address=address)
        with pytest.raises(ConfigError, match="the token file of Ray is empty"):
            require_ray(address)


def test_a_child_that_ray_ends_has_lost_its_cluster():
    with pytest.raises(ClusterLostError, match="the head of the Ray cluster of this run is gone"):
        messages(end_quietly)


def test_a_child_that_a_signal_kills_has_died():
    with pytest.raises(WorkerDiedError, match="the driver process ended by signal 9"):
        messages(end_by_signal)
