"""``choose --add``: a new task joins the head that reads it best, or gets a head of its own, and what old tasks lose is reported."""

import json
import statistics

import numpy as np
import pytest
from oracle_sweeps import WORDS, write_oracle

import raygroup
from raygroup.choose.__main__ import main
from raygroup.choose.adding import parse_groups
from raygroup.errors import ConfigError
from raygroup.tables.choices.added_task import crossed_interval
from raygroup.tables.group_heads.group_cache import read_group_cache
from raygroup.task_groups import groups_text

OTHERS = "ar | bn+hi | zh+ja | la"
"""A grouping without Korean. In the made-up sweep Arabic and Korean help each other, and all other pairs but two disturb."""


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    path = tmp_path_factory.mktemp("added")
    write_oracle(path)
    return path


def test_a_task_joins_the_head_of_its_twin(storage):
    added = raygroup.add_task("ko", storage, to=OTHERS)
    assert added.chosen.name == "attach to ar"
    assert [option.name for option in added.options[:2]] == ["open a head", "attach to ar"]
    assert len(added.options) == 5, "a head of its own, and four to attach to"
    assert added.opening.high < 0
    assert added.runs == 3


def test_a_task_without_a_twin_gets_a_head_of_its_own(storage):
    added = raygroup.add_task("la", storage, to="ar+ko | bn+hi | zh+ja")
    assert added.chosen.name == "open a head"
    assert added.opening.low > 0


def test_what_old_tasks_lose_is_the_difference_of_the_same_words(storage):
    added = raygroup.add_task("la", storage, to="ar+ko | bn+hi | zh+ja")
    option = next(option for option in added.options if option.name == "attach to ar+ko")
    assert [(row.task, row.split) for row in option.forgetting] == [("ar", "new"), ("ar", "unseen"), ("ko", "new"), ("ko", "unseen")]
    row = next(row for row in option.forgetting if (row.task, row.split) == ("ko", "unseen"))
    cache = read_group_cache(storage, "oracle_made_up")
    before, after = (cache.word_values("ko", "unseen", "one_minus_ned", [group], (0, 1, 2))[0] for group in ("ar+ko", "ar+ko+la"))
    assert row.words == WORDS
    assert row.one_minus_ned.mean == pytest.approx(statistics.fmean((after - before).ravel()))
    assert row.one_minus_ned.mean < 0, "each task that is no twin costs 0.02"
    assert row.one_minus_ned.low <= row.one_minus_ned.mean <= row.one_minus_ned.high
    assert added.options[0].forgetting == (), "a head that is opened changes no old one"


def test_the_total_is_the_new_tasks_score_and_the_changes_of_old_ones(storage):
    option = next(each for each in raygroup.add_task("ko", storage, to=OTHERS).options if each.name == "attach to bn+hi")
    new_task = statistics.fmean(score.one_minus_ned.mean for score in option.scores)
    changes = [row.one_minus_ned.mean for row in option.forgetting]
    assert option.total == pytest.approx(new_task + sum(changes) / 2, abs=1e-6), "two old tasks, two splits each"


def test_a_bank_of_old_heads_says_itself_what_the_grouping_was(tmp_path):
    old = (("ar",), ("bn", "hi"))
    write_oracle(tmp_path, groups=(*old, *((*group, "ko") for group in old), ("ko",)))
    added = raygroup.add_task("ko", tmp_path)
    assert groups_text(added.before) == "ar | bn+hi"
    with pytest.raises(ConfigError, match=r"no head of ar\+hi, ar\+hi\+ko: the bank must have each old head"):
        raygroup.add_task("ko", tmp_path, to="ar+hi")
    with pytest.raises(ConfigError, match="no group has the task 'xx'; the tasks are: ar, bn, hi, ko"):
        raygroup.add_task("xx", tmp_path)


def test_a_grouping_must_be_named_where_banks_have_all_groups(storage, capsys):
    assert main(["--add", "ko", "--storage-path", str(storage)]) == 2
    assert "its groups without ko are no grouping, because they share tasks" in " ".join(capsys.readouterr().err.split())
    with pytest.raises(ConfigError, match="it must have other tasks alone"):
        raygroup.add_task("ko", storage, to="ar+ko | la")
    with pytest.raises(ConfigError, match="write each task once"):
        parse_groups("ar+ar")


def test_the_command_writes_the_report(storage, tmp_path, capsys):
    assert main(["--add", "ko", "--to", OTHERS, "--storage-path", str(storage), "--out", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "ko comes to ar | bn+hi | zh+ja | la: attach to ar" in shown
    assert "What the old tasks lose, on the same words" in shown
    written = json.loads((tmp_path / "added.json").read_text())
    assert written["chosen"] == "attach to ar"
    assert written["groups"] == [["ar", "ko"], ["bn", "hi"], ["ja", "zh"], ["la"]]


def test_a_budget_is_refused_with_a_new_task(storage, capsys):
    assert main(["--add", "ko", "--heads", "3", "--storage-path", str(storage)]) == 2
    assert "--heads: it is a budget for a whole grouping; leave it out with --add" in capsys.readouterr().err


def test_an_interval_over_runs_and_words_is_wide_where_either_differs():
    random = np.random.default_rng(0)
    words = random.standard_normal((1, 400)).repeat(3, axis=0)
    change = crossed_interval([words], "test")
    half = 1.96 * words[0].std() / 20
    assert change.high - change.low == pytest.approx(2 * half, rel=0.1), "equal runs: the interval over words"
    runs = np.array([[0.0], [1.0], [2.0]]).repeat(400, axis=1)
    assert crossed_interval([runs], "test").low < 0.4 < 1.6 < crossed_interval([runs], "test").high
    same = crossed_interval([np.zeros((3, 5))], "test")
    assert (same.mean, same.low, same.high) == (0, 0, 0)
    assert not same.is_sure
