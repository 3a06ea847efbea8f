"""Word lists of a user: any script that a font can write, whatever the task is called."""

from pathlib import Path

import numpy as np
import pytest

from raygroup.config import Words
from raygroup.errors import ConfigError
from raygroup.words.rendering.own_lists import parse_own_list, read_own_list, read_own_lists
from raygroup.words.rendering.own_rendering import join_renderings, list_lines, plan_own_rendering
from raygroup.words.rendering.shaping import ink
from raygroup.words.rendering.synthesis import draw_crops, plan_rendering
from raygroup.words.word_store import split_of

LISTS = {
    "thai": ("กขค\nน้ำ\nสวัสดี\nที่\nเข็ญ\n", "Thai", "ltr"),
    "russian": ("слово\nдом\nязык\n", "Cyrl", "ltr"),
    "hebrew": ("שלום\nספר\nמים\n", "Hebr", "rtl"),
    "greek": ("λόγος\nσπίτι\n", "Grek", "ltr"),
    "tamil": ("வணக்கம்\nமொழி\n", "Taml", "ltr"),
}
SETTINGS = Words(words_per_task=50, unseen_per_task=10, renders=2)


def write(folder: Path, text: str | bytes, name: str = "words.txt") -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


@pytest.mark.parametrize("name", LISTS)
def test_the_letters_decide_script_and_direction_and_every_word_is_drawn(tmp_path, name):
    text, script, direction = LISTS[name]
    own = read_own_list(name, write(tmp_path, text))
    assert (own.task.script, own.task.direction) == (script, direction)
    rendering = plan_own_rendering([own], SETTINGS, None)
    drawable, images, dropped = draw_crops(rendering.orders, SETTINGS, rendering.fonts, rendering.tasks)
    assert {order.text for order in drawable} == set(own.words)
    assert dropped.total() == 0
    assert len(images) == len(rendering.orders)


def test_hebrew_runs_from_right_to_left(tmp_path):
    own = read_own_list("hebrew", write(tmp_path, "שלום\n"))
    font = plan_own_rendering([own], SETTINGS, None).fonts["hebrew"][0]
    word, mark = (ink(text, font, own.task, 64)[0].astype(int) for text in ("שלום!", "!"))
    left_end, right_end = word[:, : mark.shape[1]].sum(), word[:, -mark.shape[1] :].sum()
    assert abs(left_end - mark.sum()) < 0.02 * mark.sum(), "the exclamation mark stands at the left end"
    assert abs(right_end - mark.sum()) > 0.1 * mark.sum()


def test_the_task_may_have_any_name_and_han_words_keep_their_shapes(tmp_path):
    planted = read_own_list("zh2", write(tmp_path, "我们\n这个\n说话\n"))
    assert (planted.name, planted.task.language, planted.task.opentype_language) == ("zh2", "zh-Hans", "ZHS")
    assert read_own_list("ja", write(tmp_path, "日本\n")).task.language == "ja", "a known name decides for letters of several languages"


def test_words_are_kept_or_counted(tmp_path):
    text = "\ufeffслово\r\n\r\nслово\rдом \nязык\tмир\nдостопримечательность\n"
    own = read_own_list("russian", write(tmp_path, text))
    assert own.words == ("слово", "дом", "достопримечательность")
    assert own.dropped == {"repeated": 1, "with a control character": 1}
    lines = list_lines([own], plan_own_rendering([own], SETTINGS, None))
    assert lines[0].startswith("russian: 3 words in Cyrillic script; fonts: ")
    assert "  1 dropped, longer than 8 characters" in lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xd0\xb4\xd0\xbe\xd0\xbc\n\xff\xfe", "line 2 is not UTF-8"),
        ("", "no word with a letter of any script"), ("12\n3.50\n", "no word with a letter of any script"),
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_used_is_one_line(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        read_own_list("russian", write(tmp_path, text))


def test_a_missing_list_a_script_without_font_and_two_lists_of_one_task_are_named(tmp_path, no_system_fonts):
    with pytest.raises(ConfigError, match=r"--list .*absent\.txt: No such file"):
        read_own_list("thai", tmp_path / "absent.txt")
    with pytest.raises(ConfigError, match=r"no font for Linear A \(minoan\)"):
        plan_own_rendering([read_own_list("minoan", write(tmp_path, "𐘀𐘁𐘂\n"))], SETTINGS, None)
    files = [("thai", write(tmp_path, "กขค\n", name)) for name in ("one.txt", "two.txt")]
    with pytest.raises(ConfigError, match=r"--list thai=.*two\.txt: .*one\.txt is already the list of thai"):
        read_own_lists(files)


@pytest.mark.parametrize("text", ["thai.txt", "=thai.txt", "thai=", "th\nai=x"])
def test_an_argument_that_is_no_pair_says_what_would_be_right(text):
    with pytest.raises(ConfigError, match=r"must be TASK=FILE, such as thai=words\.txt"):
        parse_own_list(text)


def test_a_long_list_is_sampled_alike_whatever_the_counts_and_words_keep_their_split(tmp_path):
    own = read_own_list("russian", write(tmp_path, "\n".join(f"{a}{b}{c}" for a in "абвгд" for b in "ежзик" for c in "лмноп")))
    few, many = (plan_own_rendering([own], Words(words_per_task=count, renders=1), None).orders for count in (20, 60))
    texts = [{order.text for order in orders if order.split == "train"} for orders in (few, many)]
    assert len(texts[0]) == 20
    assert texts[0] < texts[1]
    assert all(split_of(order.text) == ("unseen" if order.split == "unseen" else "train") for order in many)
    assert len({text[0] for text in texts[0]}) > 2, "the sample is not the beginning of the alphabet"


def test_a_list_beside_built_in_words_must_have_another_name(tmp_path):
    built_in = plan_rendering(Words(tasks=("la",), characters=(40,), words_per_task=3, unseen_per_task=1, renders=1), None)
    own = [read_own_list(name, write(tmp_path, "слово\nдом\n")) for name in ("russian", "la")]
    both = join_renderings(built_in, plan_own_rendering(own[:1], SETTINGS, None))
    assert [*both.tasks] == ["la", "russian"]
    with pytest.raises(ConfigError, match="la is rendered from the built-in list too"):
        join_renderings(built_in, plan_own_rendering(own[1:], SETTINGS, None))


def test_other_words_are_another_rendering_and_the_name_of_the_file_does_not_matter(tmp_path):
    prints = [
        plan_own_rendering([read_own_list("russian", write(tmp_path, text, name))], SETTINGS, None).fingerprint
        for text, name in (("слово\nдом\n", "a.txt"), ("слово\nдом\n", "b.txt"), ("слово\nмир\n", "c.txt"))
    ]
    assert prints[0] == prints[1] != prints[2]
    assert np.unique(prints).size == 2
