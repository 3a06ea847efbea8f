"""Kill processes of a sweep and damage its records at random, then compare its histories with undisturbed ones.

``python tests/runtime/chaos.py --kills 500 --seed 7 --workers 1`` is the long form. Damaged records
of unfinished trials count as kills too. It prints each of them, and one JSON object at the end. If
the sweep command ends before its sweep is done, it is run again. A sweep that is done is followed
by a new one.
"""

import argparse
import contextlib
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
    "idle": ("ray::IDLE",),
    "local": ("multiprocessing.forkserver",),
    "driver": ("multiprocessing.spawn",),
    "command": ("-m raygroup.sweep",),
    "raylet": ("raylet/raylet ",),
    "head": ("gcs_server ",),
}
"""Kind of process -> parts of its command line.

If several workers train a pack, the actor that starts them counts as a worker too. The processes of
this machine are ``local``: they prepare words and features, train with ``--local``, and wait for more
work. The fork server, of which they are copies, is one of them.
"""
RECORD = "record"
"""The kind of a fault that damages a record."""
RECORDS = ("checkpoints/state.json", "lease.json", "progress.json")
WEIGHTS = {"worker": 8, "idle": 1, "local": 2, "driver": 1, "command": 1, "raylet": 1, "head": 1, RECORD: 3}
"""Kind of process, or RECORD -> how often it is chosen."""
LOCAL_SHARE = 0.3
"""The share of sweeps that run without Ray."""
PREPARATION_SHARE = 0.3
"""How often a process is killed when its turn comes before the training. More would never let it begin."""
LIMIT_S = 240.0
"""A run of the command hangs if it writes nothing in this time after the last kill."""


