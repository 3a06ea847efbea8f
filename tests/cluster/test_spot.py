"""The watcher of spot notices, against a metadata service of this machine and a Ray cluster of two nodes."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ray_processes import end_all, free_port, ray_node

from raygroup.cluster import watch_notices as spot
from raygroup.cluster.spot_notice import Metadata, Notice, drain, watch
from raygroup.errors import ConfigError
from raygroup.runtime.on_ray.settings import ENVIRONMENT

TOKEN = "metadata-token"
ACTION, REBALANCE = "/latest/meta-data/spot/instance-action", "/latest/meta-data/events/recommendations/rebalance"


@dataclass
class Service:
    """What the metadata service knows, and what it was asked."""

    url: str
    documents: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    token: str = TOKEN
    failing: int = 0
    """So many questions yet get an error of the server."""

    def ends(self, in_s: float, action: str = "terminate") -> str:
        """EC2 takes the instance back; the time it states."""
        stamp = datetime.fromtimestamp(time.time() + in_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.documents[ACTION] = json.dumps({"action": action, "time": stamp})
        return stamp


@pytest.fixture
def service() -> Iterator[Service]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            asked_for_seconds = int(self.headers["X-aws-ec2-metadata-token-ttl-seconds"])
            good = self.path == "/latest/api/token" and 1 <= asked_for_seconds <= 21600
            self._answer(200 if good else 400, made.token)

        def do_GET(self) -> None:
            if self.headers["X-aws-ec2-metadata-token"] != made.token:
                self._answer(401, "")
            elif self.path in made.documents:
                self._answer(200, made.documents[self.path])
            else:
                self._answer(404, "")

        def _answer(self, status: int, text: str) -> None:
            made.asked.append(f"{self.command} {self.path}")
            if made.failing:
                made.failing -= 1
                status, text = 503, ""
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Service(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def watched(service: Service, until: float = 10.0) -> tuple[Notice, list[str]]:
    """The notice, and what was said before it came; a watcher that waits longer than ``until`` fails the test."""
    said: list[str] = []
    end = time.monotonic() + until

    def heard(line: str) -> None:
        assert time.monotonic() < end
        said.append(line)

    return watch(Metadata(service.url), 0.02, heard), said


def test_nothing_at_the_path_is_no_notice(service: Service):
    assert Metadata(service.url).notice() is None


def test_one_token_serves_for_many_questions(service: Service):
    metadata = Metadata(service.url)
    for _ in range(3):
        assert metadata.notice() is None
    assert service.asked == ["PUT /latest/api/token", *[f"GET {ACTION}"] * 3]


def test_a_notice_says_what_happens_and_when(service: Service):
    service.documents[ACTION] = '{"action": "stop", "time": "2026-09-18T08:22:00Z"}'
    assert Metadata(service.url).notice() == Notice("stop", datetime(2026, 9, 18, 8, 22, tzinfo=UTC).timestamp())


def test_a_notice_that_cannot_be_read_is_still_a_notice(service: Service):
    service.documents[ACTION] = "terminate"
    notice = Metadata(service.url).notice()
    assert notice is not None
    assert 100 < notice.at - time.time() <= 120


def test_a_refused_token_is_replaced(service: Service):
    metadata = Metadata(service.url)
    assert metadata.notice() is None
    service.token = "another"
    service.ends(60)
    with pytest.raises(OSError, match="401"):
        metadata.notice()
    assert metadata.notice() is not None


def test_a_recommendation_to_leave_is_said_once_and_drains_nothing(service: Service):
    service.documents[REBALANCE] = '{"noticeTime": "2026-09-18T08:20:00Z"}'
    threading.Timer(0.5, service.ends, (60,)).start()
    _, said = watched(service)
    assert said == ["EC2 recommends to leave this instance since 2026-09-18T08:20:00Z; it goes on until there is a notice"]
    assert service.asked.count(f"GET {REBALANCE}") == 1


def test_a_service_that_fails_is_asked_again_and_named_once(service: Service):
    service.failing = 5
    threading.Timer(0.5, service.ends, (60,)).start()
    _, said = watched(service)
    assert [line.split(" (")[0] for line in said] == [f"{service.url} does not answer", f"{service.url} answers again"]


def test_a_service_that_is_not_there_is_asked_until_it_is(service: Service):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        metadata, said = Metadata(f"http://127.0.0.1:{taken.getsockname()[1]}"), []

        def moved(line: str) -> None:
            said.append(line)
            service.ends(60)
            metadata.url = service.url

        assert watch(metadata, 0.02, moved).action == "terminate"
    assert "does not answer" in said[0]


def test_the_metadata_service_is_never_asked_through_a_proxy(service: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert Metadata(service.url).notice() is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--every", "0"], "--every is 0: it must be more than 0"),
        (["--every", "90"], "--every is 90: it must be more than 0 and at most 60"),
        (["--metadata-url", "169.254.169.254"], "--metadata-url is '169.254.169.254': it must begin with http://"),
    ],
)
def test_what_cannot_be_watched_is_one_line_and_exit_code_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    assert spot.main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"raygroup: {message}")


def test_a_cluster_that_does_not_answer_is_asked_until_the_instance_goes(monkeypatch: pytest.MonkeyPatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    end = time.time() + 2.5
    with pytest.raises(ConfigError, match="could not be drained before its instance goes: --address 127.0.0.1:9: no Ray cluster answers"):
        drain("127.0.0.1:9", None, Notice("terminate", end))
    assert end - 1.5 < time.time() < end + 2


@dataclass(frozen=True)
class TwoNodes:
    """A head without CPUs and a worker, both on this machine."""

    address: str
    environment: dict[str, str]

    def nodes(self) -> dict[str, bool]:
        """Id of each node that lives -> whether it is the head."""
        code = """
