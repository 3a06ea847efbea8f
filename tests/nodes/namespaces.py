"""Ray nodes in network namespaces, which act as machines of their own.

Each has its network address, host name, processes and folder for Ray. One bridge connects them. A node
can be killed, and its cable pulled and plugged in again. The nodes share the processors and the file
system, which stands for a network file system at the storage path.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray_processes import until_it_runs

PORT = 6399
_MAX_NODES = 9
_RAY_FOLDER = Path("/tmp/ray")
"""The path of each node's own folder on that node. It is short, because a socket's path may have 107 bytes."""
_BOOT = 'hostname "$1"; mount --bind "$2" "$3"; exec sleep infinity'
_MACHINE = ("unshare", "--uts", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")
_QUICK = {"RAY_health_check_initial_delay_ms": "2000", "RAY_health_check_period_ms": "1000", "RAY_health_check_timeout_ms": "2000",
          "RAY_health_check_failure_threshold": "3"}  # fmt: skip
"""With these settings a silent node counts as dead after about 9 seconds, not 30."""


def missing_right() -> str | None:
    """Return why this machine cannot make network namespaces, or None."""
    probe = f"rg{os.getpid()}probe"
    steps = (
        ["ip", "netns", "add", probe],
        ["ip", "-n", probe, "link", "add", "one", "type", "veth", "peer", "name", "two"],
        ["ip", "netns", "exec", probe, "setpriv", "--pdeathsig", "KILL", *_MACHINE, "hostname", "one"],
    )
    try:
        results = (subprocess.run(step, capture_output=True, text=True, check=False) for step in steps)
        broken = next((f"{' '.join(done.args)}: {done.stderr.strip()}" for done in results if done.returncode), None)
        _ip("netns", "del", probe, must=False)
    except FileNotFoundError as error:
        broken = f"iproute2 or util-linux is not there: {error}"
    return broken and f"needs the right to make network namespaces: {broken}"


@dataclass
class Node:
    """A machine and its Ray node."""

    name: str
    """The host name, which leases record."""
    namespace: str
    address: str
    folder: Path
    cable: str
    """The end of its link at the bridge."""
    machine: "subprocess.Popen[bytes] | None" = None
    """The process whose end ends all others of the machine. It ends with the test process."""
    ray: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        return self.folder / "start.log"

    def boot(self) -> None:
        """Start the machine, so that processes can run on it."""
        line = ["setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", self.namespace, *_MACHINE, "sh", "-c", _BOOT, "sh"]
        self.machine = subprocess.Popen([*line, self.name, str(self.folder), str(_RAY_FOLDER)])
        while not (first := _child(self.machine)) or Path(f"/proc/{first}/comm").read_text() != "sleep\n":
            assert self.machine.poll() is None
            time.sleep(0.02)

    def start(self, command: Sequence[str], **more: Any) -> "subprocess.Popen[Any]":
        """Start a command on this machine.

        It gets a mount namespace of its own, which identifies its processes.
        """
        assert self.machine is not None
        prefix = ["nsenter", f"--target={_child(self.machine)}", "--net", "--uts", "--pid", "--mount"]
        return subprocess.Popen([*prefix, "unshare", "--mount", "--propagation=unchanged", *command], **more)

    def kill(self) -> None:
        """Kill every process of the Ray node at once, as a power cut does."""
        if self.ray is not None:
            kill(self.ray)
            self.ray = None

    def cut(self) -> None:
        """Cut the machine off from the network. Connections stay open."""
        _ip("link", "set", self.cable, "down")

    def heal(self) -> None:
        """Connect the machine again."""
        _ip("link", "set", self.cable, "up")

    def processes(self) -> set[int]:
        """Return the ids, on the host, of the processes of this machine."""
        listed = subprocess.run(["ip", "netns", "pids", self.namespace], capture_output=True, text=True, check=False)
        holders = {self.machine.pid, _child(self.machine)} if self.machine else set()
        return {int(pid) for pid in listed.stdout.split()} - holders

    def host_pid(self, pid: int) -> int:
        """Return the id on the host of process ``pid`` of this machine."""
        return next(each for each in self.processes() if _inner_pid(each) == pid)


@dataclass
class Network:
    """The machines on one bridge."""

    folder: Path
    bridge: str
    nodes: list[Node] = field(default_factory=list)

    def add_node(self) -> Node:
        """Add a machine, without Ray."""
        number = 1 + len(self.nodes)
        if number > _MAX_NODES:
            raise ValueError(f"there are addresses for {_MAX_NODES} machines")
        name, namespace, cable = f"node{number}", f"rg{os.getpid()}n{number}", f"rgv{os.getpid()}n{number}"
        node = Node(name, namespace, _address(number), self.folder / name, cable)
        node.folder.mkdir()
        hosts = Path("/etc/netns") / namespace / "hosts"
        hosts.parent.mkdir(parents=True)
        hosts.write_text("127.0.0.1 localhost\n" + "".join(f"{_address(each)} node{each}\n" for each in range(1, 1 + _MAX_NODES)))
        self.nodes.append(node)
        _ip("netns", "add", namespace)
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("link", "set", cable, "master", self.bridge, "up")
        _ip("-n", namespace, "link", "set", "lo", "up")
        _ip("-n", namespace, "addr", "add", f"{node.address}/24", "dev", "eth0")
        _ip("-n", namespace, "link", "set", "eth0", "up")
        node.boot()
        return node

    def close(self) -> None:
        for node in self.nodes:
            node.kill()
            if node.machine is not None:
                node.machine.kill()
                node.machine.wait()
            _ip("netns", "del", node.namespace, must=False)
            _ip("link", "del", node.cable, must=False)
            shutil.rmtree(Path("/etc/netns") / node.namespace, ignore_errors=True)
        _ip("link", "del", self.bridge, must=False)


@dataclass
class Cluster:
    """A Ray head that trains nothing, and workers of one CPU each."""

    network: Network
    token: Path
    head: Node

    @property
    def address(self) -> str:
        return f"{self.head.address}:{PORT}"

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        settings = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.token), "RAY_USAGE_STATS_ENABLED": "0"}
        return inherited | settings | _QUICK

    def start_head(self) -> None:
        self._start(self.head, ["--head", f"--port={PORT}", "--num-cpus=0", '--resources={"driver": 4}', "--dashboard-host=127.0.0.1"])

    def add(self, count: int = 1) -> list[Node]:
        """Add machines that start Ray at the same time."""
        nodes = [self.network.add_node() for _ in range(count)]
        for node in nodes:
            self._start(node, [f"--address={self.address}", "--num-cpus=1"], wait=False)
        for node in nodes:
            self._wait_for_ray(node)
        return nodes

    def workers(self) -> list[Node]:
        """Return the workers that run."""
        return [node for node in self.network.nodes if node is not self.head and node.processes()]

    def provide(self, count: int) -> None:
        """Make sure that a head and exactly ``count`` workers run."""
        if self.head.ray is None:
            self.start_head()
        alive = self.workers()
        for node in alive[count:]:
            node.kill()
        self.add(max(0, count - len(alive)))

    def node_named(self, name: str) -> Node:
        return next(node for node in self.network.nodes if node.name == name)

    def command(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start the sweep command on the head's machine."""
        line = [sys.executable, "-m", "raygroup.sweep", *arguments, "--address", self.address]
        return self.head.start(line, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def _start(self, node: Node, arguments: list[str], wait: bool = True) -> None:
        start = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", f"--node-ip-address={node.address}", *arguments]
        line = [*start, "--object-store-memory=80000000", "--disable-usage-stats"]
        with node.log.open("wb") as log:
            node.ray = node.start(line, env=self.environment, stdout=log, stderr=log)
        if wait:
            self._wait_for_ray(node)

    def _wait_for_ray(self, node: Node) -> None:
        assert node.ray is not None
        until_it_runs(node.ray, node.log)


@contextlib.contextmanager
def network(folder: Path) -> Iterator[Network]:
    """Yield a network without machines, and remove it afterwards."""
    _remove_leftovers()
    bridged = Network(folder, f"rgb{os.getpid()}")
    _RAY_FOLDER.mkdir(exist_ok=True)
    try:
        _ip("link", "add", bridged.bridge, "type", "bridge")
        _ip("link", "set", bridged.bridge, "up")
        yield bridged
    finally:
        bridged.close()


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Yield a cluster with a head alone. It accepts only clients with the token."""
    token = folder / "token"
    token.write_text(os.urandom(32).hex())
    token.chmod(0o600)
    with network(folder) as machines:
        ray_cluster = Cluster(machines, token, machines.add_node())
        ray_cluster.start_head()
        yield ray_cluster


def _address(number: int) -> str:
    return f"10.77.0.{number}"


def kill(process: "subprocess.Popen[Any]") -> None:
    """Kill a command on a node, and every process that it started."""
    with contextlib.suppress(FileNotFoundError):  # it has ended
        if first := _child(process):
            namespace = os.readlink(f"/proc/{first}/ns/mnt")
            while [pid for pid in _pids_in(namespace) if _try_to_kill(pid)]:
                time.sleep(0.02)
    process.wait()


def _child(process: "subprocess.Popen[Any]") -> int | None:
    """Return the first child of a process."""
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return int(children[0]) if children else None
    return None


def _inner_pid(pid: int) -> int | None:
    """Return the id of a process on its own machine."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(line.split()[-1]) for line in lines if line.startswith("NSpid"))
    return None


def _pids_in(namespace: str) -> list[int]:
    """Return the processes in a mount namespace."""
    pids = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and os.readlink(entry / "ns" / "mnt") == namespace:
                pids.append(int(entry.name))
    return pids


def _try_to_kill(pid: int) -> bool:
    """Kill a process. Returns False if it has ended already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def _remove_leftovers() -> None:
    """Remove the networks of test processes that were killed."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    for name in (line.split()[0] for line in listed.splitlines()):
        owner = name.removeprefix("rg").partition("n")[0]
        if name.startswith("rg") and owner.isdigit() and not Path(f"/proc/{owner}").exists():
            number = name.rpartition("n")[2]
            leftover = Network(Path(), f"rgb{owner}", [Node("", name, "", Path(), f"rgv{owner}n{number}")])
            leftover.close()


def _ip(*arguments: str, must: bool = True) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if must and done.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
