"""Every strategy: a legal grouping or one clear line. And what each chooses, worked by hand."""

from dataclasses import replace

import numpy as np
import pytest
from group_tables import groups, random_values, three_tasks

from raygroup.errors import ConfigError
from raygroup.strategies.affinity import affinity_scores
from raygroup.strategies.distribution import score_distributions
from raygroup.strategies.evidence import PARTS, Evidence, LearnedGrouping
from raygroup.strategies.group_scores import GroupScores, group_scores, members
from raygroup.strategies.methods.hoa import pair_scores
from raygroup.strategies.partition_search import best_groupings, grouping_score
from raygroup.strategies.registry import STRATEGIES, find_strategy
from raygroup.strategies.strategy import Strategy, propose
from raygroup.strategies.surrogate import fill_scores
from raygroup.task_groups import Groups
from raygroup.tasks import PAPER_TASKS

TWINS = ("zh-1", "zh-2", "ko-1", "ko-2", "la")
EVIDENCE = Evidence(
    tasks=TWINS,
    characters={
        "zh-1": frozenset("中国"),
        "zh-2": frozenset("中人"),
        "ko-1": frozenset("가"),
        "ko-2": frozenset("가나"),
        "la": frozenset("a"),
    },
    cosines=np.eye(5),
    lookahead=np.eye(5) / 10,
    scores=GroupScores(tasks=TWINS, values=random_values(5), cost_s=np.array([2.0])),
    learned=tuple(
        LearnedGrouping(
            method=method, heads=heads, seed=7, cost_s=20.0,
            groups=frozenset(frozenset(task for place, task in enumerate(TWINS) if place % heads == head) for head in range(heads)),
        )
        for method in ("gumbel", "dmtg", "probe")
        for heads in range(1, 6)
    ),
    costs_s=dict.fromkeys(PARTS, 1.5),
)  # fmt: skip


def chosen(name: str, evidence: Evidence, num_groups: int) -> Groups:
    return propose(find_strategy(name), evidence, num_groups).groups


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES.keys())
def test_a_strategy_makes_a_legal_grouping_for_every_number_of_groups(strategy):
    fewest = len(propose(strategy, EVIDENCE, 5).groups) if strategy.fixed else 1
    for num_groups in range(fewest, 6):
        proposal = propose(strategy, EVIDENCE, num_groups)
        assert sorted(task for group in proposal.groups for task in group) == sorted(TWINS)
        assert len(proposal.groups) == (fewest if strategy.fixed else num_groups)
        assert proposal == propose(strategy, EVIDENCE, num_groups)
        assert proposal.cost_s >= 0
    for num_groups in range(1, fewest):
        with pytest.raises(ConfigError, match=f"always makes {fewest} groups of these tasks, and {num_groups} were asked"):
            propose(strategy, EVIDENCE, num_groups)
    assert propose(strategy, EVIDENCE, 5).strategy == strategy.name


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES.keys())
def test_a_strategy_names_the_evidence_that_is_missing(strategy):
    bare = Evidence(tasks=TWINS)
    if not strategy.needs:
        assert propose(strategy, bare, 5).cost_s == 0
        return
    with pytest.raises(ConfigError, match=rf"^strategy '{strategy.name}' needs evidence that is missing: {strategy.needs[0]} \("):
        propose(strategy, bare, 5)


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES.keys())
def test_a_strategy_refuses_more_groups_than_tasks(strategy):
    for count in (0, 6):
        with pytest.raises(ConfigError, match=f"was asked for {count} groups: 5 tasks form 1 to 5$"):
            propose(strategy, EVIDENCE, count)


def test_a_strategy_that_returns_an_illegal_grouping_is_refused():
    def returning(*names: str) -> Strategy:
        return Strategy(name="broken", title="", source="", choose=lambda evidence, num_groups: groups(*names))

    abc = Evidence(tasks=("a", "b", "c"))
    for names, reason in [
        (("ab",), r"returned a\+b, which is no grouping of the tasks: c has no group$"),
        (("ab", "bc"), "no grouping of the tasks: b is in 2 groups$"),
        (("ab", "cd"), "no grouping of the tasks: 'd' is no task$"),
        (("ab", "c", ""), "no grouping of the tasks: a group is empty$"),
        (("abc",), r"returned a\+b\+c: the number of its groups must be 2$"),
    ]:
        with pytest.raises(ConfigError, match=reason):
            propose(returning(*names), abc, 2)


def test_rules_by_hand_group_the_papers_languages():
    seven = Evidence(tasks=PAPER_TASKS)
    alone = [(task,) for task in ("ar", "bn", "hi", "ko", "la")]
    assert chosen("paddleocr", seven, 6) == frozenset(map(frozenset, [*alone, ("zh", "ja")]))
    assert chosen("easyocr", seven, 7) == chosen("one-per-task", seven, 7) == frozenset(frozenset({task}) for task in PAPER_TASKS)
    assert chosen("all-in-one", seven, 3) == frozenset({frozenset(PAPER_TASKS)})
    assert chosen("script-family", seven, 6) == frozenset(map(frozenset, [*alone, ("zh", "ja")]))
    families = [("ar",), ("la",), ("bn", "hi"), ("zh", "ja", "ko")]
    assert chosen("script-family", seven, 4) == frozenset(map(frozenset, families))


