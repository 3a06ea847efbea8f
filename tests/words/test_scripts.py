"""Scripts by Unicode's Script property, and the tasks that are named after them."""

import unicodedata

import pytest

from raygroup.tasks import PAPER_TASKS, TASKS
from raygroup.words.coverage import supports_of, task_shares
from raygroup.words.scripts import NO_SCRIPT, SCRIPTS, can_spell, has_letter, knows_letters, script_of, script_of_task, script_task


@pytest.mark.parametrize(
    ("character", "script", "task"),
    [
        ("ก", "Thai", "thai"), ("я", "Cyrillic", "cyrillic"), ("λ", "Greek", "greek"), ("ა", "Georgian", "georgian"),
        ("\U00010300", "Old_Italic", "old_italic"), ("a", "Latin", None), ("中", "Han", None), ("カ", "Katakana", None),
        ("1", "Common", None), ("☃", "Common", None), ("\u0301", "Inherited", None), ("\U0003ffff", "Unknown", None),
    ],
)  # fmt: skip
def test_a_script_that_no_task_knows_names_a_task(character, script, task):
    assert (script_of(character), script_task(character)) == (script, task)
    assert task is None or script_of_task(task) == script


def test_every_letter_of_this_python_has_a_script_of_the_list():
    letters = [chr(point) for point in range(0, 0x20000, 7) if unicodedata.category(chr(point))[0] == "L"]
    assert len(letters) > 5000
    assert {script_of(letter) for letter in letters} <= {*SCRIPTS, *NO_SCRIPT} - {"Unknown"}


def test_a_task_of_the_paper_is_not_named_after_its_script():
    assert not [name for name in ("latin", "han", "hangul", "katakana", "arabic", "klingon", "Thai") if script_of_task(name)]
    assert {script_task(letter) for task in TASKS.values() for letter in task.probe} == {None}


def test_a_script_task_spells_its_script_and_the_signs_that_all_tasks_share():
    assert [can_spell("thai", sign) for sign in "กก๑1!a☃ "] == [True, True, True, True, True, False, False, False]
    assert [has_letter("thai", sign) for sign in "ก1"] == [True, False]
    assert [knows_letters(name) for name in ("thai", "la", "klingon")] == [True, True, False]
    assert [supports("1") for supports in supports_of(("thai", "klingon"))] == [True, False]


def test_a_word_is_shared_among_the_script_tasks_and_the_others_by_characters():
    tasks = (*PAPER_TASKS[-1:], "cyrillic", "thai")
    assert task_shares(["привет", "กข", "abя", "12"], tasks).tolist() == [
        [0, 1, 0], [0, 0, 1], pytest.approx([2 / 3, 1 / 3, 0]), pytest.approx([1 / 3] * 3),
    ]  # fmt: skip
    assert task_shares(["abя", "12", "1я"], tasks, word_tasks="argmax").tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0]]
