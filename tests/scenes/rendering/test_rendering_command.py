"""``data render``, ``data export`` and ``data duplicates`` work on rendered scenes."""

import json

import pytest

from raygroup.data.__main__ import build_parser, main
from raygroup.terminal import console


def run_command(*arguments):
    """Run ``python -m raygroup.data`` with these arguments, in this process."""
    options = build_parser().parse_args([*map(str, arguments)])
    options.run(options, console())


def test_the_commands_render_export_and_find_duplicates(tmp_path, capsys):
    out = tmp_path / "out"
    render = ["render", out, "--scenes", 3, "--size", "160x120", "--words", "2-4", "--tasks", "la", "--workers", 1]
    run_command(*render, "--zip")
    assert "3 scenes of" in capsys.readouterr().out
    run_command(*render, "--json")
    assert json.loads(capsys.readouterr().out)["drawn"] == 0
    run_command("export", tmp_path / "out.zip", "--layout", "icdar15", tmp_path / "icdar15")
    assert "this layout cannot hold: corners beyond four" in capsys.readouterr().out
    assert (tmp_path / "icdar15" / "gt" / "gt_img_3.txt").exists()
    run_command("duplicates", out, tmp_path / "out.zip", "--json")
    assert json.loads(capsys.readouterr().out)["between"][0]["pictures"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "640"], "argument --size: '640' must be two numbers such as 64x128, each a whole number from 64 to 16,384"),
        (["--scenes", "0"], "argument --scenes: '0' must be a whole number from 1 to 100,000,000"),
    ],
)
def test_a_wrong_argument_is_answered_with_the_right_form(arguments, message, capsys):
    assert main(["render", "out", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"raygroup: {message}")
