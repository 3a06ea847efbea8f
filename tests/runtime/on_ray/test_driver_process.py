"""Watching a driver process, with children that need no Ray."""

import os
import signal
import time
from pathlib import Path

import pytest

from raygroup.errors import ClusterLostError, ConfigError, WorkerDiedError
from raygroup.runtime.on_ray.channel import BAD_INPUT, BEAT, CRASHED, LOST, RESULT, STORAGE_FAILED, Channel
from raygroup.runtime.on_ray.driver_process import DriverProcess, Limits
from raygroup.runtime.on_ray.extraction import ray_shard_maker
from raygroup.runtime.preparation.extraction_plan import Extraction
from raygroup.words.feature_shards import FeatureShard

START_S = 60.0
"""More than a fresh interpreter needs on a busy machine."""
SHARD = (0, FeatureShard(rows=1024, bytes=10, crc32=7))


def finish(order, channel: Channel):
    channel.send(BEAT)
    channel.send("note", order)
    channel.send(RESULT, {"a": "b"})


def stay_silent(order, channel: Channel):
    time.sleep(300)


def lose_head(order, channel: Channel):
    """Send a heartbeat and a shard, then nothing.

    A driver does so if its head stops answering.
    """
    channel.send(BEAT)
    channel.send("shard", SHARD)
    time.sleep(300)


def beat_for_a_while(order, channel: Channel):
    for _ in range(24):
        channel.send(BEAT)
        time.sleep(0.25)
    channel.send(RESULT, "through")


def report(order, channel: Channel):
    channel.send(*order)


def end_quietly(order, channel: Channel):
    os._exit(1)


def end_by_signal(order, channel: Channel):
    os.kill(os.getpid(), signal.SIGKILL)


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
        (LOST, ClusterLostError, "the head of the Ray cluster of this run no words"),
        (CRASHED, RuntimeError, "the driver crashed:\nno words"),
    ],
)
def test_an_error_that_the_child_reports_is_raised_here(kind, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        messages(report, (kind, "no words"))


def test_a_child_that_ray_ends_has_lost_its_cluster():
    with pytest.raises(ClusterLostError, match="the head of the Ray cluster of this run is gone"):
        messages(end_quietly)


def test_a_child_that_a_signal_kills_has_died():
    with pytest.raises(WorkerDiedError, match="the driver process ended by signal 9"):
        messages(end_by_signal)
