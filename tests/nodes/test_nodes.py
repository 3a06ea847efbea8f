"""Sweeps over several Ray nodes on machines of their own.

Nodes are killed, added, cut off and reconnected, and a head is lost.
"""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pytest
from namespaces import Cluster, Node, cluster, kill, missing_right
from sweep_process import DEADLINE_S, wait_until
from tiny_sweep import space

from raygroup import sweep
from raygroup.history.reader import History, read_history, same_evidence
from raygroup.history.sinks import END_OF_STREAM
from raygroup.storage.checkpoint_index import listed_steps
from raygroup.storage.leases import attempt_records

Command = subprocess.Popen[str]
pytestmark = pytest.mark.slow
STEPS, EVERY = 500, 10
"""Steps of a trial, and between its checkpoints (tiny_sweep)."""
TWO, SIX = "(0.0, 0.2)", "(0.0, 0.2, 0.1, 0.3, 0.4, 0.5)"
ONE_WITH_PLENTY = '(0.0,), "training.batch": (24,), "heads.start": ("independent",)'
"""Each step has words of every task, and the heads differ, so that rounding alone moves R_TM at first."""


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    reason = missing_right()
    if reason:
        pytest.skip(reason)
    with cluster(tmp_path_factory.mktemp("nodes")) as cluster_of_nodes:
        yield cluster_of_nodes


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the storage path of the same trials, trained without Ray."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert sweep.main([trials_of(folder, SIX), "--local", "--storage-path", str(folder / "runs")]) == 0
    return folder / "runs"


@pytest.fixture
def storage(undisturbed: Path, tmp_path: Path) -> Path:
    """Return a storage path with words and features, which all nodes see."""
    shutil.copytree(undisturbed / "cache", tmp_path / "runs" / "cache")
    return tmp_path / "runs"


