"""The watchdog of a worker that makes no progress."""

import subprocess
import sys

from sweep_process import DEADLINE_S

IDLE = f"""
import io, sys, time
from pathlib import Path
from raygroup.runtime.attempt.watchdog import Watchdog
sys.stderr = io.StringIO()
with Watchdog(0.4, [Path(sys.argv[1])]).watching():
    time.sleep({DEADLINE_S})
"""


def test_the_watchdog_ends_a_process_whose_standard_error_is_no_file_as_in_a_notebook(tmp_path):
    stacks = tmp_path / "stacks.txt"
    assert subprocess.run([sys.executable, "-c", IDLE, str(stacks)], check=False, timeout=2 * DEADLINE_S).returncode == 75
    assert "no step for 0.4 s. Stacks of all threads:" in stacks.read_text()
