"""Label files of other tools: each word is kept or reported, and what is not clear is an error with the candidates."""

import csv
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raygroup.data.__main__ import main
from raygroup.errors import ConfigError
from raygroup.runtime.planning.requirements import require_inputs
from raygroup.search_space import load
from raygroup.words.importing.formats import lmdb_check
from raygroup.words.importing.formats.chosen import CHOICES
from raygroup.words.importing.formats.registry import FORMATS
from raygroup.words.importing.importer import data_fingerprint, import_user_words, read_user_words

TASKS = ("ko", "la")
WORDS = [f"word{number}" for number in range(20)]
BAD_SHARE = 1.0
"""Words may be lost here, because their number is the question."""


def png(number=0):
    return cv2.imencode(".png", np.repeat(np.uint8([[number, 255]]), 8, axis=0).repeat(8, axis=1))[1].tobytes()


def write_images(folder, names):
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(number % 200))


def write_csv(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def write_lines(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())


def write_easyocr(folder, texts):
    names = [f"{number}.png" for number in range(len(texts))]
    write_images(folder, names)
    write_csv(folder / "labels.csv", ["filename", "words"], zip(names, texts, strict=True))


def write_paddleocr(folder, texts, name="rec_gt.txt", prefix=""):
    names = [f"words/{number}.png" for number in range(len(texts))]
    write_images(folder, names)
    write_lines(folder / name, [f"{prefix}{image}\t{text}" for image, text in zip(names, texts, strict=True)])


def write_doctr(folder, texts):
    names = [f"{number}.png" for number in range(len(texts))]
    write_images(folder / "images", names)
    (folder / "labels.json").write_text(json.dumps(dict(zip(names, texts, strict=True)), indent=1, ensure_ascii=False), encoding="utf-8")


def write_trdg(folder, texts):
    names = [f"{number}.png" for number in range(len(texts))]
    write_images(folder, names)
    write_lines(folder / "labels.txt", [f"{image} {text}" for image, text in zip(names, texts, strict=True)])


def write_huggingface(folder, texts):
    names = [f"{number}.png" for number in range(len(texts))]
    write_images(folder, names)
    rows = [{"file_name": image, "text": text} for image, text in zip(names, texts, strict=True)]
    write_lines(folder / "metadata.jsonl", [json.dumps(row, ensure_ascii=False) for row in rows])


def write_lmdb(folder, texts, **more):
    folder.mkdir(parents=True, exist_ok=True)
    with lmdb.open(str(folder), map_size=1 << 24) as database, database.begin(write=True) as transaction:
        transaction.put(b"num-samples", str(len(texts)).encode())
        for number, text in enumerate(texts, start=1):
            transaction.put(f"image-{number:09d}".encode(), png(number % 200))
            transaction.put(f"label-{number:09d}".encode(), text if isinstance(text, bytes) else text.encode())
        for key, value in more.items():
            transaction.put(key.replace("_", "-").encode(), value)


WRITERS = {
    "easyocr": write_easyocr, "paddleocr": write_paddleocr, "doctr": write_doctr, "trdg": write_trdg,
    "huggingface": write_huggingface, "lmdb": write_lmdb,
}  # fmt: skip


def read(path, num_words):
    """Return the words of a data set. Every row is kept or reported."""
    words = read_user_words(path, TASKS, BAD_SHARE)
    assert words.table.num_rows == words.report.kept
    assert words.report.kept + words.report.num_dropped == num_words
    return words


def error_of(path):
    with pytest.raises(ConfigError) as error:
        read_user_words(path, TASKS)
    message = str(error.value)
    assert "\n" not in message
    assert len(message.replace(str(path), ".")) <= 300
    return message.replace(str(path), ".")


def split_of(words):
    return dict(zip(words.table["text"].to_pylist(), words.table["split"].to_pylist(), strict=True))


@pytest.mark.parametrize("name", WRITERS)
def test_words_of_each_format_are_kept_and_defects_are_reported_with_their_place(tmp_path, name):
    WRITERS[name](tmp_path / "mine", [*WORDS, "###", "ab\x0bcd", "한글", ""])
    words = read(tmp_path / "mine", 24)
    assert words.table["text"].to_pylist() == [*WORDS, "한글"]
    assert words.tasks == ("ko", "la")
    assert set(words.table["source"].to_pylist()) == {"mine"}
    assert {reason: dropped.count for reason, dropped in words.report.dropped.items()} == {
        "don't-care mark": 1, "control character in the text": 1, "no text": 1,
    }  # fmt: skip
    place = {
        "easyocr": "labels.csv:22 20.png", "paddleocr": "rec_gt.txt:21 words/20.png", "doctr": "labels.json:22 20.png",
        "trdg": "labels.txt:21 20.png", "huggingface": "metadata.jsonl:21 20.png", "lmdb": "data.mdb: image-000000021",
    }  # fmt: skip
    assert words.report.dropped["don't-care mark"].examples == (place[name],)


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=8, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=12), max_size=6))
def test_words_in_are_words_kept_and_words_reported(name, texts):
    with tempfile.TemporaryDirectory() as folder:
        WRITERS[name](Path(folder) / "mine", ["word", *texts])
        words = read(Path(folder) / "mine", 1 + len(texts))
        kept = iter(words.table["text"].to_pylist())
        assert next(kept) == "word"
        assert all(text in texts for text in kept)