@pytest.fixture
def train(nodes: Cluster, storage: Path, tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Yield a function that starts a sweep with given coefficients.

    Every command ends with its test.
    """
    started = []

    def start(coefficients: str, *more: str) -> Command:
        started.append(nodes.command(trials_of(tmp_path, coefficients), "--storage-path", str(storage), *more))
        return started[-1]

    yield start
    for command in started:
        kill(command)
        command.communicate()


def trials_of(folder: Path, coefficients: str) -> str:
    return space(folder, steps=STEPS, grid=f'{{"grouping.base_coefficient": {coefficients}}}')


def trials(storage: Path) -> list[Path]:
    return sorted(path.parent for path in storage.glob("tiny/*/config.json"))


def training(storage: Path) -> dict[Path, str]:
    """Return the unfinished trials with a checkpoint, and the nodes of their attempts."""
    return {trial: host(trial) for trial in trials(storage) if listed_steps(trial) and not (trial / "DONE.json").exists()}


def host(trial: Path) -> str:
    return str(attempt_records(trial)[-1]["by"]).rpartition(" on ")[2]


def process(trial: Path) -> int:
    return int(str(attempt_records(trial)[-1]["by"]).split()[1])


def output(command: Command, code: int, within_s: float = DEADLINE_S) -> str:
    """Return the output of a command that ends with this code in time."""
    out, _ = command.communicate(timeout=within_s)
    assert command.returncode == code, out
    assert "Traceback" not in out
    return out


def require_undisturbed(storage: Path, undisturbed: Path, count: int) -> None:
    """Require that every trial is done, with the bits of an undisturbed run.

    Each step is counted once.
    """
    assert len(trials(storage)) == count
    for trial in trials(storage):
        assert (trial / "DONE.json").exists()
        assert same_evidence(read_history(trial), read_history(undisturbed / "tiny" / trial.name))


def freeze(trial: Path, node: Node) -> int:
    """Stop the process of a trial, as a hung file system would, and return its id on the host.

    It is never stopped while it holds the trial's lock.
    """
    pid = node.host_pid(process(trial))
    while True:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.05)
        with (trial / ".lock").open() as lock, contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return pid
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.05)


def last_recorded(stream: BinaryIO) -> tuple[int, bool]:
    """Return the last step in a history's stream, and whether its writer has ended it."""
    stream.seek(0)
    content, last = stream.read(), 0
    with contextlib.suppress(pa.ArrowInvalid):
        for batch in pa.ipc.open_stream(content):
            last = batch["step"][-1].as_py()
    return int(last), content.endswith(END_OF_STREAM)


def test_a_killed_node_costs_one_checkpoint_interval_and_a_new_one_takes_part(nodes, undisturbed, storage, train):
    nodes.provide(2)
    command = train(SIX)
    wait_until(lambda: len(set(training(storage).values())) == 2, command)
    (other, survivor), (trial, name) = training(storage).items()
    done = {path: path.read_bytes() for path in storage.glob("tiny/*/DONE.json")}
    reached = max(listed_steps(trial))
    waiting = freeze(other, nodes.node_named(survivor))  # else the node that is left may train all the rest before a new one is there
    nodes.node_named(name).kill()
    (new,) = nodes.add()
    wait_until(lambda: new.name in {host(each) for each in trials(storage) if attempt_records(each)}, command)
    os.kill(waiting, signal.SIGCONT)
    output(command, 0)
    require_undisturbed(storage, undisturbed, 6)
    first, second = attempt_records(trial)
    assert first["by"].endswith(f" on {name}")
    assert not second["by"].endswith(f" on {name}")
    assert second["from_step"] >= reached
    assert new.name in {host(each) for each in trials(storage)}
    assert all(path.read_bytes() == content for path, content in done.items())


@pytest.mark.long
def test_a_node_that_was_cut_off_and_comes_back_writes_nothing_more(nodes, undisturbed, storage, train):
    nodes.provide(3)
    command = train(TWO)
    wait_until(lambda: training(storage), command)
    trial, name = training(storage).popitem()
    node = nodes.node_named(name)
    zombie = freeze(trial, node)
    node.cut()
    with (trial / "history" / "attempt-1.arrows").open("rb") as stream:
        stood, _ = last_recorded(stream)
        wait_until(lambda: len(attempt_records(trial)) == 2 and "from_step" in attempt_records(trial)[-1], command)
        written = set((trial / "checkpoints").glob("*-1.safetensors"))
        os.kill(zombie, signal.SIGCONT)
        wait_until(lambda: last_recorded(stream)[1])
        assert last_recorded(stream)[0] - stood <= EVERY
    assert set((trial / "checkpoints").glob("*-1.safetensors")) <= written
    node.heal()
    output(command, 0)
    require_undisturbed(storage, undisturbed, 2)
    first, second = attempt_records(trial)
    assert first["by"].endswith(f" on {name}")
    assert not second["by"].endswith(f" on {name}")
    assert json.loads((trial / "DONE.json").read_text())["attempts"] == 2
    wait_until(lambda: not node.processes())


@pytest.mark.long
def test_a_lost_head_is_said_within_90_s_and_the_same_command_goes_on_with_a_new_one(nodes, undisturbed, storage, train):
    nodes.provide(2)
    command = train(TWO)
    wait_until(lambda: len(set(training(storage).values())) == 2, command)
    trial, name = training(storage).popitem()
    nodes.head.kill()
    nodes.node_named(name).kill()
    out = output(command, 5, 90)
    assert re.search(
        f"^raygroup: the head of the Ray cluster at {nodes.address} .*. Everything recorded so far is kept. To continue: python -m ",
        out,
        re.M,
    )
    orphaned = nodes.workers()
    nodes.start_head()
    nodes.add(2)
    output(train(TWO), 0)
    require_undisturbed(storage, undisturbed, 2)
    assert len(attempt_records(trial)) == 2
    wait_until(lambda: not any(node.processes() for node in orphaned))


@pytest.mark.long
def test_workers_on_several_nodes_train_together_and_go_on_when_one_is_killed(nodes, undisturbed, storage, train, tmp_path):
    nodes.provide(3)
    command = train(ONE_WITH_PLENTY, "--workers", "2")
    wait_until(lambda: training(storage), command)
    trial, name = training(storage).popitem()
    reached = max(listed_steps(trial))
    nodes.node_named(name).kill()
    output(command, 0)
    alone = tmp_path / "alone"
    shutil.copytree(undisturbed / "cache", alone / "cache")
    assert sweep.main([trials_of(tmp_path, ONE_WITH_PLENTY), "--local", "--storage-path", str(alone)]) == 0
    require_alike(read_history(trial), read_history(alone / "tiny" / trial.name))
    first, second = attempt_records(trial)
    assert first["by"].endswith(f" on {name}")
    assert not second["by"].endswith(f" on {name}")
    assert second["from_step"] >= reached


def require_alike(history: History, reference: History) -> None:
    """Require equal assignments wherever one head leads clearly.

    Several workers add in another order, so rounding decides between heads that are level.
    """
    best = np.sort(reference.r_tm, axis=-1)
    leads = best[..., -1] - best[..., -2] >= 1e-3
    assert np.array_equal(history.step, np.arange(1, STEPS + 1))
    assert np.array_equal(history.r_tm.argmax(-1)[leads], reference.r_tm.argmax(-1)[leads])
    assert leads.mean() > 0.98
    assert np.allclose(history.r_tm, reference.r_tm, rtol=1e-2, atol=1e-2)
