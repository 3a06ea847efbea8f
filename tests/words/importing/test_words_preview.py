"""What will be read of a user's words: counts by task and script, from a label file and from Parquet."""

import json

import pytest
from rich.cells import cell_len
from rich.console import Console
from test_faulty_words import write_rows, write_table

from raygroup.errors import ConfigError
from raygroup.tables.words_preview import print_words_preview
from raygroup.words.charset import Charset
from raygroup.words.importing.importer import import_user_words, read_user_words
from raygroup.words.importing.preview import WordsPreview, read_labels, stored_preview

REQUESTED = ("hi", "ja", "ko", "la", "zh")
LATIN = [f"wörd{number}" for number in range(12)]
TEXTS = [*LATIN, "한국어", "서울", "नमस्ते", "भारत", "กรุงเทพ", "ไทย1", "привет", "Москва", "中国", "1907", "☃", "###"]
KINDS = ["csv", "jsonl", "parquet"]


def write_texts(folder, texts, kind):
    if kind == "parquet":
        return write_table(folder / "words.parquet", texts)
    return write_rows(folder, [(f"{number}.png", text) for number, text in enumerate(texts)], kind)


def preview_of(path, characters="wordö0123456789"):
    labels = read_labels(path, REQUESTED)
    return WordsPreview(tasks=labels.tasks, report=labels.report, charset=Charset(tuple(characters)), images_opened=False)


def counts_of(preview):
    return {f"{group.task} {group.script}": (group.listed, group.kept) for group in preview.report.groups}


def printed(preview, width=80):
    with open("/dev/null", "w") as nowhere:
        out = Console(width=width, file=nowhere, record=True, highlight=False)
        print_words_preview(preview, out)
    return out.export_text().splitlines()


@pytest.mark.parametrize("kind", KINDS)
def test_words_are_counted_by_task_and_script_and_a_script_of_no_task_is_its_own(tmp_path, kind):
    preview = preview_of(write_texts(tmp_path, TEXTS, kind))
    assert counts_of(preview) == {
        "la Latin": (12, 12), "ko Hangul": (2, 2), "hi Devanagari": (2, 2), "thai Thai": (2, 2), "cyrillic Cyrillic": (2, 2),
        "zh+ja Han": (1, 1), "any Common": (2, 1), "- Common": (1, 0),
    }  # fmt: skip
    assert preview.tasks == ("zh", "hi", "ja", "ko", "la", "cyrillic", "thai")
    assert (preview.report.listed, preview.report.kept, preview.lost, preview.left_out) == (24, 22, 1, 1)
    assert preview.lost_share == pytest.approx(1 / 23)
    assert "tasks of their own, by script: cyrillic, thai" in preview.report.notes


@pytest.mark.parametrize("kind", KINDS)
def test_characters_that_the_universal_head_has_not_seen_are_those_of_kept_words(tmp_path, kind):
    preview = preview_of(write_texts(tmp_path, [*LATIN, *LATIN, "ßß", "ßw", "☃"], kind))
    unseen = {group.task: preview.unseen(group) for group in preview.report.groups}
    assert unseen == {"la": {"ß": 3}, "-": {}}
    assert preview_of(write_texts(tmp_path / "b", LATIN, kind), "w").unseen(preview.report.groups[0])["ö"] == 24


@pytest.mark.parametrize("kind", KINDS)
def test_the_labels_alone_give_the_groups_of_an_import_whose_images_are_sound(tmp_path, kind):
    path = write_texts(tmp_path, TEXTS, kind)
    report = import_user_words(path, REQUESTED, tmp_path / "store.parquet", "f00")
    assert report.groups == read_labels(path, REQUESTED).report.groups
    stored = stored_preview(tmp_path / "store.parquet", Charset(("w",)))
    assert (stored.report, stored.images_opened) == (report, True)
    assert stored_preview(tmp_path / "none.parquet", Charset(())) is None


def test_an_import_counts_missing_images_in_their_groups(tmp_path):
    path = write_texts(tmp_path, TEXTS, "csv")
    (path / "12.png").unlink()
    (path / "16.png").write_bytes(b"no image")
    groups = {group.task: group for group in read_user_words(path, REQUESTED, 0.2).report.groups}
    assert groups["ko"].dropped == {"image missing": 1}
    assert groups["thai"].dropped == {"image unreadable": 1}
    assert groups["thai"].characters == dict.fromkeys("ไทย1", 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["language", "lang", "script"])
