"""``data render``, ``data export`` and ``data duplicates`` work on rendered scenes."""

import json

import pytest

from raygroup.data.__main__ import build_parser, main
from raygroup.data.render import render_scenes
from raygroup.scenes.rendering.settings import SceneSettings
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
        (["--characters", "ja=1"], "argument --characters: '1' must be a whole number from 2 to 1,000,000"),
        (["--characters", "ja=20,600"], "argument --characters: 'ja=20,600' must be a number, pairs such as ja=1500,zh=2000, or both"),
        (["--characters", "yi=20"], "tasks of scenes.characters_of_task is 'yi': it must be each task once, among ar, bn, zh"),
        (["--largest-text", "0"], "argument --largest-text: '0' must be a number above 0 and at most 1"),
        (["--clutter-objects", "3-2"], "argument --clutter-objects: '3-2' must be two numbers such as 1-2"),
        (["--list", "thai=words.txt"], "--list words.txt: "),
        (["--scenes", "0"], "argument --scenes: '0' must be a whole number from 1 to 100,000,000"),
    ],
)
def test_a_wrong_argument_is_answered_with_the_right_form(arguments, message, capsys):
    assert main(["render", "out", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"raygroup: {message}")


def test_the_command_draws_scenes_like_photographs_with_words_of_the_user(tmp_path, capsys):
    (tmp_path / "signs.txt").write_text("営業中\n駐車場\n改札口\n改札口\n喫茶店\n\U0001f600本\n薬局\n交番\n", encoding="utf-8")
    arguments = [
        "render", tmp_path / "out", "--scenes", 4, "--size", "160x120", "--words", "2-4", "--tasks", "ja,la", "--workers", 1,
        "--list", f"ja={tmp_path / 'signs.txt'}", "--characters", "200,la=40", "--largest-text", 0.5, "--vertical", 1, "--clutter", 0.5,
        "--clutter-objects", "1-2", "--textless", 0.25, "--layout", "mlt-polygons",
    ]  # fmt: skip
    run_command(*arguments)
    printed = capsys.readouterr().out
    assert "ja: " in printed
    assert "1 dropped, with a character that no font has" in printed
    assert "1 dropped, repeated" in printed
    assert "cannot hold" not in printed
    record = json.loads((tmp_path / "out" / "rendering.json").read_text())["depends_on"]
    assert (record["characters"], record["characters_of_task"], record["clutter_objects"]) == (200, {"la": 40}, [1, 2])
    run_command("inspect", tmp_path / "out", "--no-sheet", "--json")
    counted = json.loads(capsys.readouterr().out)
    assert (counted["scenes"], counted["problems"]["counts"], set(counted["scripts"]) <= {"Japanese", "Latin", "None", "Symbols"}) == (
        4,
        {},
        True,
    )


def test_a_layout_that_loses_polygons_says_so(tmp_path, capsys):
    run_command("render", tmp_path / "out", "--scenes", 1, "--size", "160x120", "--words", "2-4", "--tasks", "la", "--workers", 1)
    assert "this layout cannot hold: corners beyond four" in capsys.readouterr().out


def test_the_python_twin_returns_the_numbers_of_the_command(tmp_path):
    settings = SceneSettings(width=160, height=120, words=(2, 4), tasks=("la",), words_per_task=50)
    summary = render_scenes(tmp_path / "out", settings, 3, "mlt-polygons", workers=1)
    assert (summary["scenes"], summary["drawn"], summary["layout"]) == (3, 3, "mlt-polygons")
    assert summary["scenes_without_words"] == 0
    assert summary["own_words"] == {}