@dataclass
class Chaos:
    """Sweeps whose processes are killed: the kills so far, and their effects."""

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
        self.random = random.Random(self.seed)
        self.log(f"seed {self.seed}")
        number = 0
        while self.killed.total() < self.kills:
            self._sweep(f"chaos-{self.seed}-{number}")
            number += 1
        return self

    def _sweep(self, name: str) -> None:
        """Run the command until its sweep is done, and compare the histories.

        Its words and features are made anew, so that their processes can be killed too.
        """
        self.folder = self.storage / name
        seeds = f"(0, {100 + len(self.codes)})" if self.workers == 1 else "(0,)"
        path = space(self.storage.parent, name=name, steps=800, seeds=seeds)
        command = [sys.executable, "-m", "raygroup.sweep", path, "--storage-path", str(self.storage), "--workers", str(self.workers)]
        if self.workers == 1 and self.random.random() < LOCAL_SHARE:
            command.append("--local")
        shutil.rmtree(self.storage / "cache", ignore_errors=True)
        code = None
        while code != 0:
            code = self._run_command(command)
            self.codes[code] += 1
            # Four kills in a row before a checkpoint fail a trial, and the same command tries it again.
            assert code in (0, 3, 5, -signal.SIGKILL), f"exit code {code}"
            reasons = [json.loads(path.read_text())["reason"] for path in self.folder.glob("*/FAILED.json")]
            assert all("attempts in a row ended without a new checkpoint" in reason for reason in reasons), reasons
        undisturbed = self.storage.parent / f"undisturbed-{name}"
        undisturbed.mkdir()
        shutil.copytree(self.storage / "cache", undisturbed / "cache")
        subprocess.run([*command[:4], "--local", "--storage-path", str(undisturbed)], check=True, stdout=subprocess.DEVNULL)
        self._compare(self.folder, undisturbed / name)
        shutil.rmtree(undisturbed)

    def _run_command(self, command: list[str]) -> int:
        """Run the command once, kill processes meanwhile, and return its exit code."""
        mark = f"RAYGROUP_CHAOS={uuid.uuid4().hex}"
        log = (self.storage.parent / "command.log").open("a")
        environment = os.environ | dict([mark.split("=")])
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        last_s, files = time.monotonic(), self._written_files()
        try:
            while process.poll() is None:
                if self.killed.total() < self.kills:
                    self._kill_one(mark, self.random.choice((0.3, 1.0)) * self.random.uniform(0.5, 6.0), process)
                else:
                    time.sleep(0.2)
                if (now_files := self._written_files()) != files:
                    last_s, files = time.monotonic(), now_files
                assert time.monotonic() - last_s < LIMIT_S, f"the command hangs: {log.name}"
            return process.returncode
        finally:
            log.close()
            end_all(mark)  # the children of a killed command end by themselves, but the next run must not wait for them

    def _written_files(self) -> dict[Path, int]:
        """Return when each file of the trials and of the cache was last written."""
        written = {}
        for path in (*self.folder.glob("*/**/*"), *self.storage.glob("cache/**/*")):
            with contextlib.suppress(OSError):  # files come and go
                written[path] = path.stat().st_mtime_ns
        return written

    def _kill_one(self, mark: str, after_s: float, process: "subprocess.Popen[bytes]") -> None:
        """Wait, and then kill a process of a random kind. Before the training only local ones are killed."""
        deadline = time.monotonic() + after_s
        while time.monotonic() < deadline:
            if process.poll() is not None:
                return
            time.sleep(0.1)
        processes = marked(mark)
        victims = {kind: [pid for pid, line in processes.items() if any(hint in line for hint in hints)] for kind, hints in KINDS.items()}
        trains = victims["worker"] or list(self.folder.glob("*/checkpoints/state.json"))
        kinds = [kind for kind in WEIGHTS if (trains and kind == RECORD) or (victims.get(kind) and (trains or kind == "local"))]
        if not kinds or (not trains and self.random.random() > PREPARATION_SHARE):
            return
        kind = self.random.choices(kinds, [WEIGHTS[kind] for kind in kinds])[0]
        if kind == RECORD:
            self._damage_record()
            return
        pid = self.random.choice(victims[kind])
        self.log(f"{self.killed.total() + 1}: {kind} ({processes[pid][:60].strip()})")
        end(pid)
        self.killed[kind] += 1

    def _damage_record(self) -> None:
        """Empty a record of an unfinished trial, or cut it short."""
        trials = [path.parent for path in sorted(self.folder.glob("*/config.json")) if not (path.parent / "DONE.json").exists()]
        records = [trial / name for trial in trials for name in RECORDS if (trial / name).is_file()]
        if not records:
            return
        path = self.random.choice(records)
        damaged = path.with_name("damaged")
        damaged.write_bytes(path.read_bytes()[: self.random.choice((0, 40))])
        damaged.replace(path)
        self.log(f"{self.killed.total() + 1}: {RECORD} ({path.relative_to(self.storage)})")
        self.killed[RECORD] += 1

    def _compare(self, disturbed: Path, undisturbed: Path) -> None:
        """Compare every history. Those of several workers must only have the same steps."""
        for done in sorted(undisturbed.glob("*/DONE.json")):
            folder = disturbed / done.parent.name
            self.trials += 1
            history, expected = read_history(folder), read_history(done.parent)
            same = same_evidence(history, expected) if self.workers == 1 else list(history.step) == list(expected.step)
            self.log(f"{folder.name}: {len(attempt_records(folder))} attempts, {'equal' if same else 'DIFFERS'}")
            if not same:
                self.differing.append(folder.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="raygroup-chaos-"))
    start_s = time.monotonic()
    subprocess.run([sys.executable, "-m", "raygroup.sweep", space(folder), "--local", "--storage-path", str(folder / "runs")], check=True)
    chaos = Chaos(folder / "runs", options.kills, options.seed, options.workers, lambda text: print(text, flush=True)).run()
    summary = {
        "kills": chaos.killed.total(), "killed": dict(chaos.killed), "exit_codes": {str(code): n for code, n in chaos.codes.items()},
        "trials": chaos.trials, "differing": chaos.differing, "seed": options.seed, "wall_s": round(time.monotonic() - start_s),
    }  # fmt: skip
    print(json.dumps(summary))
    sys.exit(bool(chaos.differing))


if __name__ == "__main__":
    main()
