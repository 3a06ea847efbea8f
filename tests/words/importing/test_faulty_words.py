"""Faults in a user's words are told of by file and line: rows in are words kept and words reported."""

import io
import json
import unicodedata

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from raygroup.errors import ConfigError
from raygroup.words.importing.formats.detection import find_listing
from raygroup.words.importing.importer import read_user_words

TASKS = ("ko", "la")
WORDS = [f"word{number}" for number in range(20)]
BAD_SHARE = 0.5


def png(number=0):
    """Return a small image with contrast."""
    return cv2.imencode(".png", np.repeat(np.uint8([[number, 255]]), 8, axis=0).repeat(8, axis=1))[1].tobytes()


def write_rows(folder, rows, kind="csv", newline="\n", images=True):
    """Write a label file of (path, text) pairs, and the images."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "jsonl":
        lines = [json.dumps({"path": path, "text": text}, ensure_ascii=False) for path, text in rows]
    else:
        separator = "," if kind == "csv" else "\t"
        lines = [f"path{separator}text", *(f"{path}{separator}{text}" for path, text in rows)]
    (folder / f"labels.{kind}").write_bytes("".join(line + newline for line in lines).encode())
    for number, (path, _) in enumerate(rows if images else ()):
        (folder / path).write_bytes(png(number % 200))
    return folder


def write_table(path, texts, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [png(number % 200) for number in range(len(texts))]
    pq.write_table(pa.table({"image": images, "text": texts, **columns}), path)
    return path


def words_of(folder, texts, kind):
    """Return the words of texts that a label file or a Parquet file holds. Every row is kept or reported."""
    if kind == "parquet":
        path = write_table(folder / "words.parquet", texts)
    else:
        path = write_rows(folder, [(f"{number}.png", text) for number, text in enumerate(texts)], kind)
    words = read_user_words(path, TASKS, BAD_SHARE)
    assert words.table.num_rows == words.report.kept
    assert words.report.kept + words.report.num_dropped == len(texts)
    return words


def error_of(path):
    with pytest.raises(ConfigError) as error:
        read_user_words(path, TASKS)
    message = str(error.value).replace(str(path), ".")
    assert "\n" not in message
    assert len(message) <= 300
    return message


def example_of(words, reason):
    return words.report.dropped[reason].examples[0]


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\r\r\n"])
def test_every_kind_of_line_end_ends_a_line_and_counts_as_one(tmp_path, kind, newline):
    rows = [(f"{number}.png", word) for number, word in enumerate(WORDS)] + [("20.png", "")]
    words = read_user_words(write_rows(tmp_path, rows, kind, newline), TASKS)
    assert words.table["text"].to_pylist() == WORDS
    assert example_of(words, "no text") == f"labels.{kind}:{21 if kind == 'jsonl' else 22} 20.png"


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_dont_care_marks_are_dropped_and_counted(tmp_path, kind):
    marks = ["###", " ### ", "＃＃＃", "*", "＊", "'###'"]
    words = words_of(tmp_path, [*WORDS, *marks, "C#", "a*"], kind)
    assert words.table["text"].to_pylist() == [*WORDS, "C#", "a*"]
    assert words.report.dropped["don't-care mark"].count == len(marks)
    assert example_of(words, "don't-care mark").startswith({"csv": "labels.csv:22", "parquet": "words.parquet: row 20"}.get(kind, "labels"))


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_a_control_character_inside_a_text_is_reported_by_its_row(tmp_path, kind):
    words = words_of(tmp_path, [*WORDS, "ab\x0bcd", "ab\x00cd", "ab\x85cd"], kind)
    assert words.table["text"].to_pylist() == WORDS
    assert words.report.dropped["control character in the text"].count == 3


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_line_end_or_tab_inside_a_text_is_reported_and_one_at_its_end_is_a_blank(tmp_path, kind):
    words = words_of(tmp_path, [*WORDS, "two\nlines", "a\tb", "end\n"], kind)
    assert words.table["label"].to_pylist() == [*WORDS, "end"]
    assert words.report.dropped["control character in the text"].count == 2


def test_a_quote_that_swallows_rows_is_an_error_on_the_line_where_it_opens(tmp_path):
    lines = ["path,text", "0.png,one", '1.png,"12 inch', "2.png,two", '3.png,15"']
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    message = error_of(tmp_path)
    assert message.startswith("./labels.csv:3: a quote opens 'text' and does not close it on this line: '1.png,\"12 inch'")
    assert "a quote inside a text is doubled" in message


@pytest.mark.parametrize("newline", ["\n", "\r", "\r\r\n"])
def test_a_quote_left_open_is_an_error_on_the_line_where_it_opens(tmp_path, newline):
    lines = ["path,text,note", "0.png,one,", '1.png,two,"12', *(f"{number}.png,word," for number in range(2, 40_000))]
    (tmp_path / "labels.csv").write_bytes(newline.join(lines).encode())
    assert "./labels.csv:3: a quote opens 'note'" in error_of(tmp_path)


def test_a_quote_in_the_middle_of_a_quoted_text_is_an_error_with_the_hint(tmp_path):
    (tmp_path / "labels.csv").write_text('path,text\n0.png,"5" disk"\n')
    assert "./labels.csv:2: a quote opens 'text'" in error_of(tmp_path)


def test_texts_in_quotes_behind_a_comma_and_a_blank_lose_their_quotes(tmp_path):
    write_rows(tmp_path, [(f"{number}.png", word) for number, word in enumerate(WORDS)])
    (tmp_path / "labels.csv").write_text("path, text\n" + "".join(f'{number}.png, "{word}, a"\n' for number, word in enumerate(WORDS)))
    assert read_user_words(tmp_path, TASKS).table["label"].to_pylist() == [f"{word}, a" for word in WORDS]


def test_a_blank_before_or_behind_a_path_is_no_part_of_it(tmp_path):
    write_rows(tmp_path, [(f"{number}.png", word) for number, word in enumerate(WORDS)])
    (tmp_path / "labels.csv").write_text("text, path\n" + "".join(f"{word}, {number}.png \n" for number, word in enumerate(WORDS)))
    assert read_user_words(tmp_path, TASKS).table["text"].to_pylist() == WORDS


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_a_blank_before_a_path_is_no_part_of_it_in_any_kind_of_label_file(tmp_path, kind):
    write_rows(tmp_path, [(f" {number}.png", word) for number, word in enumerate(WORDS)], kind, images=False)
    for number in range(len(WORDS)):
        (tmp_path / f"{number}.png").write_bytes(png())
    assert read_user_words(tmp_path, TASKS).table["text"].to_pylist() == WORDS


@pytest.mark.parametrize("path", [" /etc/hostname", " ../x.png", "\t../x.png", " C:/x.png"])
def test_blanks_before_a_path_do_not_lead_out_of_the_folder(tmp_path, path):
    (tmp_path / "labels.csv").write_text(f"path,text\n{path},word\n")
    assert "must be relative to" in error_of(tmp_path)


def test_a_control_character_in_a_path_is_an_error(tmp_path):
    (tmp_path / "labels.csv").write_text("path,text\na\x1b[31m.png,word\n")
    assert error_of(tmp_path) == "./labels.csv:2: path is 'a\\x1b[31m.png': it holds a control character"


@pytest.mark.parametrize(("stored", "listed"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_names_are_found_in_the_other_unicode_form(tmp_path, stored, listed):
    names = [f"ordé/가é{number}.png" for number in range(len(WORDS))]
    (tmp_path / unicodedata.normalize(stored, "ordé")).mkdir()
    for name in names:
        (tmp_path / unicodedata.normalize(stored, name)).write_bytes(png())
    write_rows(tmp_path, [(unicodedata.normalize(listed, name), word) for name, word in zip(names, WORDS, strict=True)], images=False)
    assert read_user_words(tmp_path, TASKS).table["text"].to_pylist() == WORDS


def test_rows_that_repeat_an_image_count_once_and_contradictions_are_left_out(tmp_path):
    rows = [(f"{number}.png", word) for number, word in enumerate(WORDS)]
    write_rows(tmp_path, [*rows, ("0.png", " word0 "), ("./1.png", "cat"), (" 1.png", "cat")])
    words = read_user_words(tmp_path, TASKS, BAD_SHARE)
    assert words.table["text"].to_pylist() == [WORDS[0], *WORDS[2:]]
    assert words.report.dropped["same image and text again"].examples == ("labels.csv:22 0.png (as in line 2)",)
    assert words.report.dropped["one image with two texts, tasks or splits"].examples == (
        "labels.csv:3 1.png 'word1' (line 23: 'cat')",
        "labels.csv:23 ./1.png 'cat' (line 3: 'word1')",
        "labels.csv:24 ' 1.png' 'cat' (line 3: 'word1')",
    )
    assert words.report.kept + words.report.num_dropped == 23


def test_an_image_of_two_tasks_is_a_contradiction(tmp_path):
    write_rows(tmp_path, [(f"{number}.png", word) for number, word in enumerate(WORDS)])
    lines = ["path,text,task", *(f"{number}.png,{word},la" for number, word in enumerate(WORDS)), "3.png,word3,ko"]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    words = read_user_words(tmp_path, TASKS, BAD_SHARE)
    assert example_of(words, "one image with two texts, tasks or splits") == "labels.csv:5 3.png 'la' (line 22: 'ko')"


def test_an_image_may_come_again_if_its_other_row_is_no_word(tmp_path):
    write_rows(tmp_path, [*((f"{number}.png", word) for number, word in enumerate(WORDS)), ("0.png", "###")])
    assert read_user_words(tmp_path, TASKS).table["text"].to_pylist() == WORDS


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tasks_that_differ_in_case_alone_are_an_error_with_both_places(tmp_path, kind):
    tasks = ["latin", "Latin"]
    if kind == "parquet":
        path = write_table(tmp_path / "words.parquet", ["one", "two"], task=tasks)
        assert ".: row 1: task is 'Latin', but words.parquet: row 0 says 'latin'" in error_of(path)
    else:
        (tmp_path / "labels.csv").write_text("path,text,task\n0.png,one, latin\n1.png,two,Latin\n")
        assert "./labels.csv:3 1.png: task is 'Latin', but labels.csv:2 0.png says 'latin': spell" in error_of(tmp_path)


def test_sources_that_differ_in_case_alone_are_noted(tmp_path):
    words = read_user_words(write_table(tmp_path / "words.parquet", WORDS, source=["Web", "web"] * 10), TASKS)
    assert any("'Web'" in note and "'web'" in note and "differ in case" in note for note in words.report.notes)


@pytest.mark.parametrize("name", ["language", "Lang"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_column_of_languages_that_is_not_used_is_named(tmp_path, kind, name):
    rows = [(f"{number}.png", word) for number, word in enumerate(WORDS)]
    write_rows(tmp_path, rows)
    if kind == "csv":
        (tmp_path / "labels.csv").write_text(f"path,text,{name}\n" + "".join(f"{path},{word},la\n" for path, word in rows))
    else:
        (tmp_path / "labels.csv").unlink()
    if kind == "jsonl":
        (tmp_path / "labels.jsonl").write_text("".join(json.dumps({"path": path, "text": word, name: "la"}) + "\n" for path, word in rows))
    path = write_table(tmp_path / "words.parquet", WORDS, **{name: ["la"] * 20}) if kind == "parquet" else tmp_path
    shown = name.casefold() if kind == "csv" else name
    assert f"column {shown!r} is not used; did you mean 'task'?" in read_user_words(path, TASKS).report.notes


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_invisible_signs_are_counted_and_decide_no_task(tmp_path, kind):
    words = words_of(tmp_path, [*WORDS, "wo\u200brd\u2060", "12\u3164\u1160", "\u3164"], kind)
    assert words.table["label"].to_pylist() == [*WORDS, "word", "12"]
    assert words.tasks == ("la",)
    assert words.report.changed["U+200B ZERO WIDTH SPACE removed"] == 1
    assert words.report.dropped["no text"].count == 1


def bad_images():
    bomb, clear = io.BytesIO(), io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(bomb, "PNG")
    Image.new("RGBA", (16, 8)).save(clear, "PNG")
    return {
        "900 million pixels: at most 100 million are read": bomb.getvalue(),
        "without contrast": cv2.imencode(".png", np.full((8, 8), 7, np.uint8))[1].tobytes(),
        "all its pixels are alike": clear.getvalue(),
        "HEIC is not an image in a supported format": b"\0\0\0\x18ftypheic" + bytes(40),
    }


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_images_that_cannot_be_used_are_named_with_the_reason(tmp_path, kind):
    bad = bad_images()
    texts = [*WORDS, *(f"bad{number}" for number in range(len(bad)))]
    if kind == "parquet":
        path = tmp_path / "words.parquet"
        pq.write_table(pa.table({"image": [*(png() for _ in WORDS), *bad.values()], "text": texts}), path)
    else:
        path = write_rows(tmp_path, [(f"{number}.png", text) for number, text in enumerate(texts)])
        for number, content in enumerate(bad.values(), start=len(WORDS)):
            (path / f"{number}.png").write_bytes(content)
    words = read_user_words(path, TASKS, BAD_SHARE)
    assert words.table["text"].to_pylist() == WORDS
    for reason, example in zip(bad, words.report.dropped["image unreadable"].examples, strict=True):
        assert reason in example


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_black_text_on_transparent_pixels_is_a_word(tmp_path, kind):
    pixels = np.zeros((8, 16, 4), np.uint8)
    pixels[2:6, 4:12, 3] = 255
    image = cv2.imencode(".png", pixels)[1].tobytes()
    if kind == "parquet":
        path = tmp_path / "words.parquet"
        pq.write_table(pa.table({"image": [image] * len(WORDS), "text": WORDS}), path)
    else:
        path = write_rows(tmp_path, [(f"{number}.png", word) for number, word in enumerate(WORDS)])
        for number in range(len(WORDS)):
            (path / f"{number}.png").write_bytes(image)
    assert read_user_words(path, TASKS).report.kept == len(WORDS)


def test_too_many_images_of_a_kind_that_is_not_read_are_an_error_that_says_so(tmp_path):
    write_rows(tmp_path, [(f"{number}.heic", word) for number, word in enumerate(WORDS)])
    for number in range(len(WORDS)):
        (tmp_path / f"{number}.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    message = error_of(tmp_path)
    assert "20 of 20 words are dropped, mostly 20 for 'image unreadable', such as labels.csv:2 0.heic (HEIC is not an image" in message
    assert "JPEG, PNG" in message


@pytest.mark.parametrize("there", ["0.PNG", "0.heic"])
def test_a_missing_image_is_told_of_with_the_file_that_is_nearly_it(tmp_path, there):
    write_rows(tmp_path, [(f"{number}.png", word) for number, word in enumerate(WORDS)])
    (tmp_path / "0.png").rename(tmp_path / there)
    words = read_user_words(tmp_path, TASKS)
    assert words.report.dropped["image missing"].examples == (f"labels.csv:2 0.png (but '{there}' is there)",)


def test_a_folder_in_place_of_an_image_is_unreadable_and_not_missing(tmp_path):
    write_rows(tmp_path, [(f"{number}.png", word) for number, word in enumerate(WORDS)])
    (tmp_path / "0.png").unlink()
    (tmp_path / "0.png").mkdir()
    words = read_user_words(tmp_path, TASKS)
    assert example_of(words, "image unreadable") == "labels.csv:2 0.png (is a directory)"


def test_parquet_below_a_folder_is_named_as_the_folder_to_give(tmp_path):
    write_table(tmp_path / "data" / "train-00000-of-00001.parquet", WORDS)
    assert error_of(tmp_path) == ".: no label file and no Parquet file; Parquet files lie in ./data: give that folder"
    assert read_user_words(tmp_path / "data", TASKS).report.kept == len(WORDS)


@pytest.mark.parametrize("is_struct", [False, True])
def test_views_of_strings_and_bytes_are_read_from_parquet(tmp_path, is_struct):
    images = pa.array([png()] * len(WORDS), pa.binary_view())
    column = pa.StructArray.from_arrays([images], ["bytes"]) if is_struct else images
    texts, tasks = pa.array(WORDS, pa.string_view()), pa.array([" la"] * len(WORDS), pa.string_view())
    pq.write_table(pa.table({"image": column, "text": texts, "task": tasks}), tmp_path / "words.parquet")
    words = read_user_words(tmp_path / "words.parquet", TASKS)
    assert words.table["text"].to_pylist() == WORDS
    assert words.tasks == ("la",)


@pytest.mark.parametrize("name", ["text", "task"])
def test_parquet_text_that_is_not_utf_8_is_an_error_with_its_row(tmp_path, name):
    values = pa.array([b"one", b"\xd6\xd0", b"\xd6\xd0"], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 3, values.buffers())
    columns = {"image": [png()] * 3, "text": ["a", "b", "c"]} | {name: broken}
    pq.write_table(pa.table(columns), tmp_path / "words.parquet")
    assert f".: row 1: column '{name}' is b'\\xd6\\xd0': not UTF-8" in error_of(tmp_path / "words.parquet")


def test_deeply_nested_json_is_an_error_with_its_line(tmp_path):
    (tmp_path / "labels.jsonl").write_text('{"path": "0.png", "text": "one"}\n' + "[" * 100_000 + "]" * 100_000 + "\n")
    assert error_of(tmp_path) == "./labels.jsonl:2: nested too deeply; expected an object with path, text"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_labels_in_utf_16_are_named_as_such(tmp_path, encoding):
    (tmp_path / "labels.csv").write_bytes(("\ufeff" * (encoding == "utf-16-be") + "path,text\n0.png,one\n").encode(encoding))
    assert error_of(tmp_path) == "./labels.csv: UTF-16: save it as UTF-8"


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_reading_labels_reports_progress_from_none_to_all(tmp_path, kind):
    write_rows(tmp_path, [(f"{number}.png", "word") for number in range(70_000)], kind, images=False)
    calls = []
    find_listing(tmp_path).rows(lambda *call: calls.append(call))
    assert {name for name, _, _ in calls} == {"labels read"}
    total = calls[0][2]
    assert calls[0][1] == 0
    assert 0 < calls[1][1] < total
    assert calls[-1][1] == total >= 70_000


def test_few_rows_report_no_progress(tmp_path):
    write_rows(tmp_path, [(f"{number}.png", word) for number, word in enumerate(WORDS)])
    read_user_words(tmp_path, TASKS, progress=lambda *call: pytest.fail(f"reported {call}"))
