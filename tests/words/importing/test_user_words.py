import json
import shutil

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raygroup.errors import ConfigError
from raygroup.words.importing.importer import data_fingerprint, import_user_words, read_user_words
from raygroup.words.word_store import SCHEMA, open_word_store, split_of

TASKS = ("ar", "ko", "la")
PNG = cv2.imencode(".png", np.repeat(np.uint8([[40, 200]]), 8, axis=0).repeat(8, axis=1))[1].tobytes()
LATIN = [f"word{number}" for number in range(40)]


def write_folder(path, lines, images, name="labels.csv", encoding="utf-8", newline="\n"):
    path.mkdir(parents=True, exist_ok=True)
    (path / name).write_bytes("".join(line + newline for line in lines).encode(encoding))
    for image in images:
        (path / image).parent.mkdir(parents=True, exist_ok=True)
        (path / image).write_bytes(PNG)
    return path


def write_forty(path, *, more=(), missing=0):
    """Write forty Latin words and then ``more`` lines.

    The first ``missing`` words have no image.
    """
    names = [f"i/{number}.png" for number in range(40)]
    return write_folder(path, ["path,text", *map(",".join, zip(names, LATIN, strict=True)), *more], names[missing:])


def write_parquet(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def error_of(path, tasks=TASKS):
    with pytest.raises(ConfigError) as error:
        read_user_words(path, tasks)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_folder_of_images_with_a_csv_gives_words_in_the_stores_schema(tmp_path):
    words = read_user_words(write_forty(tmp_path / "mine"), TASKS)
    assert words.table.schema == SCHEMA
    assert words.table["label"].to_pylist() == LATIN
    assert words.table["image"].to_pylist() == [PNG] * 40
    assert words.table["task"].null_count == 40
    assert set(words.table["source"].to_pylist()) == {"mine"}
    assert words.table["split"].to_pylist() == [split_of(word) for word in LATIN]
    assert words.tasks == ("la",)
    assert words.report.lines() == ["mine: 40 words kept, 0 dropped", "  no word has a letter of: ar, ko"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_byte_order_marks_and_the_line_ends_of_any_system_are_accepted(tmp_path, encoding, newline):
    lines = ["path,text,task,split", 'a.png,"1,000 ""net""",la,train', "", "b.png,한글,ko,unseen"]
    words = read_user_words(write_folder(tmp_path, lines, ["a.png", "b.png"], encoding=encoding, newline=newline), TASKS)
    assert words.table["text"].to_pylist() == ['1,000 "net"', "한글"]
    assert words.table["split"].to_pylist() == ["train", "unseen"]


def test_quotes_are_text_in_a_tsv(tmp_path):
    words = read_user_words(write_folder(tmp_path, ["text\tpath", '"word0"\ta.png'], ["a.png"], "labels.tsv"), TASKS)
    assert words.table["text"].to_pylist() == ['"word0"']


def test_a_jsonl_is_read_line_by_line(tmp_path):
    lines = [json.dumps({"path": "a.png", "text": "ab\u2028c", "task": None, "page": 3}, ensure_ascii=False), ""]
    words = read_user_words(write_folder(tmp_path, lines, ["a.png"], "labels.jsonl"), TASKS)
    assert words.table["text"].to_pylist() == ["ab\u2028c"]


def test_the_path_may_be_a_label_file_of_any_name(tmp_path):
    write_folder(tmp_path, ["path,text", "a.png,word1"], ["a.png"], "other.csv")
    assert read_user_words(tmp_path / "other.csv", TASKS).table.num_rows == 1


def test_the_raw_text_is_kept_beside_its_label(tmp_path):
    words = read_user_words(write_folder(tmp_path, ["path,text", "a.png, \ufefb\u200d "], ["a.png"]), TASKS)
    assert words.table["text"].to_pylist() == [" \ufefb\u200d "]
    assert words.table["label"].to_pylist() == ["لا"]
    assert words.report.changed["Arabic presentation forms folded"] == 1


def test_images_in_parquet_are_bytes_or_a_struct_as_hugging_face_writes_it(tmp_path):
    plain = read_user_words(write_parquet(tmp_path / "a.parquet", image=[PNG], text=["word1"], source=["web"]), TASKS)
    struct = read_user_words(
        write_parquet(tmp_path / "b.parquet", image=[{"bytes": PNG, "path": "x.png"}], text=["word1"], task=["la"]), TASKS
    )
    assert plain.table["image"].to_pylist() == struct.table["image"].to_pylist() == [PNG]
    assert plain.table["source"].to_pylist() == ["web"]
    assert struct.table["source"].to_pylist() == ["b"]
    assert struct.tasks == ("la",)


def test_beside_files_with_splits_other_files_give_each_word_the_split_that_it_has_alone(tmp_path):
    texts = [f"word{number}" for number in range(40)]
    (tmp_path / "words").mkdir()
    alone = read_user_words(write_parquet(tmp_path / "words/plain.parquet", image=[PNG] * 40, text=texts), TASKS)
    write_parquet(tmp_path / "words/given.parquet", image=[PNG], text=["other"], split=["new"])
    both = read_user_words(tmp_path / "words", TASKS).table
    assert both["split"].to_pylist() == ["new", *alone.table["split"].to_pylist()]


def test_importing_in_a_stream_stores_the_same_words_as_reading_at_once(tmp_path):
    path = write_forty(tmp_path / "mine", more=["gone.png,word", "i/1.png,☃"])
    report = import_user_words(path, TASKS, tmp_path / "store.parquet", "f00")
    words, stored = read_user_words(path, TASKS), open_word_store(tmp_path / "store.parquet")
    assert stored.labels() == words.table["label"].to_pylist()
    assert stored.metadata.tasks == words.tasks
    assert stored.metadata.report == report.to_json()
    assert report == words.report
    again = read_user_words(tmp_path / "store.parquet", TASKS)
    assert again.table == words.table


def test_missing_and_unreadable_images_are_named_counted_and_skipped(tmp_path):
    path = write_forty(tmp_path / "mine", missing=1)
    (path / "i/3.png").write_bytes(b"not an image")
    words = read_user_words(path, TASKS)
    assert words.table.num_rows == 38
    assert words.report.dropped["image missing"].examples == ("labels.csv:2 i/0.png",)
    assert words.report.dropped["image unreadable"].examples == (
        "labels.csv:5 i/3.png (not an image in a supported format (JPEG, PNG, GIF, BMP, WEBP, TIFF, PPM, JPEG2000, AVIF, SUN))",
    )


def test_too_many_bad_images_stop_the_import(tmp_path):
    path = write_forty(tmp_path / "mine", missing=3)
    assert error_of(path).endswith(
        "labels.csv: 3 of 40 words are dropped, mostly 3 for 'image missing', such as labels.csv:2 i/0.png; "
        "at most 5% of 40 may be: give paths relative to the label file, or raise --bad-share"
    )
    assert read_user_words(path, TASKS, bad_share=0.1).table.num_rows == 37


def test_a_parquet_image_without_bytes_is_missing(tmp_path):
    rows = [{"bytes": PNG, "path": None}] * 20 + [{"bytes": None, "path": "x.png"}]
    words = read_user_words(write_parquet(tmp_path / "a.parquet", image=rows, text=["word1"] * 21), TASKS)
    assert words.report.dropped["image missing"].examples == ("a.parquet: row 20",)


def test_empty_texts_and_texts_of_no_task_are_dropped_and_counted(tmp_path):
    words = read_user_words(write_forty(tmp_path, more=["i/0.png,", "i/1.png,\u200d", "i/2.png,☃☃", "i/3.png,中国"]), TASKS, 0.1)
    assert words.table.num_rows == 40
    assert words.report.dropped["no text"].examples == ("labels.csv:42 i/0.png", "labels.csv:43 i/1.png")
    assert words.report.dropped["no character of any task"].count == 2
    assert words.report.unspelled == {tmp_path.name: {"☃": 2, "中": 1, "国": 1}}


def test_if_every_word_has_a_task_the_tasks_are_those_of_the_data(tmp_path):
    lines = ["path,text,task", "a.png,tlhIngan,klingon", "b.png,word1,la", "c.png,☃,klingon"]
    words = read_user_words(write_folder(tmp_path, lines, ["a.png", "b.png", "c.png"]), TASKS)
    assert words.tasks == ("la", "klingon")
    assert words.table.num_rows == 3


def test_an_unknown_task_is_an_error_if_some_words_have_none(tmp_path):
    lines = ["path,text,task", "a.png,word1,", "b.png,word2,klingon"]
    message = error_of(write_folder(tmp_path, lines, ["a.png", "b.png"]))
    rule = "one of ar, bn, zh, hi, ja, ko, la, or another script such as thai, since some words have no task"
    assert f"labels.csv:3 b.png: task is 'klingon': it must be {rule}" in message


def test_a_known_task_of_some_words_joins_the_requested_tasks(tmp_path):
    words = read_user_words(write_folder(tmp_path, ["path,text,task", "a.png,word1,", "b.png,क,hi"], ["a.png", "b.png"]), TASKS)
    assert words.tasks == ("hi", "la")
    assert "no word without a task has a letter of: ar, ko" in words.report.notes


def test_one_letter_in_a_word_without_a_task_keeps_a_requested_task(tmp_path):
    lines = ["path,text,task", "a.png,word1,", "b.png,2한,", "c.png,☃,", "d.png,مر,la"]
    words = read_user_words(write_folder(tmp_path, lines, ["a.png", "b.png", "c.png", "d.png"]), TASKS, bad_share=1)
    assert words.tasks == ("ko", "la")
    assert "no word without a task has a letter of: ar" in words.report.notes


def test_digits_alone_can_be_a_word_of_every_requested_task(tmp_path):
    words = read_user_words(write_folder(tmp_path, ["path,text", "a.png,1907"], ["a.png"]), TASKS)
    assert words.tasks == TASKS
    assert not [note for note in words.report.notes if "letter" in note]


def test_a_task_with_dropped_words_alone_is_left_out(tmp_path):
    lines = ["path,text,task", "a.png,word1,la", "a.png,,klingon"]
    words = read_user_words(write_folder(tmp_path, lines, ["a.png"]), TASKS, bad_share=1)
    assert words.tasks == ("la",)
    assert "no word is kept of: klingon" in words.report.notes


def test_a_word_that_names_its_task_needs_none_of_its_characters(tmp_path):
    lines = ["path,text,task", "a.png,中国,la", "b.png,中国,", "c.png,word1,"]
    words = read_user_words(write_folder(tmp_path, lines, ["a.png", "b.png", "c.png"]), TASKS, bad_share=1)
    assert words.table["task"].to_pylist() == ["la", None]
    assert words.table["text"].to_pylist() == ["中国", "word1"]
    assert words.report.dropped["no character of any task"].examples == ("labels.csv:3 b.png",)


def test_words_longer_than_a_decoder_reads_are_dropped_with_and_without_a_task(tmp_path):
    longest, decomposed = "é" * 31, "e\u0301" * 31
    lines = ["path,text,task", f"a.png,{decomposed},la", f"b.png,{longest}e,la", f"c.png,{longest}e,"]
    words = read_user_words(write_folder(tmp_path, lines, ["a.png", "b.png", "c.png"]), TASKS, bad_share=1)
    assert words.table["label"].to_pylist() == [longest]
    assert words.report.dropped["longer than 31 characters"].examples == ("labels.csv:3 b.png", "labels.csv:4 c.png")


def test_a_task_name_must_not_have_the_plus_sign_of_a_group(tmp_path):
    message = error_of(write_folder(tmp_path, ["path,text,task", "a.png,word1,la+ar"], ["a.png"]))
    assert "task is 'la+ar': it must be made of letters, digits" in message


@pytest.mark.parametrize("path", ["/etc/passwd", "../a.png", "i/../../a.png", "C:\\a.png", "\\\\host\\a.png"])
def test_an_image_path_that_leads_out_of_the_folder_is_error_of(tmp_path, path):
    message = error_of(write_folder(tmp_path, ["path,text", f"{path},word1"], []))
    assert "labels.csv:2: path is" in message
    assert "must be relative to" in message


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("labels.csv", ["file,text", "a.png,word1"], "labels.csv: no column 'path'; found: file, text; needed: path, text; optional: task"),
        ("labels.csv", [], "no column 'path' or 'text'; found: none"),
        (
            "labels.csv",
            ["path,text", "a.png,1,000"],
            "labels.csv:2: expected 2 fields (path,text), got 3; put a text with a comma",
        ),
        ("labels.csv", ["path,text", 'a.png,"word1'], "labels.csv:2: a quote opens 'text' and does not close it on this line"),
        ("labels.tsv", ["path\ttext", "a.png word1"], "labels.tsv:2: expected 2 fields (path,text), got 1"),
        ("labels.jsonl", ['{"path": "a.png"}'], "labels.jsonl:1: no column 'text'; found: path"),
        ("labels.jsonl", ['{"path": "a.png", "text": 5}'], "labels.jsonl:1: text is 5: it must be a string"),
        (
            "labels.jsonl",
            ['{"path": "a.png", "text": "\\ud800"}'],
            "labels.jsonl:1: text is '\\ud800': it must be a string of whole characters",
        ),
        ("labels.jsonl", ["[]"], "labels.jsonl:1: expected an object with path, text, got []"),
        ("labels.jsonl", ["{"], "labels.jsonl:1: not JSON"),
        (
            "labels.csv",
            ["path,text,split", "a.png,word1,test"],
            "labels.csv:2 a.png: split is 'test': it must be one of train, new, unseen",
        ),
        ("labels.csv", ["path,text,split", "a.png,w,train", "a.png,w,"], "labels.csv:3 a.png: split is '': it must be one of"),
        (
            "labels.csv",
            ["path,text", "a.png,☃"],
            "1 of 1 words are dropped, mostly 1 for 'no character of any task', such as labels.csv:2 a.png; at most 5% of 1 may be",
        ),
        ("labels.csv", ["path,text,split", "a.png,word1,unseen"], "no word to train on among 1: 1 words kept, none of them in train"),
        ("labels.txt", ["path,text"], "labels.txt:1: expected the name of an image, a blank and the text, got 'path,text'"),
        ("words.txt", ["path,text"], "no label file; it must hold one of labels.csv, labels.tsv, labels.jsonl"),
    ],
)
def test_an_unusable_label_file_is_an_error_of_one_line(tmp_path, name, lines, message):
    assert message in error_of(write_folder(tmp_path, lines, ["a.png"], name))