@pytest.mark.parametrize("name", WRITERS)
def test_a_stream_stores_the_same_words_and_the_fingerprint_is_that_of_the_content(tmp_path, name):
    WRITERS[name](tmp_path / "mine", WORDS)
    report = import_user_words(tmp_path / "mine", TASKS, tmp_path / "store.parquet", "f00")
    assert report == read_user_words(tmp_path / "mine", TASKS).report
    there = shutil.copytree(tmp_path / "mine", tmp_path / "there" / "mine")
    assert data_fingerprint(tmp_path / "mine") == data_fingerprint(there)
    shutil.rmtree(there)
    WRITERS[name](there, [*WORDS[:-1], "other"])
    assert data_fingerprint(tmp_path / "mine") != data_fingerprint(there)


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "lmdb"])
def test_labels_in_utf_16_are_named_as_such(tmp_path, name):
    WRITERS[name](tmp_path, WORDS)
    file = next(path for path in tmp_path.iterdir() if path.suffix in (".csv", ".txt", ".json", ".jsonl"))
    file.write_bytes(file.read_text(encoding="utf-8").encode("utf-16"))
    message = error_of(file if name != "easyocr" else Path(f"{file}:easyocr"))
    assert f"{file.name}: UTF-16: save it as UTF-8" in message or message == ".: UTF-16: save it as UTF-8"


@pytest.mark.parametrize("newline", [b"\r\n", b"\r", b"\r\r\n"])
@pytest.mark.parametrize("name", ["easyocr", "paddleocr", "doctr", "trdg", "huggingface"])
def test_any_line_ends_and_a_byte_order_mark_are_read(tmp_path, name, newline):
    WRITERS[name](tmp_path, WORDS)
    file = next(path for path in tmp_path.iterdir() if path.suffix in (".csv", ".txt", ".json", ".jsonl"))
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", newline))
    assert read(tmp_path, 20).table["text"].to_pylist() == WORDS


@pytest.mark.parametrize("name", ["paddleocr", "doctr", "trdg"])
def test_contradicting_rows_name_both_lines(tmp_path, name):
    WRITERS[name](tmp_path, [*WORDS, "cat"])
    file = next(path for path in tmp_path.iterdir() if path.suffix in (".txt", ".json"))
    file.write_text(file.read_text().replace("20.png", "3.png"))
    words = read(tmp_path, 21)
    first, second = words.report.dropped["one image with two texts, tasks or splits"].examples
    line = {"paddleocr": 4, "trdg": 4, "doctr": 5}[name]
    assert f":{line} " in first
    assert first.endswith(f"'word3' (line {line + 17}: 'cat')")
    assert second.endswith(f"'cat' (line {line}: 'word3')")


def test_train_and_test_lists_give_the_splits_and_an_image_of_both_is_a_contradiction_by_file_and_line(tmp_path):
    write_paddleocr(tmp_path, WORDS, "rec_gt_train.txt")
    write_images(tmp_path, ["test/0.png", "test/1.png"])
    write_lines(tmp_path / "rec_gt_test.txt", ["test/0.png\tword4", "test/1.png\tother", "words/2.png\tword2"])
    words = read(tmp_path, 23)
    rows = [*zip(words.table["text"].to_pylist(), words.table["split"].to_pylist(), strict=True)]
    assert rows[:2] == [("word4", "new"), ("other", "unseen")]
    assert {split for _, split in rows[2:]} == {"train"}
    assert words.report.dropped["one image with two texts, tasks or splits"].examples == (
        "rec_gt_test.txt:3 words/2.png 'new' (line 3 of rec_gt_train.txt: 'train')",
        "rec_gt_train.txt:3 words/2.png 'train' (line 3 of rec_gt_test.txt: 'new')",
    )
    assert "the names of test and train give the splits: 2 new, 20 train, 1 unseen" in words.report.notes


