"""A sweep on stage 1 reads a user's words, by the ratios of their sources."""

import csv

import pytest
from given_words import write_folder
from stage1_training import one_thread  # noqa: F401

import raygroup
from raygroup import Sweep, sweep
from raygroup.config import Heads, Pretraining, Trial, Words
from raygroup.errors import ConfigError
from raygroup.features import extract_features
from raygroup.runtime.planning.plan import make_plan
from raygroup.training.universal_weights import load_universal

MIXED = Words(mixture=(("street", 1), ("scans", 0), ("MLT19", 0)))
HEADS = Heads(count=1, start="independent", embed=6, hidden=8)
TRIAL = Pretraining(words=MIXED, start="laptop", steps=0, head_steps=3, batch=4, heads=HEADS)


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """Return Hindi words from the street and Latin ones from scans."""
    folder = write_folder(tmp_path_factory.mktemp("words") / "mine", columns=("path", "text", "task", "split"))
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [row | {"source": {"hi": "street", "la": "scans"}[row["task"]]} for row in csv.DictReader(file)]
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_words_of_ratio_0_are_not_trained_on_and_words_of_every_source_are_tested(words, tmp_path):
    result = raygroup.run_sweep(Sweep(name="mixed", trial=TRIAL), words=words, storage_path=tmp_path / "runs", local=True)
    assert dict(result.failed) == {}
    (trial,) = result.trials
    characters = set(load_universal(trial.weights).charset.characters)
    latin = {character for character in characters if character.isascii() and character.isalpha()}
    assert characters
    assert not latin, "the scans are Latin, and they are never drawn"
    assert trial.scored_tasks == ("hi", "la")


def test_both_stages_read_the_same_stored_words(words, tmp_path):
    on_words = (TRIAL, Trial(words=MIXED))
    stores = {make_plan(Sweep(name="s", trial=trial), "", tmp_path, words, None).jobs[0].store for trial in on_words}
    assert len(stores) == 1


def test_a_dry_run_shows_the_words_and_the_ratios(words, tmp_path, capsys):
    (tmp_path / "mixed.py").write_text(
        '"""Hypothesis: none."""\nfrom raygroup.config import Pretraining, Words\nfrom raygroup.search_space import Sweep\n'
        'words = Words(mixture=(("street", 1), ("scans", 3)))\n'
        'sweep = Sweep(name="mixed", trial=Pretraining(words=words, steps=6, head_steps=4, batch=10))\n'
    )
    runs = tmp_path / "runs"
    assert sweep.main([str(tmp_path / "mixed.py"), "--words", str(words), "--storage-path", str(runs), "--dry-run"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["scans", "24", "3", "75.00%", "75", "3.12"] in lines, "ten steps of ten words"
    assert ["words", "of", "mine,", "by", "task", "and", "script"] in lines
    assert not runs.exists()


def test_stage_1_needs_no_stored_features_so_the_command_that_makes_them_refuses_it(words, tmp_path):
    with pytest.raises(ConfigError, match="stage1_small trains a universal head, which needs no stored features"):
        extract_features(words, sweep="stage1_small", storage_path=tmp_path / "runs", local=True)
