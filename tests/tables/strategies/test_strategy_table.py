"""The table of strategies, from made-up group heads in which planted pairs read better together."""

import json

import numpy as np
import pyarrow.ipc
import pytest
from oracle_sweeps import PLAN, write_oracle
from synthetic_storage import write_sweep

from raygroup import read_evidence, reproduce
from raygroup.config import Grouping, Heads, Loss, Training, Trial
from raygroup.errors import ConfigError
from raygroup.figures.reproduced.strategy_scores import strategy_figure
from raygroup.strategies.partition_search import grouping_score
from raygroup.strategies.registry import find_strategy
from raygroup.strategies.strategy import propose
from raygroup.tables.group_heads.cache_scores import cache_scores
from raygroup.tables.group_heads.group_cache import read_group_cache
from raygroup.tables.strategies.cross_fit import cross_fit
from raygroup.tables.strategies.learned import method_title, strategy_name
from raygroup.task_groups import all_groups, groups_text
from raygroup.tasks import PAPER_TASKS


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    path = tmp_path_factory.mktemp("oracle")
    write_oracle(path)
    learned = Trial(heads=Heads(count=5), training=Training(steps=60))
    write_sweep(path, "learned", [(f"seed={seed}", learned.replaced("seed", seed)) for seed in range(1, 11)])
    return path


@pytest.fixture(scope="module")
def table(storage):
    return reproduce.strategies(storage)


def row_of(table, strategy, heads):
    return next(row for row in table.rows if (row.strategy, row.heads) == (strategy, heads))


def test_the_oracle_finds_what_was_planted_and_nothing_beats_it(table):
    oracle = row_of(table, "oracle", 4)
    assert groups_text(oracle.most_frequent) == PLAN
    assert oracle.num_most_frequent == 6, "two halves of the words and three seeds"
    assert oracle.percentile.mean > 99
    assert oracle.regret.mean == 0
    for row in table.rows:
        if row.heads == 4 and row.strategy != "oracle":
            assert row.regret.mean >= -0.005, row.strategy


def test_a_row_has_the_mean_score_of_its_grouping(table):
    row = row_of(table, "script families", 3)
    scores = cache_scores(table.cache, "one_minus_ned").by_seed()
    by_hand = [grouping_score(type(table.fit.scores)(tasks=scores.tasks, values=values), row.choices[0]) / 7 for values in scores.values]
    assert row.score.mean == pytest.approx(np.mean(by_hand), abs=1e-12)
    assert row.score.low < row.score.mean < row.score.high


def test_a_random_grouping_is_the_mean_of_all(table):
    regime = next(regime for regime in table.regimes if regime.heads == 3)
    assert regime.groupings == 301
    assert row_of(table, "random (mean of all)", 3).score.mean == pytest.approx(regime.mean, abs=1e-12)
    assert row_of(table, "random (mean of all)", 3).regret.mean > 0.03


def test_learned_groupings_are_scored_by_seeds_that_did_not_choose(table):
    row = row_of(table, "Gumbel (paper)", 5)
    assert row.kind == "learned"
    assert any("2 trials that learned a grouping: their seeds are among" in line for line in table.not_shown), "seeds 1 and 2"
    assert sum(row.to_json()["choices"].values()) == 8
    assert row.cost_s == 5.5, "the processor time of a run"
    assert row.z.count == 8


def test_the_evidence_of_a_storage_path_serves_every_strategy(storage):
    evidence = read_evidence(storage)
    assert evidence.tasks == PAPER_TASKS
    assert evidence.parts == ("characters", "scores", "learned")
    assert groups_text(propose(find_strategy("crp"), evidence, 4).groups) == PLAN
    assert {run.seed for run in evidence.learned} == set(range(3, 11)), "seeds 1 and 2 score"
    learned = propose(find_strategy("gumbel"), evidence, 5)
    assert learned.groups == next(run.groups for run in evidence.learned if run.seed == 3)
    assert learned.cost_s == 5.5
    dmtg = Trial(heads=Heads(count=3), grouping=Grouping(temperature=4.0, base_coefficient=0.0), loss=Loss(grouping=0.0))
    probe = Trial(heads=Heads(count=3), grouping=Grouping(method="probe", probe=0.1), training=Training(evidence_words=9))
    other = Trial(grouping=Grouping(temperature=4.0))
    assert [*map(strategy_name, (Trial(), dmtg, probe, other))] == ["gumbel", "dmtg", "probe", ""]


