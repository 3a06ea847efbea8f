"""The watcher of spot notices, with a metadata service on this machine and a Ray cluster of two nodes."""

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
from sweep_process import DEADLINE_S

from raygroup.cluster.__main__ import main
from raygroup.cluster.spot_notice import Metadata, Notice, wait_for_notice
from raygroup.errors import ConfigError
from raygroup.runtime.on_ray.drain import drain_node
from raygroup.runtime.on_ray.settings import ENVIRONMENT

TOKEN = "metadata-token"
ACTION, REBALANCE = "/latest/meta-data/spot/instance-action", "/latest/meta-data/events/recommendations/rebalance"


@dataclass
class Service:
    """A metadata service: its documents, and the requests that it got."""

    url: str
    documents: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    token: str = TOKEN
    num_failures: int = 0
    """This many of the next requests get a server error."""

    def give_notice(self, in_s: float, action: str = "terminate") -> str:
        """Announce that EC2 takes the instance back, and return the time as EC2 writes it."""
        stamp = datetime.fromtimestamp(time.time() + in_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.documents[ACTION] = json.dumps({"action": action, "time": stamp})
        return stamp


@pytest.fixture
def service() -> Iterator[Service]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            lifetime_s = int(self.headers["X-aws-ec2-metadata-token-ttl-seconds"])
            good = self.path == "/latest/api/token" and 1 <= lifetime_s <= 21600
            self._answer(200 if good else 400, service.token)

        def do_GET(self) -> None:
            if self.headers["X-aws-ec2-metadata-token"] != service.token:
                self._answer(401, "")
            elif self.path in service.documents:
                self._answer(200, service.documents[self.path])
            else:
                self._answer(404, "")

        def _answer(self, status: int, text: str) -> None:
            service.requests.append(f"{self.command} {self.path}")
            if service.num_failures:
                service.num_failures -= 1
                status, text = 503, ""
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service = Service(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield service
    server.shutdown()
    thread.join()
    server.server_close()


def notice_and_reports(service: Service, limit_s: float = 10.0) -> tuple[Notice, list[str]]:
    """Wait for a notice. Return it with the lines that were reported before it came.

    The test fails if a line comes later than ``limit_s``.
    """
    lines: list[str] = []
    deadline = time.monotonic() + limit_s

    def report(line: str) -> None:
        assert time.monotonic() < deadline
        lines.append(line)

    return wait_for_notice(Metadata(service.url), 0.02, report), lines


def test_without_a_document_there_is_no_notice(service: Service):
    assert Metadata(service.url).notice() is None


def test_one_token_serves_for_many_requests(service: Service):
    metadata = Metadata(service.url)
    for _ in range(3):
        assert metadata.notice() is None
    assert service.requests == ["PUT /latest/api/token", *[f"GET {ACTION}"] * 3]


def test_a_notice_has_an_action_and_a_time(service: Service):
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
    service.give_notice(60)
    with pytest.raises(OSError, match="401"):
        metadata.notice()
    assert metadata.notice() is not None


def test_a_recommendation_to_leave_is_reported_once_and_is_no_notice(service: Service):
    service.documents[REBALANCE] = '{"noticeTime": "2026-09-18T08:20:00Z"}'
    threading.Timer(0.5, service.give_notice, (60,)).start()
    _, lines = notice_and_reports(service)
    assert lines == ["EC2 has recommended to leave this instance since 2026-09-18T08:20:00Z; work continues until there is a notice"]
    assert service.requests.count(f"GET {REBALANCE}") == 1


def test_a_service_that_fails_is_asked_again_and_reported_once(service: Service):
    service.num_failures = 5
    threading.Timer(0.5, service.give_notice, (60,)).start()
    _, lines = notice_and_reports(service)
    assert [line.split(" (")[0] for line in lines] == [f"{service.url} does not answer", f"{service.url} answers again"]


def test_a_missing_service_is_asked_until_it_answers(service: Service):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        metadata = Metadata(f"http://127.0.0.1:{silent.getsockname()[1]}")
        lines: list[str] = []

        def start_service(line: str) -> None:
            lines.append(line)
            service.give_notice(60)
            metadata.url = service.url

        assert wait_for_notice(metadata, 0.02, start_service).action == "terminate"
    assert "does not answer" in lines[0]


def test_the_metadata_service_is_never_asked_through_a_proxy(service: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert Metadata(service.url).notice() is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--every", "0"], "argument --every: '0' must be a number above 0 and at most 60"),
        (["--every", "90"], "argument --every: '90' must be a number above 0 and at most 60"),
        (["--metadata-url", "169.254.169.254"], "--metadata-url is '169.254.169.254': it must begin with http:// or https://"),
    ],
)
def test_a_wrong_flag_is_one_line_and_exit_code_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    assert main(["watch", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"raygroup: {message}")


def test_a_silent_cluster_is_asked_until_the_instance_goes(monkeypatch: pytest.MonkeyPatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    end = time.time() + 2.5
    with pytest.raises(ConfigError, match="could not be drained before its instance goes: --address 127.0.0.1:9: no Ray cluster answers"):
        drain_node("127.0.0.1:9", None, end, "a spot instance is taken back")
    assert end - 1.5 < time.time() < end + 2


@dataclass(frozen=True)
class TwoNodes:
    """A head without CPUs and a worker, both on this machine."""

    address: str
    environment: dict[str, str]

    def nodes(self) -> dict[str, bool]:
        """Return id -> whether it is the head, for every live node."""
        code = """
import json, sys
from ray._raylet import GcsClient
nodes = GcsClient(address=sys.argv[1]).get_all_node_info().items()
print(json.dumps({node.hex(): about.is_head_node for node, about in nodes if about.state == about.ALIVE}))
"""
        command = [sys.executable, "-c", code, self.address]
        outcome = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True, timeout=DEADLINE_S)
        return dict(json.loads(outcome.stdout))

    def busy(self) -> "subprocess.Popen[str]":
        """Start a program whose actor runs on the worker node.

        It prints ``runs``. Once a node is drained, it prints the answer that a worker gets when it asks: node id -> deadline in
        milliseconds since 1970.
        """
        code = """
import json, logging, sys, time
import ray
ray.init(address=sys.argv[1], logging_level=logging.ERROR, log_to_driver=False)

@ray.remote(num_cpus=0)
class Worker:
    def ready(self):
        return "runs"
    def draining(self):
        from ray._private.state import state
        while not (nodes := state.get_draining_nodes()):
            time.sleep(0.1)
        return nodes

worker = Worker.options(num_cpus=1).remote()
print(ray.get(worker.ready.remote()), flush=True)
print(json.dumps(ray.get(worker.draining.remote())))
"""
        command = [sys.executable, "-c", code, self.address]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)

    @contextlib.contextmanager
    def watcher(self, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
        """Start a watcher. Kill it at the end of the block, so that its test fails rather than hangs."""
        command = [sys.executable, "-m", "raygroup.cluster", "watch", "--address", self.address, *arguments]
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
        without_ray = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        environment = without_ray | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(folder / "token"), "RAY_USAGE_STATS_ENABLED": "0"}
        port = free_port()
        address = f"{socket.gethostbyname(socket.gethostname())}:{port}"
        processes: list[subprocess.Popen[bytes]] = []
        head = ["--head", f"--port={port}", f"--temp-dir={folder / 'ray'}", "--include-dashboard=false", "--num-cpus=0"]
        try:
            for number, arguments in enumerate((head, [f"--address={address}", "--num-cpus=1"])):
                processes.append(ray_node(folder / f"{number}.log", environment, arguments))
            yield TwoNodes(address, environment)
        finally:
            end_all(f"RAY_AUTH_TOKEN_PATH={folder / 'token'}")
            for process in processes:
                process.wait()


@pytest.mark.slow
def test_two_nodes_on_one_machine_need_a_node_id(two_nodes: TwoNodes):
    with two_nodes.watcher() as watcher:
        _, errors = watcher.communicate(timeout=DEADLINE_S)
    assert watcher.returncode == 2
    assert "2 nodes of the cluster run at" in errors
    assert all(node in errors for node in two_nodes.nodes())
    assert len(errors.splitlines()) == 1


@pytest.mark.slow
def test_an_unknown_node_or_cluster_is_one_line(two_nodes: TwoNodes):
    for arguments, message in (
        (["--node-id", "ab"], "--node-id ab: the cluster has no such node"),
        (["--address", "127.0.0.1:9"], "--address"),
    ):
        with two_nodes.watcher(*arguments) as watcher:
            _, errors = watcher.communicate(timeout=DEADLINE_S)
        assert watcher.returncode == 2
        assert errors.startswith(f"raygroup: {message}")
        assert len(errors.splitlines()) == 1


@pytest.mark.slow
def test_an_interrupted_watcher_ends_with_130(two_nodes: TwoNodes, service: Service):
    with two_nodes.watcher("--metadata-url", service.url, "--node-id", next(iter(two_nodes.nodes()))) as watcher:
        assert watcher.stderr is not None
        watcher.stderr.readline()
        watcher.send_signal(signal.SIGINT)
        assert watcher.wait(DEADLINE_S) == 130
        assert "Traceback" not in watcher.stderr.read()


@pytest.mark.slow
def test_a_notice_drains_the_node_until_its_instance_goes_and_an_idle_node_leaves(two_nodes: TwoNodes, service: Service):
    worker = next(node for node, is_head in two_nodes.nodes().items() if not is_head)
    with two_nodes.busy() as busy, two_nodes.watcher("--metadata-url", service.url, "--every", "0.1", "--node-id", worker) as watcher:
        assert busy.stdout is not None
        assert watcher.stderr is not None
        assert busy.stdout.readline() == "runs\n"
        assert worker[:12] in watcher.stderr.readline()
        stamp = service.give_notice(90)
        assert watcher.stderr.read() == f"raygroup: EC2 will terminate this instance: node {worker[:12]} is being drained\n"
        assert watcher.wait(DEADLINE_S) == 0
        assert json.loads(busy.stdout.read()) == {worker: 1000 * int(datetime.fromisoformat(stamp).timestamp())}
    deadline = time.monotonic() + 30
    while worker in two_nodes.nodes():
        assert time.monotonic() < deadline
        time.sleep(0.5)
