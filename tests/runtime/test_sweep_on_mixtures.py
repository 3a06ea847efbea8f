"""Sweeps on words of several sources, drawn by their ratios.

The ratios are printed before training. Ratios that do not match the sources are refused, and a
resumed trial draws the same words.
"""

import csv
import json
import os
import signal
from pathlib import Path

import pytest
from given_words import write_folder
from sweep_process import has_checkpoint, start_command, wait_for_end, wait_until
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


EXPECTED_ROWS = {"scans": ["24", "1", "10.00%", "16", "0.667"], "street": ["24", "9", "90.00%", "144", "6"]}
"""The rows of the printed table, for 20 steps of 8 words."""


def test_a_dry_run_prints_the_ratios_of_sources_and_stores_nothing(words, tmp_path, capsys):
    assert sweep.main([*arguments(tmp_path, words), "--dry-run"]) == 0
    assert rows_of(capsys.readouterr().out) == EXPECTED_ROWS
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_sweep_on_a_mixture_that_was_killed_ends_with_the_history_of_an_undisturbed_one(words, tmp_path, capsys):
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    assert sweep.main(arguments(tmp_path / "whole", words, steps=400)) == 0
    assert rows_of(capsys.readouterr().out)["street"][:3] == EXPECTED_ROWS["street"][:3]
    same_sweep = arguments(tmp_path / "killed", words, steps=400)
    with start_command("raygroup.sweep", same_sweep) as driver:
        wait_until(lambda: has_checkpoint(tmp_path / "killed" / "runs"), driver)
        os.killpg(driver.pid, signal.SIGKILL)
        wait_for_end(driver)
    assert not (trial(tmp_path / "killed") / "DONE.json").exists()
    assert sweep.main(same_sweep) == 0
    whole, resumed = (read_history(trial(tmp_path / name)) for name in ("whole", "killed"))
    assert json.loads((trial(tmp_path / "killed") / "DONE.json").read_text())["attempts"] == 2
    assert same_evidence(whole, resumed)


@pytest.mark.slow
def test_other_ratios_are_another_trial_on_the_same_words_and_features(words, tmp_path):
    for grid in (MIXED, MIXED.replace("9", "3"), "{}"):
        assert sweep.main(arguments(tmp_path, words, grid, steps=2)) == 0
    runs = tmp_path / "runs"
    assert len(list(runs.glob("tiny/*/config.json"))) == 3
    assert len(list(runs.glob("cache/*/words.parquet"))) == len(list(runs.glob("cache/*/features.json"))) == 1


def refusal(capsys, arguments: list[str]) -> str:
    """Return the one line with which a sweep is refused."""
    assert sweep.main(arguments) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    return error


def test_ratios_that_do_not_match_the_sources_are_refused_with_a_list_of_the_sources(words, tmp_path, capsys):
    sources = "the words to train on are of: scans, street"
    error = refusal(capsys, arguments(tmp_path, words, MIXED.replace("scans", "MLT19")))
    assert "words.mixture['MLT19'] is 1, but no word has this source; " + sources in error
    error = refusal(capsys, arguments(tmp_path, words, '{"words.mixture": ((("street", 9),),)}'))
    assert "words.mixture has no ratio for 'scans', of 24 words: give one ratio for each source; " + sources in error
    assert not (tmp_path / "runs").exists()


def test_a_mixture_of_rendered_words_is_refused(tmp_path, capsys):
    error = refusal(capsys, [space(tmp_path, grid=MIXED), "--local", "--storage-path", str(tmp_path / "runs")])
    assert "it must be empty without --words: rendered words are of one source" in error
