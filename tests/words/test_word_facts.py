"""The facts about a trial's words come back as they were written, and say what a head must be able to write."""

import pytest

from raygroup.errors import DamagedFileError
from raygroup.words.word_facts import ReadingTime, WordFacts, read_word_facts, task_characters, write_word_facts

FACTS = WordFacts(
    classes=8, shape=(24, 256), characters={"hi": frozenset("कख"), "la": frozenset("ab")}, characters_without_task=frozenset("b1"),
    times=(ReadingTime("la", 64, 0.128, 0.032), ReadingTime(None, 10, 0.02, 0.01)), device="cpu", threads=2,
)  # fmt: skip


def test_facts_come_back_as_they_were_written(tmp_path):
    write_word_facts(tmp_path / "word_facts.json", FACTS)
    assert read_word_facts(tmp_path / "word_facts.json") == FACTS


def test_a_trial_of_an_earlier_version_has_no_facts(tmp_path):
    assert read_word_facts(tmp_path / "word_facts.json") is None


@pytest.mark.parametrize("content", [b"", b'{"layout": 1, "classes": "8"}', b'{"layout": 1, "classes": 8}'])
def test_damaged_facts_are_named_with_the_way_out(tmp_path, content):
    (tmp_path / "word_facts.json").write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"word_facts\.json.*delete it, and tables show '-'"):
        read_word_facts(tmp_path / "word_facts.json")


def test_a_head_keeps_the_letters_of_its_tasks_and_the_signs_that_all_tasks_share():
    """The characters are ``1 a b क ख``: ``la`` spells three of them, and ``hi`` three."""
    assert FACTS.kept_characters(["la"], ["hi", "la"]) == 3
    assert FACTS.kept_characters(["hi"], ["hi", "la"]) == 3
    assert FACTS.kept_characters(["la", "hi"], ["hi", "la"]) == 5


def test_labels_give_their_characters_by_task():
    labels = [("la", "aba"), ("la", "c"), (None, "1")]
    assert task_characters(labels) == {"la": set("abc"), None: set("1")}


def test_time_is_that_of_processors_on_a_cpu_and_of_the_wall_on_a_gpu():
    assert FACTS.ms_per_word("la") == pytest.approx(2.0)
    assert WordFacts(**{**vars(FACTS), "device": "cuda"}).ms_per_word("la") == pytest.approx(0.5)
    assert FACTS.ms_per_word(None) == pytest.approx(2.0)
    assert FACTS.ms_per_word("hi") is None
