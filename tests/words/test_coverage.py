import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raygroup.tasks import PAPER_TASKS, TASKS
from raygroup.words.coverage import spellable_labels, supports_of, task_shares, unspellable_characters

SEVEN = ("ar", "bn", "zh", "hi", "ja", "ko", "la")


def shares(label, tasks=SEVEN, word_tasks="soft"):
    return dict(zip(tasks, task_shares([label], tasks, word_tasks=word_tasks)[0].tolist(), strict=True))


def chosen_task(label, tasks=SEVEN):
    row = shares(label, tasks, "argmax")
    assert sum(row.values()) == 1
    return max(row, key=row.get)


def test_a_word_of_one_script_belongs_to_one_task():
    assert shares("hello")["la"] == 1
    assert shares("مرحبا")["ar"] == 1


def test_a_kanji_word_is_half_chinese_and_half_japanese():
    assert shares("中国") == pytest.approx({**dict.fromkeys(SEVEN, 0), "zh": 0.5, "ja": 0.5})


def test_shares_are_proportional_to_the_characters_and_sum_to_one():
    """In 中の, Chinese spells one character and Japanese spells both."""
    assert shares("中の") == pytest.approx({**dict.fromkeys(SEVEN, 0), "zh": 1 / 3, "ja": 2 / 3})


def test_digits_belong_equally_to_every_task():
    assert shares("2024") == pytest.approx(dict.fromkeys(SEVEN, 1 / 7))
    assert shares("a1")["la"] == pytest.approx(2 / 8)


def test_a_word_that_no_task_can_spell_has_no_shares():
    assert task_shares(["☃", ""], SEVEN).sum() == 0
    assert task_shares(["☃", ""], SEVEN, word_tasks="argmax").sum() == 0


def test_a_tie_goes_to_a_task_with_a_unique_letter_then_to_latin_then_to_the_first():
    assert chosen_task("の国") == "ja"
    assert chosen_task("aب") == "la"
    assert chosen_task("بক") == "ar"
    assert chosen_task("2024") == "la"
    assert chosen_task("2024", ("hi", "ko")) == "hi"
    assert chosen_task("中国") == "zh"


def test_a_unique_letter_breaks_a_tie_before_the_order_of_tasks():
    letters = {"x": "b1", "y": "bc1", "z": "ab"}
    supports = [letters[name].__contains__ for name in letters]
    assert task_shares(["b1a"], tuple(letters), supports, "argmax").tolist() == [[0, 0, 1]]


@given(st.lists(st.text(alphabet="abé中のア한کबক12.-☃", max_size=8), max_size=8), st.sampled_from(["soft", "argmax"]))
def test_shares_agree_with_counting_by_hand(labels, word_tasks):
    shares_wt = task_shares(labels, PAPER_TASKS, word_tasks=word_tasks)
    assert shares_wt.dtype == np.float32
    for label, row in zip(labels, shares_wt, strict=True):
        counts = np.array([sum(map(TASKS[name].supports, label)) for name in PAPER_TASKS])
        assert row.sum() == pytest.approx(float(counts.any()))
        if word_tasks == "soft" and counts.any():
            np.testing.assert_allclose(row, counts / counts.sum(), rtol=1e-6)
        if word_tasks == "argmax" and counts.any():
            assert counts[row.argmax()] == counts.max()


def test_shares_do_not_depend_on_the_block_size():
    labels = ["a1", "中国", "", "한"] * 5000
    np.testing.assert_array_equal(task_shares(labels, SEVEN), np.tile(task_shares(labels[:4], SEVEN), (5000, 1)))


def test_an_unknown_task_of_the_user_spells_nothing():
    assert task_shares(["abc"], ("klingon", "la")).tolist() == [[0, 1]]


def test_characters_of_no_task_are_counted():
    supports = supports_of(SEVEN)
    assert unspellable_characters(["a☃☃", "b c"], supports) == {"☃": 2, " ": 1}
    assert spellable_labels(["a☃", "☃", ""], supports).tolist() == [True, False, False]


def test_two_parts_of_a_language_spell_a_word_alike():
    assert shares("中国", ("zh-1", "zh-2", "la")) == {"zh-1": 0.5, "zh-2": 0.5, "la": 0}
