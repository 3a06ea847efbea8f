"""The command line as a whole: names, versions, flags that stay, and errors in one line."""

import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from raygroup import terminal
from raygroup.__main__ import COMMANDS, main
from raygroup.errors import ClusterLostError, ConfigError, HistoryError, OverBudgetError, RaygroupError, StopRequestedError
from raygroup.sweep import build_parser

SWEEP_FLAGS = {
    "name", "--words", "--fonts", "--storage-path", "--address", "--local", "--device", "--kernels", "--device-memory-gb", "--workers",
    "--accumulate", "--stall-timeout", "--storage-patience", "--dry-run", "--json", "--calibrate", "--cluster", "--budget", "--yes",
    "--no-reuse", "--bad-share", "--weights", "--scenes", "--help",
}  # fmt: skip
"""Flags say where and how a sweep runs. What runs is a search space."""


def test_the_sweep_command_has_exactly_these_flags():
    flags = {max(action.option_strings or [action.dest], key=len) for action in build_parser()._actions}
    assert flags == SWEEP_FLAGS


def test_raygroup_alone_lists_every_command(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(re.search(rf"^  {name} ", out, re.M) for name in COMMANDS)


def test_version_is_that_of_the_installed_package(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"raygroup {version('raygroup')}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_also_a_module_and_starts_without_torch_or_ray(command):
    code = f"import sys; from raygroup.__main__ import main\ntry: main([{command!r}, '--help'])\nexcept SystemExit: pass\n"
    code += "assert not {'torch', 'ray', 'pyarrow'} & set(sys.modules), sorted(sys.modules)"
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    assert f"python -m raygroup.{command}" in outcome.stdout


def raising(error):
    def work():
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (ConfigError("words.seed is -1"), 2), (HistoryError("x.parquet: damaged"), 2), (OverBudgetError("too dear"), 4),
        (ClusterLostError("the head is gone"), 5), (StopRequestedError("stopped on request"), 130), (KeyboardInterrupt(), 130),
        (OSError("disk full"), 3),
    ],
)  # fmt: skip
def test_an_error_becomes_one_line_and_its_exit_code(error, exit_code, capsys):
    assert terminal.run_command(raising(error), resume="python -m raygroup.sweep") == exit_code
    err = capsys.readouterr().err.strip()
    assert len(err.splitlines()) == 1
    assert err.startswith(f"raygroup: {error}" if str(error) else "raygroup: interrupted")
    assert ("To continue: python -m raygroup.sweep" in err) == (exit_code != 2)


def test_a_defect_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        terminal.run_command(lambda: 1 // 0)


def test_every_error_has_an_exit_code_that_the_commands_document():
    classes = [RaygroupError]
    for parent in classes:
        classes += parent.__subclasses__()
    assert len(classes) > 10
    assert {each.exit_code for each in classes} <= {2, 3, 4, 5, 130}
