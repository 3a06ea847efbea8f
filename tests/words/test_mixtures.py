import io
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console
from scipy.stats import chisquare

from raygroup.config import Words
from raygroup.errors import ConfigError
from raygroup.paper import TABLE_1, TABLE_1_RATIOS
from raygroup.tables.mixture import print_mixture
from raygroup.words.mixtures import Mixture, listed_sources, mixed_rows, mixed_words, mixture_of, stored_sources
from raygroup.words.word_store import SCHEMA, StoreMetadata, open_word_store, write_word_store


def table_1(weighting="per_sample"):
    names, sizes = tuple(row.name for row in TABLE_1), tuple(row.train_images for row in TABLE_1)
    return Mixture(names=names, sizes=sizes, ratios=tuple(row.ratio for row in TABLE_1), weighting=weighting)


def three_sets(**changed):
    return Mixture(**{"names": ("a", "b", "c"), "sizes": (6, 3, 1), "ratios": (1, 4, 2), "weighting": "per_sample"} | changed)


def percent(mixture):
    return dict(zip(mixture.names, np.round(100 * mixture.probabilities, 2).tolist(), strict=True))


def test_a_ratio_of_table_1_applies_to_one_image_so_large_sets_weigh_more():
    assert percent(table_1()) == {
        "ICDAR13": 0.19, "ICDAR15": 0.85, "Total Text": 2.65, "RCTW17": 6.79, "MLT19": 42.27, "SynthTextMLT": 10.68, "ArT19": 11.21,
        "LSVT19": 25.36,
    }  # fmt: skip


def test_synthetic_images_are_thirty_times_rarer_if_a_ratio_applies_to_a_whole_set():
    shares = percent(table_1("per_dataset"))
    assert shares["MLT19"] == 35.59
    assert shares["SynthTextMLT"] == 0.36
    assert table_1().probabilities[5] / table_1("per_dataset").probabilities[5] == pytest.approx(30, rel=0.01)


def test_with_ratios_per_sample_an_mlt19_image_is_drawn_a_hundred_times_as_often_as_a_synthetic_one():
    epochs = dict(zip(table_1().names, table_1().epochs(40_000 * 8), strict=True))
    assert epochs["MLT19"] / epochs["SynthTextMLT"] == pytest.approx(100)
    assert epochs["MLT19"] == pytest.approx(320_000 * 100 / 2_365_759)


def test_probabilities_are_proportional_to_ratio_times_size_or_to_the_ratio_alone():
    assert three_sets().probabilities.tolist() == pytest.approx([6 / 20, 12 / 20, 2 / 20])
    assert three_sets(weighting="per_dataset").probabilities.tolist() == pytest.approx([1 / 7, 4 / 7, 2 / 7])


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_only_the_proportion_of_ratios_counts(scale):
    assert three_sets(ratios=(scale, 4 * scale, 2 * scale)).probabilities.tolist() == pytest.approx([0.3, 0.6, 0.1])


@pytest.mark.parametrize("mixture", [table_1(), table_1("per_dataset"), three_sets(), three_sets(weighting="per_dataset")])
def test_data_sets_are_drawn_as_often_as_their_probabilities_say(mixture):
    datasets = np.concatenate([mixture.draws(0, step, 500)[0] for step in range(400)])
    expected = len(datasets) * mixture.probabilities
    assert chisquare(np.bincount(datasets, minlength=len(expected)), expected).pvalue > 1e-3


def test_all_items_of_a_data_set_are_equally_likely():
    mixture = three_sets(sizes=(10, 7, 1))
    datasets, items = (np.concatenate(parts) for parts in zip(*(mixture.draws(3, step, 500) for step in range(200)), strict=True))
    for number, size in enumerate(mixture.sizes):
        counts = np.bincount(items[datasets == number])
        assert len(counts) == size
        assert size == 1 or chisquare(counts).pvalue > 1e-3


def test_the_draws_of_a_step_depend_on_seed_and_step_alone():
    mixture = table_1()
    first = mixture.draws(1, 7, 64)
    mixture.draws(1, 8, 64)
    for before, again in zip(first, mixture.draws(1, 7, 64), strict=True):
        np.testing.assert_array_equal(before, again)
    for other in (mixture.draws(1, 8, 64), mixture.draws(2, 7, 64)):
        assert not np.array_equal(first[1], other[1])


def test_a_huge_data_set_is_sampled_without_listing_its_items():
    mixture = Mixture(names=("vast", "small"), sizes=(10**15, 10), ratios=(1.0, 10.0**14))
    datasets, items = mixture.draws(0, 0, 1000)
    assert set(datasets.tolist()) == {0, 1}
    assert items[datasets == 0].max() > 9 * 10**14
    assert items[datasets == 1].max() < 10


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weighting": "per_image"}, "mixture.weighting is 'per_image': it must be one of per_sample, per_dataset"),
        ({"ratios": (1, 0, 2)}, "mixture.ratios['b'] is 0: it must be a number above 0"),
        ({"ratios": (1, 4, -2)}, "mixture.ratios['c'] is -2: it must be a number above 0"),
        ({"ratios": (float("nan"), 4, 2)}, "mixture.ratios['a'] is nan: it must be a number above 0"),
        ({"ratios": (1, float("inf"), 2)}, "mixture.ratios['b'] is inf: it must be a number above 0"),
        ({"ratios": (1, 4)}, "mixture.ratios is (1, 4): it must be one number for each of the 3 data sets"),
        ({"sizes": (6, 0, 1)}, "mixture.sizes['b'] is 0: it must be a whole number from 1: an empty data set has nothing to draw"),
        ({"names": ("a", "b", "a")}, "mixture.names is ('a', 'b', 'a'): it must be names of data sets, each once"),
        ({"names": (), "sizes": (), "ratios": ()}, "mixture.names is (): it must be names of data sets, each once"),
    ],
)
def test_a_mixture_that_cannot_be_sampled_is_an_error_of_one_line(changed, message):
    with pytest.raises(ConfigError) as error:
        three_sets(**changed)
    assert str(error.value) == message