def test_scores_choose_only_for_other_seeds_and_other_words(storage):
    cache = read_group_cache(storage, "oracle_made_up")
    fit = cross_fit(cache_scores(cache, "nll"), cache_scores(cache, "one_minus_ned"))
    scores = cache_scores(cache, "nll")
    for number, fold in enumerate(fit.folds):
        half, place = divmod(number, 3)
        others = scores.by_seed(1 - half).values[[other for other in range(3) if other != place]].mean(axis=0)
        # Shrinking keeps the mean over the groups of each size nearly; the correlation shows which numbers it came from.
        known = np.isfinite(others)
        assert np.corrcoef(fold.choosing.values[known], others[known])[0, 1] > 0.99
        own = cache_scores(cache, "one_minus_ned").by_seed(half).values[place]
        assert np.array_equal(fold.scoring.values, own, equal_nan=True)


def test_where_heads_differ_by_noise_alone_the_table_says_so(tmp_path):
    write_oracle(tmp_path, gain=0.0, noise=0.05)
    # The cost of a group's size is real; the noise of a head hides which tasks are in it.
    table = reproduce.strategies(tmp_path)
    assert all(not regime.tells_apart for regime in table.regimes if 3 <= regime.heads <= 5)
    assert row_of(table, "oracle", 4).percentile.mean < 99


def test_the_command_prints_the_table_and_writes_its_files(storage, capsys, tmp_path):
    assert reproduce.main(["strategies", "--storage-path", str(storage), "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "Percentile among all groupings" in shown
    assert "gradient cosine: no trial recorded" in " ".join(shown.split())
    values = json.loads((tmp_path / "strategies.json").read_text())
    assert {row["strategy"] for row in values["rows"]} >= {"oracle", "Gumbel (paper)", "script families", "random (mean of all)"}
    with pyarrow.ipc.open_file(tmp_path / "strategies.arrow") as file:
        assert "heads_4" in file.schema.names
    assert (tmp_path / "strategies.png").stat().st_size > 10_000


def test_the_figure_shows_every_strategy_that_chose(table):
    labels = strategy_figure(table).axes[0].get_legend_handles_labels()[1]
    assert {"oracle", "Gumbel (paper)", "one head for all"} <= set(labels)
    assert "random (mean of all)" not in labels


def test_a_cache_that_lacks_groups_is_refused_with_their_names(tmp_path):
    write_oracle(tmp_path, groups=all_groups(PAPER_TASKS)[:-1])
    with pytest.raises(ConfigError, match="0 seeds have a head for every group: two or more are needed"):
        reproduce.strategies(tmp_path)


def test_one_seed_is_refused(tmp_path):
    write_oracle(tmp_path, seeds=(0,))
    with pytest.raises(ConfigError, match="1 seeds have a head for every group"):
        reproduce.strategies(tmp_path)


def test_a_method_is_named_by_what_differs_from_the_paper():
    assert method_title(Trial()) == "Gumbel (paper)"
    other = Trial().replaced("grouping.temperature", 2.5).replaced("loss.grouping", 0.0).replaced("training.steps", 9)
    assert method_title(other) == "gumbel, temperature 2.5, loss.grouping 0"
    assert method_title(other.replaced("grouping.base_coefficient", 0.0)) == "DMTG, temperature 2.5"
    idle = Trial().replaced("grouping.penalty_while_idle", True)
    assert method_title(idle) == "gumbel, penalty_while_idle"
