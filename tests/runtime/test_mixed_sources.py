"""A sweep on words of several sources, drawn by their ratios.

The ratios are printed before it runs. A mismatch is refused, and a resumed trial draws the same words.
"""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from given_words import write_folder
from tiny_sweep import space

from raygroup import sweep
from raygroup.history.reader import read_history, same_evidence

SOURCES = {"hi": "street", "la": "scans"}
MIXED = '{"words.mixture": ((("street", 9), ("scans", 1)),)}'


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> Path:
    """Return Hindi words from the street and Latin ones from scans, 24 training words of each."""
    folder = write_folder(tmp_path_factory.mktemp("words") / "mine", columns=("path", "text", "task", "split"))
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [row | {"source": SOURCES[row["task"]]} for row in csv.DictReader(file)]
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def arguments(tmp_path: Path, words: Path, grid: str = MIXED, **settings: object) -> list[str]:
    path = space(tmp_path, grid=grid, **settings)
    return [path, "--words", str(words), "--local", "--storage-path", str(tmp_path / "runs")]


def trial(tmp_path: Path) -> Path:
    return next((tmp_path / "runs" / "tiny").glob("*/config.json")).parent


def rows_of(out: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.startswith(("street ", "scans "))}


SHOWN = {"scans": ["24", "1", "10.00%", "16", "0.667"], "street": ["24", "9", "90.00%", "144", "6"]}
"""Of 20 steps of 8 words."""


def test_a_dry_run_shows_how_probable_each_source_is_before_any_word_is_stored(words, tmp_path, capsys):
    assert sweep.main([*arguments(tmp_path, words), "--dry-run"]) == 0
    assert rows_of(capsys.readouterr().out) == SHOWN
    assert not (tmp_path / "runs").exists()


def test_a_killed_sweep_on_a_mixture_goes_on_to_the_history_it_would_have_had(words, tmp_path, capsys):
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    assert sweep.main(arguments(tmp_path / "whole", words, steps=150)) == 0
    assert rows_of(capsys.readouterr().out)["street"][:3] == SHOWN["street"][:3]
    same = arguments(tmp_path / "killed", words, steps=150)
    with subprocess.Popen([sys.executable, "-m", "raygroup.sweep", *same], stdout=subprocess.DEVNULL, start_new_session=True) as driver:
        while driver.poll() is None and not list((tmp_path / "killed").glob("runs/tiny/*/checkpoints/*.safetensors")):
            time.sleep(0.02)
        os.killpg(driver.pid, signal.SIGKILL)
    assert not (trial(tmp_path / "killed") / "DONE.json").exists()
    assert sweep.main(same) == 0
    whole, resumed = (read_history(trial(tmp_path / name)) for name in ("whole", "killed"))
    assert json.loads((trial(tmp_path / "killed") / "DONE.json").read_text())["attempts"] == 2
    assert same_evidence(whole, resumed)


def test_other_ratios_are_another_trial_on_the_same_words_and_features(words, tmp_path):
    for grid in (MIXED, MIXED.replace("9", "3"), "{}"):
        assert sweep.main(arguments(tmp_path, words, grid, steps=2)) == 0
    runs = tmp_path / "runs"
    assert len(list(runs.glob("tiny/*/config.json"))) == 3
    assert len(list(runs.glob("cache/*/words.parquet"))) == len(list(runs.glob("cache/*/features.json"))) == 1


def refused(capsys, arguments: list[str]) -> str:
    assert sweep.main(arguments) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    return error


def test_ratios_that_are_not_those_of_the_sources_are_refused_with_the_sources_there_are(words, tmp_path, capsys):
    there_are = "the words to train on are of: scans, street"
    error = refused(capsys, arguments(tmp_path, words, MIXED.replace("scans", "MLT19")))
    assert "words.mixture['MLT19'] is 1, but no word has this source; " + there_are in error
    error = refused(capsys, arguments(tmp_path, words, '{"words.mixture": ((("street", 9),),)}'))
    assert "words.mixture has no ratio for 'scans', of 24 words: give one ratio for each source; " + there_are in error
    assert not (tmp_path / "runs").exists()


def test_rendered_words_cannot_be_mixed(tmp_path, capsys):
    error = refused(capsys, [space(tmp_path, grid=MIXED), "--local", "--storage-path", str(tmp_path / "runs")])
    assert "it must be empty without --words: rendered words are of one source" in error