import json, sys
from ray._raylet import GcsClient
nodes = GcsClient(address=sys.argv[1]).get_all_node_info().items()
print(json.dumps({node.hex(): about.is_head_node for node, about in nodes if about.state == about.ALIVE}))
"""
        command = [sys.executable, "-c", code, self.address]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True, timeout=120)
        return dict(json.loads(done.stdout))

    def busy(self) -> "subprocess.Popen[str]":
        """A program whose task runs on the worker: it prints ``runs``, then what a worker that asks is told (``node_ends``) once any node
        is drained, as node id -> deadline in milliseconds since 1970."""
        code = """
import json, logging, sys, time
import ray
ray.init(address=sys.argv[1], logging_level=logging.ERROR, log_to_driver=False)

@ray.remote(num_cpus=0)
class Told:
    def ready(self):
        return "runs"
    def draining(self):
        from ray._private.state import state
        while not (found := state.get_draining_nodes()):
            time.sleep(0.1)
        return found

told = Told.options(num_cpus=1).remote()
print(ray.get(told.ready.remote()), flush=True)
print(json.dumps(ray.get(told.draining.remote())))
"""
        command = [sys.executable, "-c", code, self.address]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)

    @contextlib.contextmanager
    def spot(self, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
        """A watcher; one that does not end by itself is ended with the block, so that its test fails and does not hang."""
        command = [sys.executable, "-m", "raygroup.cluster.watch_notices", "--address", self.address, *arguments]
        with subprocess.Popen(command, env=self.environment, stderr=subprocess.PIPE, text=True) as watcher:
            try:
                yield watcher
            finally:
                watcher.kill()


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[TwoNodes]:
    with tempfile.TemporaryDirectory(prefix="rg", dir="/tmp") as name:  # short: a socket's path may have 107 bytes
        folder = Path(name)
        (folder / "token").write_text(os.urandom(32).hex())
        kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        environment = kept | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(folder / "token"), "RAY_USAGE_STATS_ENABLED": "0"}
        port = free_port()
        address = f"{socket.gethostbyname(socket.gethostname())}:{port}"
        started: list[subprocess.Popen[bytes]] = []
        own = ["--head", f"--port={port}", f"--temp-dir={folder / 'ray'}", "--include-dashboard=false", "--num-cpus=0"]
        try:
            for number, arguments in enumerate((own, [f"--address={address}", "--num-cpus=1"])):
                started.append(ray_node(folder / f"{number}.log", environment, arguments))
            yield TwoNodes(address, environment)
        finally:
            end_all(f"RAY_AUTH_TOKEN_PATH={folder / 'token'}")
            for process in started:
                process.wait()


@pytest.mark.slow
def test_where_two_nodes_run_on_one_machine_the_watcher_asks_which(two_nodes: TwoNodes):
    with two_nodes.spot() as watcher:
        _, said = watcher.communicate(timeout=60)
    assert watcher.returncode == 2
    assert "2 nodes of the cluster run at" in said
    assert all(node in said for node in two_nodes.nodes())
    assert len(said.splitlines()) == 1


@pytest.mark.slow
def test_an_unknown_node_and_a_cluster_that_is_not_there_are_one_line(two_nodes: TwoNodes):
    for arguments, message in (
        (["--node-id", "ab"], "--node-id ab: the cluster has no such node"),
        (["--address", "127.0.0.1:9"], "--address"),
    ):
        with two_nodes.spot(*arguments) as watcher:
            _, said = watcher.communicate(timeout=90)
        assert watcher.returncode == 2
        assert said.startswith(f"raygroup: {message}")
        assert len(said.splitlines()) == 1


@pytest.mark.slow
def test_an_interrupted_watcher_leaves_with_130(two_nodes: TwoNodes, service: Service):
    with two_nodes.spot("--metadata-url", service.url, "--node-id", next(iter(two_nodes.nodes()))) as watcher:
        assert watcher.stderr is not None
        watcher.stderr.readline()
        watcher.send_signal(signal.SIGINT)
        assert watcher.wait(30) == 130
        assert "Traceback" not in watcher.stderr.read()


@pytest.mark.slow
def test_a_notice_drains_the_node_until_its_instance_ends_and_without_work_the_node_leaves(two_nodes: TwoNodes, service: Service):
    worker = next(node for node, is_head in two_nodes.nodes().items() if not is_head)
    with two_nodes.busy() as busy, two_nodes.spot("--metadata-url", service.url, "--every", "0.1", "--node-id", worker) as watcher:
        assert busy.stdout is not None
        assert watcher.stderr is not None
        assert busy.stdout.readline() == "runs\n"
        assert worker[:12] in watcher.stderr.readline()
        stamp = service.ends(90)
        assert watcher.stderr.read() == f"raygroup: EC2 will terminate this instance: node {worker[:12]} is being drained\n"
        assert watcher.wait(30) == 0
        assert json.loads(busy.stdout.read()) == {worker: 1000 * int(datetime.fromisoformat(stamp).timestamp())}
    deadline = time.monotonic() + 30
    while worker in two_nodes.nodes():
        assert time.monotonic() < deadline
        time.sleep(0.5)
