import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raygroup.tasks import PAPER_TASKS, TASKS
from raygroup.words.importing.importer import read_user_words
from raygroup.words.label_conflicts import contradiction_counts, contradiction_lines, contradictions


def contradicts(label, task):
    return contradictions([label], [task]).tolist() == [True]


def test_a_label_is_contradicted_by_letters_of_another_task_alone():
    assert contradicts("مرحبا", "la")
    assert contradicts("hello", "ar")
    assert contradicts("서울2024", "zh")


def test_one_letter_of_its_task_is_enough_to_support_a_label():
    assert not contradicts("hello", "la")
    assert not contradicts("مرحباx", "la")
    assert not contradicts("Tシャツ", "la")


def test_digits_and_punctuation_contradict_no_label():
    for task in TASKS:
        assert not contradicts("2024-12!", task)
        assert not contradicts("", task)


def test_characters_of_no_task_contradict_no_label():
    assert not contradicts("☃", "la")
    assert not contradicts("Привет", "la")


def test_han_letters_are_chinese_and_japanese_but_not_korean():
    assert not contradicts("中国", "zh")
    assert not contradicts("中国", "ja")
    assert contradicts("中国", "ko")
    assert contradicts("の", "zh")


def test_a_word_without_a_task_or_with_an_unknown_task_has_no_contradiction():
    assert not contradicts("hello", None)
    assert not contradicts("hello", "klingon")


def test_contradictions_are_counted_by_labelled_task_and_written_task():
    labels = ["hello", "world", "hello", "中国", "の中", "aب", "mixedب", "سلام"]
    tasks = ["ar", "ar", "la", "ko", "ko", "hi", "hi", None]
    assert contradiction_counts(labels, tasks) == {
        ("ar", "la"): 2,
        ("ko", "zh+ja"): 1,
        ("ko", "ja"): 1,
        ("hi", "ar+la"): 1,
        ("hi", "la"): 1,
    }


def test_the_most_frequent_contradiction_comes_first():
    assert contradiction_lines(contradiction_counts(["a", "中", "b"], ["ko"] * 3)) == [
        "2 kept, though labelled ko and written in letters of la",
        "1 kept, though labelled ko and written in letters of zh+ja",
    ]


def test_no_words_have_no_contradictions():
    assert contradictions([], []).tolist() == []
    assert contradiction_counts([], []) == {}
    assert contradiction_counts(["a"], ["la"]) == {}


def test_a_call_with_fewer_tasks_than_labels_raises():
    with pytest.raises(ValueError, match="2 labels and 1 tasks"):
        contradictions(["a", "b"], ["la"])


@given(
    st.lists(st.tuples(st.text(alphabet="abé中のア한کबক12.-☃", max_size=6), st.sampled_from([*PAPER_TASKS, None, "klingon"])), max_size=8)
)
def test_contradictions_agree_with_a_test_letter_by_letter(words):
    labels, tasks = [word[0] for word in words], [word[1] for word in words]
    by_hand = []
    for label, task in words:
        others = [name for name in TASKS if name != task and any(map(TASKS[name].has_letter, label))]
        by_hand.append(task in TASKS and bool(others) and not any(map(TASKS[task].has_letter, label)))
    assert contradictions(labels, tasks).tolist() == by_hand
    assert contradiction_counts(labels, tasks).total() == sum(by_hand)


def test_contradictions_do_not_depend_on_the_block_size():
    labels, tasks = ["hello", "2024", "中国"] * 4000, ["ar", "ar", "ko"] * 4000
    assert contradictions(labels, tasks).tolist() == [True, False, True] * 4000
    assert contradiction_counts(labels, tasks) == {("ar", "la"): 4000, ("ko", "zh+ja"): 4000}


def test_contradicting_words_of_a_user_are_kept_and_noted(tmp_path):
    image = cv2.imencode(".png", np.arange(128, dtype=np.uint8).reshape(8, 16))[1].tobytes()
    texts, tasks = ["word1", "مرحبا", "سلام", "2024", "word2"], ["la", "la", "la", "la", None]
    splits = ["train"] * 4 + ["unseen"]
    pq.write_table(pa.table({"image": [image] * 5, "text": texts, "task": tasks, "split": splits}), tmp_path / "words.parquet")
    words = read_user_words(tmp_path / "words.parquet", ("ar", "la"))
    assert words.table["task"].to_pylist() == tasks
    assert "2 kept, though labelled la and written in letters of ar" in words.report.notes