def test_without_a_word_to_train_on_the_reasons_are_named_though_all_words_may_be_dropped(tmp_path):
    with pytest.raises(ConfigError, match="no word to train on among 1: 0 words kept, none of them in train; 1 dropped, no character"):
        read_user_words(write_folder(tmp_path, ["path,text", "a.png,☃"], ["a.png"]), TASKS, bad_share=1)


def test_a_label_file_that_is_not_utf_8_is_an_error(tmp_path):
    folder = write_folder(tmp_path, ["path,text", "a.png,é"], ["a.png"], encoding="latin-1")
    assert "labels.csv:2: not UTF-8 (invalid continuation byte 0xe9 at byte 16): save it as UTF-8" in error_of(folder)


def test_two_label_files_in_a_folder_are_an_error(tmp_path):
    write_folder(tmp_path, ["path\ttext"], [], "labels.tsv")
    assert "labels.csv and labels.tsv: keep one" in error_of(write_folder(tmp_path, ["path,text"], []))


def test_each_kind_of_path_without_a_data_set_has_its_own_error(tmp_path):
    (tmp_path / "a.parquet").write_text("hello")
    (tmp_path / "words.zip").write_text("hello")
    assert "no such file or folder" in error_of(tmp_path / "nowhere")
    assert "a.parquet: not a readable Parquet file" in error_of(tmp_path / "a.parquet")
    assert "words.zip: must be a .parquet file, a label file (.csv, .tsv, .jsonl, .json, .mdb, .txt), or a folder" in error_of(
        tmp_path / "words.zip"
    )