def test_several_lists_without_parts_are_read_together_and_repetitions_name_the_file(tmp_path):
    write_paddleocr(tmp_path, WORDS, "rec_gt_1.txt")
    write_lines(tmp_path / "rec_gt_2.txt", ["words/2.png\tword2"])
    words = read(tmp_path, 21)
    assert words.report.dropped["same image and text again"].examples == ("rec_gt_2.txt:1 words/2.png (as in line 3 of rec_gt_1.txt)",)


def test_a_list_that_names_no_part_beside_others_that_do_is_an_error(tmp_path):
    write_paddleocr(tmp_path, WORDS, "rec_gt_train.txt")
    write_lines(tmp_path / "rec_gt_test.txt", ["words/2.png\tword2"])
    write_lines(tmp_path / "rec_gt.txt", ["words/3.png\tword3"])
    assert error_of(tmp_path).startswith("rec_gt.txt:1 words/3.png: its path names no part (train, val, test), but the path of rec_gt_test")


def test_a_renamed_part_is_another_data_set(tmp_path):
    write_paddleocr(tmp_path, WORDS, "rec_gt_train.txt")
    write_lines(tmp_path / "rec_gt_test.txt", ["words/2.png\tword2"])
    before = data_fingerprint(tmp_path)
    (tmp_path / "rec_gt_test.txt").rename(tmp_path / "rec_gt_train_2.txt")
    assert data_fingerprint(tmp_path) != before


def test_paddleocrs_paths_may_begin_with_the_folders_of_the_list(tmp_path):
    folder = tmp_path / "train_data" / "rec"
    write_paddleocr(folder, WORDS, prefix="train_data/rec/")
    assert read(folder, 20).table["text"].to_pylist() == WORDS