def test_the_table_fits_80_columns_and_names_a_column_that_is_not_used(tmp_path, kind, name):
    path = write_texts(tmp_path, TEXTS, kind)
    if kind == "parquet":
        write_table(path, TEXTS, **{name: ["x"] * len(TEXTS)})
    elif kind == "csv":
        rows = [f"{number}.png,{text},x" for number, text in enumerate(TEXTS)]
        (path / "labels.csv").write_text("\n".join([f"path,text,{name}", *rows]), encoding="utf-8")
    else:
        rows = [{"path": f"{number}.png", "text": text, name: "x"} for number, text in enumerate(TEXTS)]
        (path / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    lines = printed(preview_of(path))
    assert max(map(cell_len, lines)) <= 80
    assert f"column '{name}' is not used; did you mean 'task'?" in lines
    assert next(line for line in lines if line.startswith("thai")).split()[:10] == ["thai", "Thai", "2", "2", "0", "0", "9:", "ท", "ก", "ร"]
    assert any(line.startswith("1 dropped, no character of any task (- Common 1): ") for line in lines)
    assert any(line.startswith("1 left out, don't-care mark (any Common 1): ") for line in lines)
    assert "images are not opened in a dry run" in " ".join(lines)
    assert max(map(cell_len, printed(preview_of(path), 180))) <= 80


def test_lines_of_wide_characters_are_wrapped_at_80_columns(tmp_path):
    rows = [(f"{number}-{'漢字の名前' * 8}.png", text) for number, text in enumerate([*LATIN, "", "", ""])]
    lines = printed(preview_of(write_rows(tmp_path, rows)))
    assert max(map(cell_len, lines)) <= 80
    assert "".join(line.strip() for line in lines).count("漢字の名前" * 8) == 2


def test_long_names_of_tasks_do_not_widen_the_table(tmp_path):
    path = write_table(tmp_path / "words.parquet", LATIN, task=["a_name_of_a_task_that_is_much_too_long"] * 12)
    lines = printed(preview_of(path, ""))
    assert max(map(cell_len, lines)) <= 80
    assert lines[2].split()[1:6] == ["Latin", "12", "12", "0", "0"]


@pytest.mark.parametrize("kind", KINDS)
def test_more_than_the_share_of_words_dropped_for_any_reason_is_one_line_with_the_main_one(tmp_path, kind):
    path = write_texts(tmp_path, [*LATIN, "x" * 32, "y" * 40, ""], kind)
    with pytest.raises(ConfigError) as error:
        read_user_words(path, REQUESTED)
    message = str(error.value).replace(str(path), ".").replace(str(tmp_path), ".")
    assert "3 of 15 words are dropped, mostly 2 for 'longer than 31 characters', such as " in message
    assert message.endswith("; at most 5% of 15 may be: cut such images into words, or raise --bad-share")
    assert len(message) <= 300
    assert read_user_words(path, REQUESTED, 0.2).report.kept == 12


@pytest.mark.parametrize("kind", KINDS)
def test_dont_care_marks_do_not_count_in_the_share(tmp_path, kind):
    assert read_user_words(write_texts(tmp_path, [*LATIN, *["###"] * 12], kind), REQUESTED).report.kept == 12


def test_exact_repeats_do_not_count_in_the_share_but_contradictions_do(tmp_path):
    rows = [(f"{number}.png", word) for number, word in enumerate(LATIN)]
    assert read_user_words(write_rows(tmp_path / "a", rows * 2), REQUESTED).report.kept == 12
    with pytest.raises(ConfigError, match="2 of 13 words are dropped, mostly 2 for 'one image with two texts"):
        read_user_words(write_rows(tmp_path / "b", [*rows, ("0.png", "other")]), REQUESTED)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_script_of_a_task_that_the_sweep_leaves_out_becomes_no_task(tmp_path, kind):
    report = read_labels(write_texts(tmp_path, [*LATIN, "中国", "カメラ"], kind), ("la",))
    assert (report.tasks, report.script_tasks) == (("la",), ())
    assert report.report.dropped["no character of any task"].count == 2


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_signs_of_no_script_and_letters_beside_known_ones_make_no_task(tmp_path, kind):
    labels = read_labels(write_texts(tmp_path, [*LATIN, "☃1", "12", "wordя"], kind), REQUESTED)
    assert labels.script_tasks == ()
    assert read_labels(write_texts(tmp_path / "b", [*LATIN, "1я"], kind), REQUESTED).script_tasks == ("cyrillic",)


def test_a_few_stray_words_of_a_script_in_a_large_data_set_make_no_task(tmp_path):
    stray = read_labels(write_table(tmp_path / "a.parquet", [*LATIN * 100, "Ω"]), REQUESTED)
    assert (stray.script_tasks, stray.report.dropped["no character of any task"].count) == ((), 1)
    assert "too few words for a task of their own, less than one in 1,000: greek (1)" in stray.report.notes
    assert read_labels(write_table(tmp_path / "b.parquet", [*LATIN * 80, "Ω"]), REQUESTED).script_tasks == ("greek",)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_script_may_be_named_for_some_words_and_be_found_for_the_others(tmp_path, kind):
    texts, tasks = [*LATIN, "กข", "กค"], [*[""] * 12, "thai", ""]
    if kind == "parquet":
        path = write_table(tmp_path / "words.parquet", texts, task=tasks)
    else:
        path = write_texts(tmp_path, texts, "csv")
        rows = zip(texts, tasks, strict=True)
        (path / "labels.csv").write_text(
            "path,text,task\n" + "".join(f"{number}.png,{text},{task}\n" for number, (text, task) in enumerate(rows))
        )
    words = read_user_words(path, REQUESTED)
    assert words.tasks == ("la", "thai")
    assert {group.task: group.kept for group in words.report.groups} == {"la": 12, "thai": 2}