def test_missing_parquet_columns_and_wrong_types_are_errors_with_the_column(tmp_path):
    assert "no column 'text'; found: image, label; needed: image, text" in error_of(
        write_parquet(tmp_path / "a.parquet", image=[PNG], label=["word1"])
    )
    assert "column 'image' is string: it must be bytes" in error_of(write_parquet(tmp_path / "b.parquet", image=["x.png"], text=["word1"]))
    assert "column 'task' is int64: it must be strings" in error_of(
        write_parquet(tmp_path / "c.parquet", image=[PNG], text=["w"], task=[1])
    )


def test_splits_without_unseen_words_or_with_shared_words_are_noted(tmp_path):
    train = next(word for word in LATIN if split_of(word) == "train")
    alone = read_user_words(write_folder(tmp_path / "a", ["path,text", f"a.png,{train}"], ["a.png"]), TASKS)
    assert "no unseen words to validate on" in alone.report.notes[-1]
    lines = ["path,text,split", "a.png,word1,train", "b.png,word1,unseen"]
    assert (
        "labels both in train and in unseen: 1, such as 'word1'"
        in read_user_words(write_folder(tmp_path / "b", lines, ["a.png", "b.png"]), TASKS).report.notes[0]
    )


def test_the_fingerprint_does_not_depend_on_the_path(tmp_path):
    here = write_forty(tmp_path / "here")
    there = shutil.copytree(here, tmp_path / "there" / "deep")
    assert data_fingerprint(here) == data_fingerprint(there) == data_fingerprint(here / "labels.csv")


def test_a_changed_label_and_a_changed_or_missing_image_change_the_fingerprint(tmp_path):
    path = write_forty(tmp_path / "a")
    fingerprints = {data_fingerprint(path)}
    (path / "labels.csv").write_text((path / "labels.csv").read_text().replace("word7", "word8"))
    fingerprints.add(data_fingerprint(path))
    (path / "i/3.png").write_bytes(PNG + b"\0")
    fingerprints.add(data_fingerprint(path))
    (path / "i/3.png").unlink()
    fingerprints.add(data_fingerprint(path))
    fingerprints.add(data_fingerprint(write_parquet(tmp_path / "a.parquet", image=[PNG], text=["word1"])))
    fingerprints.add(data_fingerprint(write_parquet(tmp_path / "b.parquet", image=[PNG], text=["word2"])))
    assert len(fingerprints) == 6