def test_a_line_of_paddleocr_may_name_several_images(tmp_path):
    write_paddleocr(tmp_path, WORDS)
    write_images(tmp_path, ["a.png", "b.png"])
    with (tmp_path / "rec_gt.txt").open("a") as file:
        file.write('["a.png", "b.png", "c.png"]\tthree\n')
    words = read(tmp_path, 23)
    assert words.table["text"].to_pylist() == [*WORDS, "three", "three"]
    assert words.report.dropped["image missing"].examples == ("rec_gt.txt:21 c.png",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rec_gt.txt", "a.png\tone\nb.png two\n", "rec_gt.txt:2: no tab; a line is path<TAB>text, got 'b.png two'"),
        ("rec_gt.txt", "../a.png\tone\n", "rec_gt.txt:1: path is '../a.png': it must be relative to"),
        (
            "labels.json",
            '{"a.png": "one",\n"b.png": 5}',
            "labels.json:2: the text of 'b.png' is 5: it must be a string of whole characters",
        ),
        ("labels.json", '{"a.png": {"polygons": []}}', "labels.json:1: 'a.png' has polygons: docTR's labels for detection"),
        ("labels.json", '{"a.png": "one"', "labels.json:1: expected ',', got ''"),
        ("labels.json", "[]", "labels.json:1: expected '{', got '[]'; expected an object such as"),
        ("labels.json", '{"a.png": "one",}', 'labels.json:1: expected an object such as {"a.png": "text"}, got \'}\''),
        ("labels.json", '{5: "one"}', 'labels.json:1: expected an object such as {"a.png": "text"}, got \'5: "one"}\''),
        ("labels.json", '{"a.png": "one"} 5', "labels.json:1: expected the end of the file, got '5'"),
        ("labels.json", '{"a.png": ' + "[" * 100_000, "labels.json:1: nested too deeply"),
        ("metadata.csv", "file_name,size\na.png,5\n", "metadata.csv: no column 'text or transcription or"),
        (
            "metadata.csv",
            "file_name,label,word\na.png,5,b\n",
            "metadata.csv: the text may be in 'label' or 'word': call the right one 'text'",
        ),
        ("metadata.jsonl", '{"file_name": "a.png", "label": 3}', "metadata.jsonl:1: label is 3: it must be a string"),
        ("labels.csv", "filename,words\na.png,1,000\n", "labels.csv:2: expected 2 fields (filename,words), got 3"),
        ("data.mdb", "hello", "data.mdb: not a readable LMDB database"),
    ],
)
def test_content_that_cannot_be_understood_is_an_error_with_its_line(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    assert message in error_of(tmp_path)


@pytest.mark.parametrize("name", ["Label.txt", "det_gt_train.txt"])
def test_labels_of_scenes_alone_name_the_command_that_reads_them(tmp_path, name):
    write_lines(tmp_path / name, ['a.png\t[{"transcription": "one", "points": [[0, 0], [9, 0], [9, 9], [0, 9]], "difficult": false}]'])
    assert "it labels whole scenes, as PPOCRLabel does: cut its words out with: python -m raygroup.data import" in error_of(tmp_path)


def test_labels_of_scenes_beside_a_word_list_are_named(tmp_path):
    write_paddleocr(tmp_path, WORDS)
    write_lines(tmp_path / "Label.txt", ["a.png\t[]"])
    assert "Label.txt is not read: it labels scenes: python -m raygroup.data import reads it" in read(tmp_path, 20).report.notes


def test_a_line_of_scenes_in_a_word_list_is_an_error(tmp_path):
    write_lines(tmp_path / "rec_gt.txt", ["a.png\tone", 'b.png\t[{"transcription": "two"}]'])
    assert "rec_gt.txt:2: the text is a list of boxes, so it labels a scene" in error_of(tmp_path)


def test_the_export_to_paddleocr_is_read_back(tmp_path):
    mlt = tmp_path / "mlt"
    mlt.mkdir()
    pixels = np.random.default_rng(1).integers(0, 256, (100, 120, 3), dtype=np.uint8)
    (mlt / "tr_img_00001.jpg").write_bytes(cv2.imencode(".jpg", pixels)[1].tobytes())
    (mlt / "tr_img_00001.txt").write_text("10,10,60,10,60,30,10,30,Latin,Castle\n10,40,60,40,60,60,10,60,Korean,호텔\n", encoding="utf-8")
    assert main(["export", str(mlt), "--layout", "paddleocr", str(tmp_path / "out")]) == 0
    words = read(tmp_path / "out", 2)
    assert words.table["text"].to_pylist() == ["Castle", "호텔"]
    assert "det_gt_train.txt is not read: it labels scenes: python -m raygroup.data import reads it" in words.report.notes


@pytest.mark.parametrize("name", ["easyocr", "doctr", "trdg", "huggingface", "lmdb", "paddleocr"])
def test_folders_of_parts_are_one_data_set_with_their_splits(tmp_path, name):
    WRITERS[name](tmp_path / "en_train", WORDS)
    WRITERS[name](tmp_path / "en_val", ["word3", "other"])
    (tmp_path / "test").mkdir()
    words = read(tmp_path, 22)
    assert words.table["split"].to_pylist() == ["train"] * 20 + ["new", "unseen"]
    assert set(words.table["source"].to_pylist()) == {tmp_path.name}
    assert "test/ is not read: no label file lies in it" in words.report.notes


def test_an_image_that_is_missing_in_a_part_is_named_with_its_folder(tmp_path):
    write_easyocr(tmp_path / "train", WORDS)
    write_easyocr(tmp_path / "val", ["one", "two"])
    (tmp_path / "val" / "1.png").unlink()
    assert read(tmp_path, 22).report.dropped["image missing"].examples == ("val/labels.csv:3 1.png",)


def test_folders_that_name_no_part_are_named_to_choose_from(tmp_path):
    write_lmdb(tmp_path / "MJ", WORDS)
    write_lmdb(tmp_path / "ST", WORDS)
    assert error_of(tmp_path) == ".: no label file; label files lie in MJ and ST: give the path of one"


def test_one_metadata_file_above_the_folders_of_parts_gives_splits(tmp_path):
    names = [*(f"train/{number}.png" for number in range(20)), "validation/0.png", "validation/1.png"]
    write_images(tmp_path, names)
    write_csv(tmp_path / "metadata.csv", ["file_name", "label", "lang"], [[name, f"word{k % 21}", "en"] for k, name in enumerate(names)])
    words = read(tmp_path, 22)
    assert words.table["split"].to_pylist() == ["train"] * 20 + ["unseen", "new"]
    assert "the texts are those of column 'label'" in words.report.notes
    assert "column 'lang' is not used; did you mean 'task'?" in words.report.notes


def test_a_text_column_wins_and_the_other_is_named(tmp_path):
    write_images(tmp_path, ["a.png"])
    write_csv(tmp_path / "metadata.csv", ["file_name", "text", "label"], [["a.png", "one", "sign"]])
    words = read(tmp_path, 1)
    assert words.table["text"].to_pylist() == ["one"]
    assert "the texts are those of column 'text', not of 'label'" in words.report.notes


def test_two_formats_in_one_folder_are_an_error_unless_one_is_chosen(tmp_path):
    write_easyocr(tmp_path, WORDS)
    write_lines(tmp_path / "rec_gt.txt", ["0.png\tother"])
    assert error_of(tmp_path) == (
        ".: label files of 2 formats: labels.csv of EasyOCR and rec_gt.txt of PaddleOCR: give the path of the one to read"
    )
    assert read(Path(f"{tmp_path}:easyocr"), 20).table["text"].to_pylist() == WORDS
    assert read(tmp_path / "labels.csv", 20).table["text"].to_pylist() == WORDS


def test_raygroups_own_label_file_wins_and_the_others_are_named(tmp_path):
    write_paddleocr(tmp_path, WORDS)
    alone = data_fingerprint(Path(f"{tmp_path}:paddleocr"))
    write_csv(tmp_path / "labels.csv", ["path", "text"], [["words/0.png", "one"]])
    words = read(tmp_path, 1)
    assert words.table["text"].to_pylist() == ["one"]
    assert "rec_gt.txt is not read: labels.csv is" in words.report.notes
    assert data_fingerprint(tmp_path) == data_fingerprint(tmp_path / "labels.csv") != alone


def test_parquet_files_win_over_other_names_and_these_are_named(tmp_path):
    pq.write_table(pa.table({"image": [png()] * 20, "text": WORDS}), tmp_path / "words.parquet")
    alone = data_fingerprint(tmp_path)
    write_doctr(tmp_path, ["one"])
    words = read(tmp_path, 20)
    assert words.report.notes[0] == "labels.json is not read: the Parquet files are"
    assert data_fingerprint(tmp_path) == alone


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl", "other.csv"])
def test_a_file_with_raygroups_own_columns_is_read_by_them_whatever_other_columns_it_has(tmp_path, name):
    write_images(tmp_path, ["a.png"])
    write_csv(tmp_path / name, ["path", "text", "file_name", "filename", "words"], [["a.png", "one", "b.png", "c.png", "two"]])
    if name.endswith("jsonl"):
        write_lines(tmp_path / name, [json.dumps({"path": "a.png", "text": "one", "file_name": "b.png", "label": "two"})])
    assert read(tmp_path / name, 1).table["text"].to_pylist() == ["one"]


@pytest.mark.parametrize("name", ["gt.txt", "labels.txt", "val.txt", "of any name.txt"])
def test_other_lists_with_tabs_are_read_as_those_of_paddleocr(tmp_path, name):
    write_paddleocr(tmp_path, WORDS, name)
    assert read(tmp_path / name if "any" in name else tmp_path, 20).table["text"].to_pylist() == WORDS


def test_a_tab_in_a_text_of_trdg_is_reported(tmp_path):
    write_trdg(tmp_path, ["a\tb", *WORDS])
    assert read(tmp_path, 21).report.dropped["control character in the text"].examples == ("labels.txt:1 0.png",)


def test_names_of_images_are_texts_only_if_a_user_says_so(tmp_path):
    names = [*(f"{word}_{number}.png" for number, word in enumerate(WORDS)), "two words_20.png", "cover.png"]
    write_images(tmp_path, names)
    (tmp_path / "notes.txt").touch()
    assert f"if the names of its images, such as 'cover.png', are their texts, give {tmp_path.name}:trdg-names" in error_of(tmp_path)
    words = read(Path(f"{tmp_path}:trdg-names"), 22)
    assert sorted(words.table["text"].to_pylist()) == sorted([*WORDS, "two words"])
    assert words.report.dropped["no text"].examples == ("cover.png",)
    assert "the names of the images are their texts, as TEXT_NUMBER; 'two words_20.png' is 'two words'" in words.report.notes
    assert "1 other files or folders are not read: their names are not those of images" in words.report.notes


def test_a_renamed_image_is_another_data_set_if_names_are_texts(tmp_path):
    write_images(tmp_path, ["one_0.png", "two_1.png"])
    chosen = Path(f"{tmp_path}:trdg-names")
    before = data_fingerprint(chosen)
    (tmp_path / "two_1.png").rename(tmp_path / "ten_1.png")
    assert data_fingerprint(chosen) != before


@pytest.mark.parametrize(
    ("names", "texts"),
    [
        (["0_one.png", "1_two_3.png"], ["one", "two_3"]),
        (["1999_0.png", "1999_1.png"], ["1999", "1999"]),
        (["0_1999.png", "1_1999.png"], ["1999", "1999"]),
        (["one.png", "two.jpg"], ["one", "two"]),
    ],
)
def test_the_form_of_names_is_that_of_most(tmp_path, names, texts):
    write_images(tmp_path, names)
    assert sorted(read(Path(f"{tmp_path}:trdg-names"), len(names)).table["text"].to_pylist()) == texts


def test_a_format_that_is_not_known_or_not_there_is_an_error(tmp_path):
    write_images(tmp_path, ["a.png"])
    assert "no format 'icdar': write one of raygroup, easyocr" in error_of(Path(f"{tmp_path}:icdar"))
    assert "no label file of docTR" in error_of(Path(f"{tmp_path}:doctr"))
    assert "no such file or folder" in error_of(Path(f"{tmp_path}/nowhere:doctr"))


def test_a_sweep_accepts_a_path_with_its_format_and_lists_every_format(tmp_path):
    sweep = load("quickstart")
    require_inputs(sweep, [trial for _, trial in sweep.trials()], Path(f"{tmp_path}:doctr"), None)
    assert {*CHOICES} == {*FORMATS, "trdg-names"}


def test_a_database_without_its_package_names_the_extra(tmp_path, monkeypatch):
    write_lmdb(tmp_path, WORDS)
    monkeypatch.setitem(sys.modules, "lmdb", None)
    assert error_of(tmp_path) == "./data.mdb: reading an LMDB needs the package lmdb: pip install 'raygroup[lmdb]'"


def test_a_database_that_is_cut_off_is_an_error_and_does_not_kill_the_process(tmp_path):
    write_lmdb(tmp_path, [*WORDS] * 20)
    file = tmp_path / "data.mdb"
    file.write_bytes(file.read_bytes()[:16384])
    assert "./data.mdb: cut off: it has 16,384 bytes of" in error_of(tmp_path)


def test_a_damaged_database_ends_another_process_and_not_this_one(tmp_path):
    """A value on pages of its own is said to be as long as 2 GB, which lie beyond the end of the file."""
    write_lmdb(tmp_path, WORDS, image_000000003=b"\x01" * 20_000)
    file = tmp_path / "data.mdb"
    content = file.read_bytes()
    at = content.index(b"image-000000003")
    file.write_bytes(content[: at - 8] + (2**31 - 1).to_bytes(4, "little") + content[at - 4 :])
    assert re.search(r"data\.mdb: damaged: reading it ends the process by signal \d+; copy or make it again", error_of(tmp_path))


def test_a_database_whose_reading_does_not_end_is_an_error(tmp_path, monkeypatch):
    write_lmdb(tmp_path, WORDS)
    monkeypatch.setattr(lmdb_check, "_LEAST_S", 0.0)
    monkeypatch.setattr(lmdb_check, "_BYTES_PER_S", 1e9)
    assert "data.mdb: damaged: reading it did not end within 0 s" in error_of(tmp_path)


def test_faults_in_a_database_are_told_of_by_key(tmp_path):
    write_lmdb(tmp_path / "a", [*WORDS, b"\xd6\xd0"])
    assert "data.mdb: label-000000021 is b'\\xd6\\xd0': not UTF-8" in error_of(tmp_path / "a")
    write_lmdb(tmp_path / "b", WORDS, num_samples=b"90")
    assert "data.mdb: num-samples is b'90': it must be the number of words, at most 41" in error_of(tmp_path / "b")
    write_lmdb(tmp_path / "c", WORDS, num_samples=b"18")
    assert "4 entries beyond 'num-samples' 18 are not read" in read(tmp_path / "c", 18).report.notes
    write_lmdb(tmp_path / "d", WORDS, image_000000003=b"")
    assert read(tmp_path / "d", 20).report.dropped["image missing"].examples == ("data.mdb: image-000000003",)
    with lmdb.open(str(tmp_path / "d"), map_size=1 << 24) as database, database.begin(write=True) as transaction:
        transaction.delete(b"num-samples")
    assert "data.mdb: no key 'num-samples'; needed: num-samples, image-000000001" in error_of(tmp_path / "d")