def test_rules_by_hand_keep_parts_of_a_language_together():
    plan = frozenset(map(frozenset, [("zh-1", "zh-2"), ("ko-1", "ko-2"), ("la",)]))
    for name in ("paddleocr", "easyocr", "script-family", "character-overlap"):
        assert chosen(name, EVIDENCE, 3) == plan


def test_scripts_of_ones_own_are_known_by_name():
    tasks = ("thai", "tamil", "greek", "la", "my-words")
    assert chosen("script-family", Evidence(tasks=tasks), 3) == frozenset(
        map(frozenset, [("thai", "tamil"), ("greek", "la"), ("my-words",)])
    )
    assert len(chosen("easyocr", Evidence(tasks=tasks), 5)) == 5


def test_a_random_grouping_depends_on_the_seed():
    assert len({chosen("random", replace(EVIDENCE, seed=seed), 3) for seed in range(8)}) > 1


def test_cosines_keep_tasks_together_whose_gradients_agree():
    """ab | cd: four times (1 + 0.8) / 2 = 3.6. a | bcd: 1 + 1/3 + 0.6 + 0.6 = 2.5."""
    cosines = np.array([[1, 0.8, 0, 0], [0.8, 1, 0, 0], [0, 0, 1, 0.8], [0, 0, 0.8, 1]])
    evidence = Evidence(tasks=tuple("abcd"), cosines=cosines)
    assert chosen("gradient-cosine", evidence, 2) == groups("ab", "cd")
    assert chosen("gradient-cosine", evidence, 3) in (groups("ab", "c", "d"), groups("a", "b", "cd"))


def test_tag_keeps_tasks_together_whose_steps_help_in_sum():
    """A step on a helps b by 9, one on b harms a by 3, one on c harms a by 30.

    ab | c: (1 - 3) / 2 + (9 + 1) / 2 + 1 = 5. a | bc: 1 + 0.5 + 0.5 = 2. ac | b: (1 - 30) / 2 + 0.5 + 1 = -13.
    """
    lookahead = np.array([[1, 9, 0], [-3, 1, 0], [-30, 0, 1]], float)
    evidence = Evidence(tasks=tuple("abc"), lookahead=lookahead)
    assert chosen("tag", evidence, 2) == groups("ab", "c")
    best = best_groupings(affinity_scores(lookahead, evidence.tasks), most=3)[2]
    assert [one.score for one in best] == [5, 2, -13]


def test_pairs_score_larger_groups_by_their_mean():
    """a in abc: the mean of 7 (with b) and 4 (with c), 5.5. c: the mean of 2 and 2."""
    estimate = pair_scores(three_tasks(abc=()))
    assert estimate.values[7].tolist() == [5.5, 5.5, 2]
    assert estimate.values[3, :2].tolist() == [7, 7]
    assert estimate.values[4, 2] == 5


def test_strategies_by_scores_cost_the_heads_that_they_need():
    """Two seconds a head: 15 pairs and singles of 5 tasks, 31 groups."""
    assert propose(STRATEGIES["hoa"], EVIDENCE, 3).cost_s == 30
    assert propose(STRATEGIES["oracle"], EVIDENCE, 3).cost_s == propose(STRATEGIES["ridge"], EVIDENCE, 3).cost_s == 62
    assert propose(STRATEGIES["tag"], EVIDENCE, 3).cost_s == 1.5
    with pytest.raises(ConfigError, match=r"^the oracle lacks the scores of a\+c: every group"):
        propose(STRATEGIES["oracle"], Evidence(tasks=tuple("abc"), scores=three_tasks(ac=())), 2)
    with pytest.raises(ConfigError, match=r"^the higher-order approximation lacks the scores of a\+b: every group"):
        propose(STRATEGIES["hoa"], Evidence(tasks=tuple("abc"), scores=three_tasks(ab=())), 2)


def test_the_surrogate_finds_scores_that_are_linear_in_membership():
    """Task i loses 0.1 (i + 1) for each other task with an even place. Twenty of 31 groups tell it the rest."""
    inside = members(5)
    even_others = inside[:, ::2].sum(axis=1, keepdims=True) - inside * (np.arange(5) % 2 == 0)
    values = np.where(inside, 1 - 0.1 * np.arange(1, 6) * even_others, np.nan)
    hidden = np.random.default_rng(1).choice(np.arange(1, 32), 11, replace=False)
    partial = values.copy()
    partial[hidden] = np.nan
    surrogate = fill_scores(GroupScores(tasks=tuple("abcde"), values=partial))
    assert np.nanmax(np.abs(surrogate.scores.values - values)) < 0.01
    assert surrogate.residual_sd.max() < 0.01