def test_the_table_shows_probabilities_draws_and_epochs():
    out = io.StringIO()
    print_mixture(three_sets(), 10, 40, Console(file=out, width=40))
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert lines[0][:2] == ["Mixture", "(per_sample:"]
    assert lines[2:] == [
        ["a", "6", "1", "30.00%", "120", "20"],
        ["b", "3", "4", "60.00%", "240", "80"],
        ["c", "1", "2", "10.00%", "40", "40"],
    ]


ROWS = [
    ("b", "train"), ("a", "train"), ("b", "unseen"), ("a", "new"), ("a", "train"), ("tested", "unseen"), ("b", "train"), ("a", "train"),
]  # fmt: skip
"""Source and split of each row in the store."""


@pytest.fixture
def table(tmp_path):
    columns = [[b"image"] * 8, ["text"] * 8, ["text"] * 8, ["la"] * 8, *map(list, zip(*ROWS, strict=True))]
    batch = pa.record_batch([pa.array(column, kind.type) for column, kind in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)
    write_word_store(tmp_path / "words.parquet", [batch], StoreMetadata(fingerprint="f00", tasks=("la",)))
    return open_word_store(tmp_path / "words.parquet")


def test_words_are_drawn_from_training_rows_by_the_ratio_of_their_source(table):
    mixed = mixed_rows(table, Words(mixture=(("a", 1), ("b", 3))))
    draws = np.concatenate([mixed.draw_rows(0, step, 100) for step in range(200)])
    expected = {0: Fraction(3, 9), 1: Fraction(1, 9), 4: Fraction(1, 9), 6: Fraction(3, 9), 7: Fraction(1, 9)}
    rows, counts = np.unique(draws, return_counts=True)
    assert rows.tolist() == list(expected)
    assert chisquare(counts, [float(share) * len(draws) for share in expected.values()]).pvalue > 1e-3


def test_a_source_of_ratio_0_is_never_drawn_and_may_be_missing(table):
    mixed = mixed_rows(table, Words(mixture=(("a", 2), ("b", 0), ("MLT19", 0))))
    assert mixed.mixture.names == ("a",)
    assert set(np.concatenate([mixed.draw_rows(0, step, 20) for step in range(20)]).tolist()) == {1, 4, 7}


def test_listed_words_are_drawn_by_the_ratio_of_their_source():
    mixed = mixed_words(Words(mixture=(("a", 1), ("b", 3), ("c", 0))), ["b", "a", "c", "b", "a", "a"])
    draws = np.concatenate([mixed.draw_rows(0, step, 100) for step in range(200)])
    rows, counts = np.unique(draws, return_counts=True)
    assert rows.tolist() == [0, 1, 3, 4, 5], "the word of c is never drawn"
    assert chisquare(counts, [len(draws) * share / 9 for share in (3, 1, 3, 1, 1)]).pvalue > 1e-3
    assert mixed_words(Words(), ["a"]) is None


def test_without_ratios_there_is_no_mixture(table):
    assert mixed_rows(table, Words()) is None


def test_only_training_words_make_a_source(table):
    assert stored_sources(table) == {"a": 3, "b": 2}


def test_a_ratio_without_words_and_words_without_a_ratio_are_errors_that_list_the_sources(table):
    def message_for(*mixture):
        with pytest.raises(ConfigError) as error:
            mixed_rows(table, Words(mixture=mixture))
        return str(error.value)

    assert message_for(("a", 1), ("b", 1), ("MLT19", 100)) == (
        "words.mixture['MLT19'] is 100, but no word has this source; the words to train on are of: a, b"
    )
    assert message_for(("a", 1), ("b", 1), ("tested", 1)).startswith("words.mixture['tested'] is 1, but no word")
    assert message_for(("a", 1)) == (
        "words.mixture has no ratio for 'b', of 2 words: give one ratio for each source; the words to train on are of: a, b"
    )


def test_listed_words_are_counted_by_source_like_stored_ones(tmp_path):
    lines = [
        "path,text,source,split",
        "1.png,one,a,train",
        "2.png,two,b,train",
        "3.png,three,a,unseen",
        "4.png,,a,train",
        "5.png,five,,train",
    ]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "labels.csv").write_text("\n".join(lines))
    assert listed_sources(tmp_path / "mine", ("la",)) == {"a": 1, "b": 1, "mine": 1}


def test_the_ratios_of_table_1_can_be_used_as_a_setting():
    words = Words(source="Table 1", mixture=TABLE_1_RATIOS)
    mixture = mixture_of(words, {row.name: row.train_images for row in TABLE_1})
    assert percent(mixture) == percent(table_1())
