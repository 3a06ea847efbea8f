"""Text that somebody else wrote to a storage path is shown by ``runs``, and never sent to the terminal."""

import json
import os
import subprocess
import sys

import pytest
from synthetic_storage import fail_trial, start_trial, trials, write_storage, write_sweep

from raygroup import reproduce
from raygroup.runs.__main__ import main
from raygroup.storage.sweeps import read_sweeps

ESCAPES = "\x1b]0;owned\x07\x1b[31mred"
SHOWN = r"\u001b]0;owned\u0007\u001b[31mred"


@pytest.fixture
def storage(tmp_path):
    """A storage path with finished sweeps and a failed trial, whose texts hold escapes."""
    storage = write_storage(tmp_path / "runs")
    declared = trials((0.1,), control=False, seeds=(0,))
    write_sweep(storage, "half", declared, done=False)
    (trial,) = read_sweeps(storage)[0].trials
    start_trial(trial.folder, "half", *declared[0])
    fail_trial(trial.folder, f"a reason {ESCAPES}", 20)
    for path in storage.glob("*/sweep.json"):
        sweep = json.loads(path.read_text())
        sweep["hypothesis"] = ESCAPES
        sweep["trials"] = [entry | {"label": f"{entry['label']} {ESCAPES}"} for entry in sweep["trials"]]
        path.write_text(json.dumps(sweep))
    return storage


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["show", "small"], ["show", "half"], ["status"], ["logs", "coefficient=0.1"], ["compare", "small", "small_control"],
     ["retry", "half"], ["clean", "--dry-run"]],
    ids=" ".join,
)  # fmt: skip
def test_escapes_in_a_storage_path_reach_no_terminal(arguments, storage, capsys):
    assert main([*arguments, "--storage-path", str(storage)]) == 0
    printed = "".join(capsys.readouterr())
    assert not {"\x1b", "\x07"} & {*printed}
    if arguments[0] in ("show", "logs", "retry"):
        assert SHOWN[:6] in printed


def test_escapes_in_a_label_reach_no_terminal_through_an_error(storage, capsys):
    assert main(["logs", "no such trial", "--storage-path", str(storage)]) == 2
    assert reproduce.main(["table3", "--storage-path", str(storage), "--sweep", ESCAPES]) == 2
    assert not {"\x1b", "\x07"} & {*"".join(capsys.readouterr())}


def test_a_label_that_the_terminal_cannot_show_is_escaped(storage):
    path = storage / "small" / "sweep.json"
    path.write_text(path.read_text().replace(json.dumps(ESCAPES)[1:-1], "\\u0645\\u0631\\u062d\\u0628\\u0627"))
    shown = subprocess.run(
        [sys.executable, "-m", "raygroup.runs", "show", "small", "--storage-path", str(storage)],
        env=os.environ | {"PYTHONIOENCODING": "latin-1"}, capture_output=True, check=False,
    )  # fmt: skip
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert rb"\u0645\u0631\u062d" in shown.stdout
