"""Kill processes of a sweep at random, then compare its histories with undisturbed ones.

``python tests/runtime/chaos.py --kills 500 --seed 7 --workers 1`` is the long form; it prints what it killed, and one JSON object at its
end. The same command is run again whenever it ends before its sweep is done; each sweep that gets done is followed by a new one.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from ray_processes import end, end_all, marked
from tiny_sweep import space

from raygroup.history.reader import read_history, same_evidence
from raygroup.storage.leases import attempt_records

KINDS = {
    "worker": ("ray::ResourceTrainable", "ray::RayTrainWorker", "ray::Pack"),
    "driver": ("multiprocessing.spawn",),
    "command": ("-m raygroup.sweep",),
    "raylet": ("raylet/raylet ",),
    "head": ("gcs_server ",),
}
"""Kind -> what its processes' command lines hold. Where several workers train a pack, a worker is also what starts them."""
WEIGHTS = {"worker": 8, "driver": 1, "command": 1, "raylet": 1, "head": 1}
LIMIT_S = 300.0
"""A run of the command that takes longer hangs."""


@dataclass
class Chaos:
    """A sweep under fire: the kills so far, and their effects."""

    storage: Path
    kills: int
    seed: int
    workers: int = 1
    log: Callable[[str], None] = print
    killed: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    trials: int = 0
    differing: list[str] = field(default_factory=list)

    def run(self) -> "Chaos":
        self.dice = random.Random(self.seed)
        self.log(f"seed {self.seed}")
        number = 0
        while self.killed.total() < self.kills:
            self._sweep(f"chaos-{self.seed}-{number}")
            number += 1
        return self

    def _sweep(self, name: str) -> None:
        """One sweep to its end, however often it must be begun."""
        seeds = f"(0, {100 + len(self.codes)})" if self.workers == 1 else "(0,)"
        path = space(self.storage.parent, name=name, steps=800, seeds=seeds)
        command = [sys.executable, "-m", "raygroup.sweep", path, "--storage-path", str(self.storage), "--workers", str(self.workers)]
        code = None
        while code != 0:
            code = self._begun(command)
            self.codes[code] += 1
            assert code in (0, 5, -signal.SIGKILL), f"exit code {code}"
        alone = self.storage.parent / f"alone-{name}"
        (alone).mkdir()
        shutil.copytree(self.storage / "cache", alone / "cache")
        subprocess.run([*command[:4], "--local", "--storage-path", str(alone)], check=True, stdout=subprocess.DEVNULL)
        self._compare(self.storage / name, alone / name)
        shutil.rmtree(alone)

    def _begun(self, command: list[str]) -> int:
        mark = f"RAYGROUP_CHAOS={uuid.uuid4().hex}"
        log = (self.storage.parent / "command.log").open("a")
        environment = os.environ | dict([mark.split("=")])
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        began = time.monotonic()
        try:
            while process.poll() is None:
                if self.killed.total() < self.kills:
                    self._kill_one(mark, self.dice.uniform(0.5, 6.0), process)
                else:
                    time.sleep(0.2)
                assert time.monotonic() - began < LIMIT_S, f"the command hangs: {log.name}"
            return process.returncode
        finally:
            log.close()
            end_all(mark)  # what a killed command leaves behind ends by itself; the next one need not wait for it

    def _kill_one(self, mark: str, after_s: float, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + after_s
        while time.monotonic() < deadline:
            if process.poll() is not None:
                return
            time.sleep(0.1)
        processes = marked(mark)
        if not any(any(hint in line for hint in KINDS["worker"]) for line in processes.values()):
            return  # nothing trains yet
        kind = self.dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        victims = [pid for pid, line in processes.items() if any(hint in line for hint in KINDS[kind])]
        if victims:
            pid = self.dice.choice(victims)
            self.log(f"{self.killed.total() + 1}: {kind} ({processes[pid][:60].strip()})")
            end(pid)
            self.killed[kind] += 1

    def _compare(self, disturbed: Path, alone: Path) -> None:
        for done in sorted(alone.glob("*/DONE.json")):
            folder = disturbed / done.parent.name
            self.trials += 1
            disturbed_history, undisturbed_history = read_history(folder), read_history(done.parent)
            same = (
                same_evidence(disturbed_history, undisturbed_history)
                if self.workers == 1
                else list(disturbed_history.step) == list(undisturbed_history.step)
            )
            num_attempts = len(attempt_records(folder))
            self.log(f"{folder.name}: {num_attempts} attempts, {'equal' if same else 'DIFFERS'}")
            if not same:
                self.differing.append(folder.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="raygroup-chaos-"))
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "raygroup.sweep", space(folder), "--local", "--storage-path", str(folder / "runs")], check=True)
    done = Chaos(folder / "runs", options.kills, options.seed, options.workers, lambda text: print(text, flush=True)).run()
    summary = {
        "kills": done.killed.total(), "killed": dict(done.killed), "exit_codes": {str(code): n for code, n in done.codes.items()},
        "trials": done.trials, "differing": done.differing, "seed": options.seed, "wall_s": round(time.monotonic() - began),
    }  # fmt: skip
    print(json.dumps(summary))
    sys.exit(bool(done.differing))


if __name__ == "__main__":
    main()
