"""The settings of a search of head sizes."""

from dataclasses import replace

import pytest

from raygroup import ConfigError, Heads, HeadSizes, SizeRange, SizeSearch, Trial
from raygroup.search_space import load

SMALL, LARGE = HeadSizes(embed=8, hidden=8), HeadSizes(embed=24, hidden=32)
SEARCH = SizeSearch(
    name="sizes", trial=Trial(heads=Heads(count=2, start="independent")), embed=SizeRange(low=8, high=24), hidden=SizeRange(low=8, high=32),
    points=(SMALL, LARGE), seeds=(0, 1),
)  # fmt: skip


def test_a_range_holds_its_ends_and_equal_steps():
    assert list(SizeRange(low=8, high=24).sizes) == [8, 16, 24]
    assert list(SizeRange(low=5, high=5).sizes) == [5]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"low": 8, "high": 4}, "sizerange.high is 4: it must be at least sizerange.low, which is 8: the range is empty"),
        ({"low": 8, "high": 20}, "sizerange.high is 20: it must be 8 plus a multiple of the step 8"),
        ({"low": 0, "high": 8}, "sizerange.low is 0: it must be a whole number from 1"),
    ],
)
def test_an_empty_or_crooked_range_is_refused(sizes, message):
    with pytest.raises(ConfigError) as error:
        SizeRange(**sizes)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"trial": Trial(heads=Heads(count=2))},
            "trial.heads.start is 'universal': it must be 'independent': a point rarely has a head",
        ),
        ({"points": ()}, "points is (): it must be the sizes to start with, at least one point"),
        ({"points": (HeadSizes(embed=12, hidden=8),)}, "points: embed is 12: it must be among the sizes of embed: 8 to 24 in steps of 8"),
        ({"points": (HeadSizes(embed=8, hidden=(8, 40)),)}, "points: hidden is (8, 40): it must be among the sizes of hidden: 8 to 32"),
        ({"points": (HeadSizes(embed=8, hidden=(8, 8, 8)),)}, "heads.hidden is (8, 8, 8): it must be one size, or one for each of the 2"),
        ({"points": ((8, 8),)}, "points is ((8, 8),): it must be a tuple of HeadSizes(...)"),
        ({"embed": (8, 48)}, "embed is (8, 48): it must be a SizeRange"),
        ({"confirm_seeds": (1, 2)}, "confirm_seeds is (1, 2): it must be seeds each once, and none of the search's own (0, 1)"),
        ({"grid": {"heads.count": (2, 3)}}, "grid is {'heads.count': (2, 3)}: it must be empty: a search of sizes has no grid"),
        ({"num_points": 0}, "num_points is 0: it must be a whole number from 1"),
    ],
)
def test_a_search_that_could_only_fail_later_is_refused_in_one_line(change, message):
    with pytest.raises(ConfigError) as error:
        replace(SEARCH, **change)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_its_trials_are_those_of_the_points_to_start_with():
    assert [label for label, _ in SEARCH.trials()] == ["point=0 seed=0", "point=0 seed=1", "point=1 seed=0", "point=1 seed=1"]
    assert [(trial.heads.embeds, trial.heads.hiddens, trial.seed) for _, trial in SEARCH.trials()][2] == ((24, 24), (32, 32), 0)


def test_equal_sizes_are_written_as_one_number_so_that_other_sweeps_have_the_same_trial():
    trial = SEARCH.sized_trial(HeadSizes(embed=(8, 8), hidden=(8, 16)), 3)
    assert trial == Trial(heads=Heads(count=2, embed=8, hidden=(8, 16), start="independent"), seed=3)


def test_points_given_twice_count_once():
    assert replace(SEARCH, points=(SMALL, HeadSizes(embed=(8, 8), hidden=8), LARGE)).first_points == SEARCH.first_points


def test_its_identity_is_that_of_what_a_points_values_depend_on():
    same = (
        {"num_points": 99}, {"points": (LARGE,)}, {"confirm_seeds": (7,)}, {"points_at_once": 1},
        {"trial": SEARCH.trial.replaced("training.checkpoint_every", 7)},
    )  # fmt: skip
    assert {replace(SEARCH, **change).identity("data") for change in same} == {SEARCH.identity("data")}
    others = (
        {"seeds": (0, 2)}, {"embed": SizeRange(low=8, high=32)}, {"trial": SEARCH.trial.replaced("training.steps", 7)}, {"sampler_seed": 1},
    )  # fmt: skip
    identities = {replace(SEARCH, **change).identity("data") for change in others} | {SEARCH.identity("others")}
    assert len(identities) == 5
    assert SEARCH.identity("data") not in identities


def test_the_bundled_search_has_seven_heads_and_starts_from_three_equal_sizes_and_table_4():
    search = load("head_sizes")
    assert isinstance(search, SizeSearch)
    assert search.word_trial.heads.count == 7
    assert [len(set(point.embed)) for point in search.first_points] == [1, 1, 1, 4]
