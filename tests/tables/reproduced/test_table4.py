"""Table 4: the paper's fourteen numbers from its sizes, and ours from records."""

import itertools
import math

import pytest
from grouping_sweeps import CHARACTERS, EMBEDS, HIDDENS, write_head_counts, write_sized_heads
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from raygroup.costs import head_parameters, pruned_head_parameters
from raygroup.errors import ConfigError
from raygroup.paper import TABLE_4
from raygroup.reproduce import table4
from raygroup.tables.reproduced.rank_correlation import rank_correlation
from raygroup.tables.reproduced.table4 import table4_json
from raygroup.tables.reproduced.table4_report import table4_report
from raygroup.tasks import PAPER_TASKS


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    write_sized_heads(folder)
    return folder


def test_all_fourteen_numbers_of_the_paper_follow_from_sizes_and_characters(tmp_path):
    paper = table4(tmp_path).paper
    assert [head.printed for head in paper] == list(TABLE_4)
    assert [round(head.parameters / 1e6, 2) for head in paper] == [row.parameters_m for row in TABLE_4]
    assert [round(head.pruned_parameters / 1e6, 2) for head in paper] == [row.pruned_parameters_m for row in TABLE_4]
    assert (paper[-1].parameters, paper[-1].pruned_parameters) == (5_981_240, 1_544_990)


def test_without_a_sweep_the_papers_table_stands_alone(tmp_path):
    table = table4(tmp_path)
    assert (table.sweep, table.runs) == (None, ())
    assert any(line.startswith("Ours is missing: ") for line in table4_report(table).remarks)


def test_each_head_has_its_tasks_and_its_size_before_and_after_pruning(storage):
    for run in table4(storage).runs:
        for head in run.heads:
            assert (head.embed, head.hidden) == (EMBEDS[head.head], HIDDENS[head.head])
            assert head.parameters == head_parameters(head.embed, head.hidden, sum(CHARACTERS) + 2, (24, 256))
            if head.tasks:
                spelled = {*head.tasks, *(["zh"] if "ja" in head.tasks else [])}
                characters = sum(CHARACTERS[PAPER_TASKS.index(task)] for task in spelled)
                assert head.num_characters == characters
                assert head.pruned_parameters == pruned_head_parameters(head.embed, head.hidden, characters, (24, 256))
            else:
                assert (head.num_characters, head.pruned_parameters) == (0, None)


def test_rho_is_given_for_each_run_and_its_mean_over_seeds(storage):
    table = table4(storage)
    rhos = [run.correlation.rho for run in table.runs]
    assert table.mean_rho.mean == pytest.approx(sum(rhos) / 2)
    assert table.mean_rho.high - table.mean_rho.low == pytest.approx(2 * 12.706 * abs(rhos[0] - rhos[1]) / 2, rel=1e-3)
    values = table4_json(table)
    assert [trial["correlation"]["pairs"] for trial in values["trials"]] == [sum(bool(h.tasks) for h in run.heads) for run in table.runs]


def test_the_exact_p_counts_all_orders():
    """Rho of these five is 0.9. Of the 120 orders, 1 + 4 reach 0.9 or more, and as many -0.9 or less."""
    result = rank_correlation([1, 2, 3, 4, 5], [1, 2, 3, 5, 4])
    assert result.rho == pytest.approx(0.9)
    assert result.exact
    assert result.p == pytest.approx(10 / 120)
    half = 1.959964 * math.sqrt((1 + 0.9**2 / 2) / 2)
    assert (result.low, result.high) == pytest.approx((math.tanh(math.atanh(0.9) - half), math.tanh(math.atanh(0.9) + half)), abs=1e-5)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=6))
def test_rho_and_p_are_those_of_a_plain_count_with_another_library(pairs):
    one, other = zip(*pairs, strict=True)
    if len(set(one)) == 1 or len(set(other)) == 1:
        assert rank_correlation(one, other) is None
        return
    result = rank_correlation(one, other)
    assert result.rho == pytest.approx(spearmanr(one, other).statistic)
    if len(pairs) <= 4:
        rhos = [abs(spearmanr(one, order).statistic) for order in itertools.permutations(other)]
        assert result.p == pytest.approx(sum(rho >= abs(result.rho) - 1e-9 for rho in rhos) / len(rhos))


def test_a_drawn_p_is_never_0():
    result = rank_correlation(range(12), range(12))
    assert not result.exact
    assert 0 < result.p < 0.001


def test_a_sweep_that_does_not_fit_is_refused_by_name_and_passed_over_otherwise(tmp_path):
    write_head_counts(tmp_path)
    assert table4(tmp_path).sweep is None
    with pytest.raises(ConfigError, match="counts has trials whose heads all have one size"):
        table4(tmp_path, "counts")
    write_sized_heads(tmp_path, facts=False)
    with pytest.raises(ConfigError, match=r"sizes has no word_facts\.json for seed=0"):
        table4(tmp_path, "sizes")
