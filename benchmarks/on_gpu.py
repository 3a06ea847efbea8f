"""Measure everything that a GPU can show, part by part.

``on_gpu.sh`` calls it. Each part has its own time limit. It needs CUDA, torch, pyarrow, numpy and
pytest, but neither Ray nor the network nor our other dependencies. The parts are the GPU tests,
``heads.py``, ``grid.py``, ``pack_memory.py`` and ``kernels.py``. A part that fails or takes too
long is named in ``failed``, and the others go on. The last line is one JSON object. ``--device cpu
--quick`` runs the same parts on small sizes without a GPU, to prove that they work.

Exit codes: 0 if every part passed, 1 if one failed, 2 if something is missing.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
PACKAGES = ("torch", "pyarrow", "numpy", "pytest")
TIME_LIMIT_S = 470
"""Longest time of all parts together."""
SMALL = {"heads": ["--batch", "2", "--heads", "2", "--classes", "302", "--words", "2"],
         "grid": ["--batch", "2", "--heads", "2", "--seeds", "2", "--classes", "102"]}  # fmt: skip
"""Arguments of parts that ``--device cpu --quick`` makes smaller still."""


class PartFailedError(Exception):
    """A part ended without its figures. The message says why."""


@dataclass(frozen=True)
class Part:
    """One part of the run."""

    name: str
    run: Callable[[str, bool, float], object]
    """Takes the device, whether the run is quick, and a limit in seconds. Returns the figures."""
    limit_s: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all parts and print one JSON object. Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and on a CPU small sizes")
    options = parser.parse_args(arguments)
    problem = missing_requirement(options.device)
    if problem:
        print(problem, file=sys.stderr)
        return 2
    started = time.monotonic()
    figures: dict[str, object] = describe_machine(options.device)
    reasons: dict[str, str] = {}
    for part in PARTS:
        limit_s = min(part.limit_s, TIME_LIMIT_S - (time.monotonic() - started))
        print(f"== {part.name}, at most {limit_s:.0f} s", flush=True)
        try:
            figures[part.name] = part.run(options.device, options.quick, limit_s)
        except PartFailedError as error:
            figures.setdefault(part.name, [] if part.name == "memory" else {})
            reasons[part.name] = str(error)
            print(f"{part.name} failed: {error}", flush=True)
    figures |= {"failed": list(reasons), "reasons": reasons, "wall_s": round(time.monotonic() - started, 1)}
    print(json.dumps(figures))
    return 1 if reasons else 0


def missing_requirement(device: str) -> str | None:
    """Return one line about what is missing, or None."""
    packages = [name for name in PACKAGES if find_spec(name) is None]
    if packages:
        return f"on_gpu.sh: {', '.join(packages)} cannot be imported by {sys.executable}: install what is missing, or set PYTHON"
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        return "on_gpu.sh: torch sees no GPU here; run it on a machine with one, or try the parts with --device cpu --quick"
    return None


def describe_machine(device: str) -> dict[str, object]:
    """Return the names of the GPU and of the software."""
    import torch

    if device == "cpu":
        return {"machine": f"{platform.machine()}, no GPU used", "torch": torch.__version__, "cuda": None}
    properties = torch.cuda.get_device_properties(0)
    machine = f"{properties.name}, {properties.total_memory / 1e9:.0f} GB, {os.cpu_count()} cores"
    return {"machine": machine, "torch": torch.__version__, "cuda": torch.version.cuda}


def run_tests(device: str, quick: bool, limit_s: float) -> dict[str, object]:
    """Run the tests that need a GPU, and count their outcomes. Without a GPU they are all skipped."""
    files = sorted(str(path) for path in (ROOT / "tests").rglob("test_gpu.py"))
    if not files:
        raise PartFailedError("there is no test_gpu.py under tests/")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        # The project's settings and fixtures need plugins and packages that are missing here.
        command = [sys.executable, "-m", "pytest", "-q", "--noconftest", "-c", os.devnull, "--rootdir", str(ROOT)]
        output = run_command([*command, "-p", "no:cacheprovider", f"--junitxml={report}", *files], limit_s, allowed_codes=(0, 1))
        outcomes = read_report(report)
    if outcomes["failed"]:
        raise PartFailedError(f"{', '.join(outcomes['failed_names'])}; {last_line(output)}")  # type: ignore[arg-type]
    if device == "cuda" and not outcomes["passed"]:
        raise PartFailedError(f"no test passed on the GPU; {last_line(output)}")
    return outcomes


def read_report(path: Path) -> dict[str, object]:
    """Count the outcomes in a JUnit report, and name failed tests."""
    cases = list(ElementTree.parse(path).iter("testcase"))
    failed = [case.get("name", "") for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skips = [skip for case in cases if (skip := case.find("skipped")) is not None]
    return {
        "passed": len(cases) - len(failed) - len(skips), "failed": len(failed), "skipped": len(skips), "failed_names": failed,
        "skip_reasons": sorted({skip.get("message", "") for skip in skips}),
    }  # fmt: skip


def benchmark(name: str) -> Callable[[str, bool, float], dict[str, object]]:
    """Return a function that runs a program and reads its last line."""

    def run(device: str, quick: bool, limit_s: float) -> dict[str, object]:
        options = ["--device", device] + (["--quick"] if quick else [])
        if quick and device == "cpu":
            options += SMALL.get(name, [])
        output = run_command([sys.executable, str(FOLDER / f"{name}.py"), *options], limit_s)
        return json.loads(last_line(output))  # type: ignore[no-any-return]

    return run


def run_memory(device: str, quick: bool, limit_s: float) -> object:
    """Return one row for each pack whose memory was measured."""
    return benchmark("pack_memory")(device, quick, limit_s)["memory"]


def run_command(command: Sequence[str], limit_s: float, allowed_codes: tuple[int, ...] = (0,)) -> str:
    """Run a program and return what it printed.

    Raises PartFailedError if it takes longer than the limit or ends with another exit code. Its
    whole process group is ended then.
    """
    if limit_s <= 0:
        raise PartFailedError(f"no time is left: all parts together may take {TIME_LIMIT_S} s")
    paths = [str(ROOT), str(FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, env=environment, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise PartFailedError(f"not finished after {limit_s:.0f} s") from None
    print(output, end="", flush=True)
    if process.returncode not in allowed_codes:
        raise PartFailedError(f"exit code {process.returncode}: {last_line(output)}")
    return output


def last_line(output: str) -> str:
    """Return the last line that is not empty."""
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


PARTS = (
    Part("tests", run_tests, 100),
    Part("heads", benchmark("heads"), 110),
    Part("grid", benchmark("grid"), 150),
    Part("memory", run_memory, 80),
    Part("kernels", benchmark("kernels"), 80),
)

if __name__ == "__main__":
    sys.exit(main())
