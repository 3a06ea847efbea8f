"""Every command of the README does what it says, in the README's order, at a small size."""

import re
import shlex
import zipfile
from importlib import import_module
from pathlib import Path

import pytest
from given_words import write_folder
from tiny_sweep import space

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
LINES = [line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip()]
COMMANDS = [line.partition("&& ")[2] if line.startswith("pip") else line for line in LINES]
PYTHON = [line for line in dict.fromkeys(COMMANDS) if line.startswith("python -m raygroup")]
ELSEWHERE = {"pytest", "tensorboard --logdir runs/quickstart"}
"""The suite itself, and a program that serves until it is ended."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with my_words and, under the names of the bundled search spaces, tiny ones, which are found first."""
    folder = tmp_path_factory.mktemp("newcomer")
    write_folder(folder / "my_words")
    spaces = folder / "search_spaces"
    spaces.mkdir()
    for name in ("quickstart", "smoke"):
        space(spaces, name=name, steps=10)
    space(spaces, name="quickstart_control", steps=10, grouping="control=True")
    (spaces / "pretrain.py").write_text(
        "from raygroup.config import Pretraining, Words\n"
        "words = Words(words_per_task=4, unseen_per_task=2, renders=1)\n"
        "pretraining = Pretraining(words=words, steps=2, head_steps=2, batch=8)\n"
    )
    _write_archives(folder)
    return folder


def _write_archives(folder: Path) -> None:
    """gt.zip and images.zip in MLT19's layout, and sub.zip, which finds every word."""
    fixtures = Path(__file__).parent / "data" / "scenes" / "mlt19"
    with (
        zipfile.ZipFile(folder / "gt.zip", "w") as truths,
        zipfile.ZipFile(folder / "sub.zip", "w") as found,
        zipfile.ZipFile(folder / "images.zip", "w") as images,
    ):
        for path in sorted(fixtures.glob("gt/*.txt")):
            lines = [line.split(",", 9) for line in path.read_text(encoding="utf-8").splitlines()]
            number = path.stem.removeprefix("tr_")
            truths.writestr(f"gt_{number}.txt", "\n".join(",".join(line) for line in lines))
            found.writestr(f"res_{number}.txt", "\n".join(",".join([*line[:8], "0.9000", line[9]]) for line in lines))
        for path in sorted(fixtures.glob("images/*.jpg")):
            images.write(path, path.name)


def test_one_line_runs_the_main_job_and_another_passes_the_tests():
    assert LINES[0] == "pip install . && python -m raygroup.sweep"
    assert LINES[1] == "pip install -e '.[dev]' && pytest"


def test_ci_calls_the_test_command_of_the_readme():
    script = (README.parent / ".ci" / "run").read_text()
    assert "pip install --quiet -e '.[dev]'\n" in script
    assert script.endswith("\npytest\n")


def test_every_command_is_run_below_or_said_to_be_run_elsewhere():
    assert set(COMMANDS) == set(PYTHON) | ELSEWHERE


@pytest.mark.parametrize("line", PYTHON)
def test_the_command_runs(line, place, monkeypatch, capsys):
    """Without Ray, whose start takes longer than all of these; tests/runtime runs the sweep on it."""
    monkeypatch.chdir(place)
    _, _, module, *arguments = shlex.split(line)
    if module in ("raygroup.sweep", "raygroup.features"):
        arguments.append("--local")
    assert import_module(module).main(arguments) == 0, capsys.readouterr().err
    assert capsys.readouterr().out
