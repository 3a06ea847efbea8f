"""The tutorial on five scripts, two of them new, runs from its first command to its last, at a small size."""

import os
from pathlib import Path

import pytest
from page_commands import ROOT, commands, run_page_command
from tiny_sweep import space

from raygroup.reading.record import RECORD_FILE

PAGE = (ROOT / "docs" / "own_scripts.md").read_text(encoding="utf-8")
COMMANDS = commands(PAGE)
NOT_RUN_HERE = {"pip install 'raygroup[export]'"}
THAI = [a + b + c for a in "กขคง" for b in "จฉชซ" for c in "ดตถท"]
CYRILLIC = [a + b + c for a in "бвгд" for b in "аеиоу" for c in "клмн"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the two word lists, and small search spaces, which raygroup looks up before the bundled ones."""
    spaces = tmp_path / "search_spaces"
    spaces.mkdir()
    space(spaces, name="quickstart", steps=10)
    (spaces / "pretrain_own.py").write_text(
        "from raygroup.config import Heads, Pretraining, Words\n"
        "words = Words(words_per_task=12, unseen_per_task=4, renders=1, seed=1)\n"
        "heads = Heads(count=1, start='independent')\n"
        "pretraining = Pretraining(words=words, steps=2, head_steps=2, batch=8, heads=heads, draw='task', rehearsal=4)\n"
    )
    for name, words in (("thai", THAI), ("cyrillic", CYRILLIC)):
        (tmp_path / f"{name}.txt").write_text("\n".join(words), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow  # it writes ONNX, which takes half a minute
def test_the_tutorial_runs_from_words_to_a_package_that_reads(folder, capsys):
    for command in COMMANDS:
        if command in NOT_RUN_HERE:
            continue
        small = " --words 12 --unseen 4 --renders 1" if " render-words " in command else ""
        assert run_page_command(command + small) == 0, (command, capsys.readouterr().err)
    assert (folder / "reader" / RECORD_FILE).is_file()
    out = capsys.readouterr().out
    assert "scripts that the trunk has never seen: Cyrillic, Thai" in " ".join(out.split())
    last = out[out.rindex("accuracy, with 95 % intervals over words") :]
    assert {line.split()[0] for line in last.splitlines()[2:] if line.strip()} >= {"thai", "cyrillic", "la", "ko", "hi", "all"}


def test_the_tutorial_says_what_it_leaves_out():
    assert not NOT_RUN_HERE - {*COMMANDS}
    assert all(command in NOT_RUN_HERE or command.startswith("python -m raygroup.") for command in COMMANDS)
    assert os.fspath(ROOT) not in PAGE