def test_the_surrogate_needs_some_groups_of_each_task():
    few = group_scores("ab", {frozenset("a"): {"a": 1.0}, frozenset("ab"): {"a": 1.0, "b": 1.0}})
    with pytest.raises(ConfigError, match="^the number of measured groups of task 'a' is 2: the ridge surrogate needs at least 4$"):
        fill_scores(few)


def abc(*names: str) -> GroupScores:
    """Return the scores of three tasks: 10 for a group that is named, 1 a task otherwise."""
    rows = {frozenset(group): dict.fromkeys(group, 1.0) for group in ("a", "b", "c", "ab", "ac", "bc", "abc")}
    rows |= {frozenset(name): dict.fromkeys(name, 10.0) for name in names}
    return group_scores("abc", rows, cost_s=2.0)


def test_a_restaurant_process_opens_a_table_where_it_pays():
    """With a and b at a table they read 20, and c alone reads 10. All other tables read one a task."""
    evidence = Evidence(tasks=tuple("abc"), scores=abc("ab", "c"))
    assert chosen("crp", evidence, 2) == groups("ab", "c")
    assert chosen("crp", evidence, 1) == groups("abc")
    assert chosen("crp", evidence, 3) == groups("a", "b", "c")


def test_a_restaurant_process_merges_the_tables_that_lose_least_if_no_price_gives_the_number():
    """No task gains by a table of its own unless all do. The merge of a and c keeps 20."""
    everyone_alone = group_scores(
        "abc",
        {frozenset("abc"): dict.fromkeys("abc", 5.0), frozenset("ac"): dict.fromkeys("ac", 4.0), frozenset("ab"): dict.fromkeys("ab", 1.0),
         frozenset("bc"): dict.fromkeys("bc", 1.0), **{frozenset(task): {task: 6.0} for task in "abc"}},
    )  # fmt: skip
    assert chosen("crp", Evidence(tasks=tuple("abc"), scores=everyone_alone), 2) == groups("ac", "b")


@pytest.mark.parametrize("seed", range(20))
def test_a_restaurant_process_is_near_the_best_grouping_and_reads_fewer_heads(seed):
    """On random scores it ends at a grouping that no single task can better, so it is far above the mean."""
    scores = GroupScores(tasks=tuple("abcdefg"), values=random_values(7, seed), cost_s=np.array([1.0]))
    evidence = Evidence(tasks=scores.tasks, scores=scores, seed=seed)
    for count in (2, 3, 4):
        proposal = propose(STRATEGIES["crp"], evidence, count)
        best = propose(STRATEGIES["oracle"], evidence, count)
        place = score_distributions(scores)[count].place(grouping_score(scores, proposal.groups))
        assert place.percentile > 50
        assert proposal.cost_s < best.cost_s


def test_a_learned_strategy_takes_the_run_of_its_seed():
    runs = [
        LearnedGrouping(method="gumbel", heads=2, groups=groups(*names), seed=seed, cost_s=float(seed))
        for seed, names in [(5, ("ab", "c")), (3, ("a", "bc")), (4, ("abc",))]
    ]
    evidence = Evidence(tasks=tuple("abc"), learned=tuple(runs))
    assert [chosen("gumbel", replace(evidence, seed=seed), 2) for seed in range(4)] == [
        groups("a", "bc"), groups("abc"), groups("ab", "c"), groups("a", "bc")
    ]  # fmt: skip
    assert propose(STRATEGIES["gumbel"], replace(evidence, seed=1), 2).cost_s == 4.0, "a head that stays idle is no fault"
    with pytest.raises(ConfigError, match="^strategy 'gumbel' has no training with 3 heads in the evidence; it has some with: 2$"):
        chosen("gumbel", evidence, 3)
    with pytest.raises(ConfigError, match="'dmtg' has no training with 2 heads in the evidence; it has some with: none$"):
        chosen("dmtg", evidence, 2)


def test_evidence_is_checked():
    for changes, reason in [
        ({"tasks": ()}, "must name at least one task"),
        ({"cosines": np.eye(2)}, r"evidence.cosines has the shape \(2, 2\): it must be \(5, 5\)"),
        ({"scores": three_tasks()}, "evidence.scores are of a, b, c: they must be of zh-1, zh-2"),
        ({"characters": {}}, "evidence.characters has none for zh-1"),
        (
            {"learned": (LearnedGrouping(method="gumbel", heads=2, groups=groups("ab"), seed=0, cost_s=0.0),)},
            r"^evidence.learned has the grouping a\+b: it must be one of zh-1, zh-2",
        ),
        ({"costs_s": {"tag": 1.0}}, "evidence.costs_s has no part 'tag'; the parts are: characters, cosines"),
    ]:
        with pytest.raises(ConfigError, match=reason):
            replace(EVIDENCE, **changes)
    with pytest.raises(ConfigError, match="^no strategy 'gumbl'; there are: all-in-one, one-per-task"):
        find_strategy("gumbl")
