"""A sweep on a user's words says what it will read before it trains, and stops if too many words are lost."""

import json
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_sweep import space

from raygroup import preview_words, sweep
from raygroup.history.reader import read_history
from raygroup.runtime.planning.plan import load_plan

TEXTS = [f"word{number}" for number in range(24)] + ["नमस्ते", "भारत"] * 4 + ["กรุงเทพ", "ไทย"] * 6 + ["привет", "Москва"] * 6
KINDS = ["csv", "parquet"]


def write_words(folder: Path, texts: list[str], kind: str) -> Path:
    """Write words in a label file or a Parquet file, with a column ``lang`` that nothing uses."""
    noise = np.random.default_rng(0)
    images = [cv2.imencode(".png", noise.integers(0, 255, (32, 96), np.uint8))[1].tobytes() for _ in texts]
    folder.mkdir(parents=True)
    if kind == "parquet":
        pq.write_table(pa.table({"image": images, "text": texts, "lang": ["x"] * len(texts)}), folder / "words.parquet")
        return folder / "words.parquet"
    for number, image in enumerate(images):
        (folder / f"{number}.png").write_bytes(image)
    rows = [f"{number}.png,{text},x" for number, text in enumerate(texts)]
    (folder / "labels.csv").write_text("\n".join(["path,text,lang", *rows]), encoding="utf-8")
    return folder


def arguments(tmp_path: Path, words: Path, *flags: str) -> list[str]:
    path = space(tmp_path, steps=4, grid="{}")
    return [path, "--words", str(words), "--local", "--storage-path", str(tmp_path / "runs"), *flags]


@pytest.mark.parametrize("kind", KINDS)
def test_a_dry_run_prints_the_words_by_task_and_script_in_80_columns_and_writes_nothing(kind, tmp_path, capsys):
    words = write_words(tmp_path / "mine", TEXTS, kind)
    before = sorted(tmp_path.rglob("*"))
    assert sweep.main(arguments(tmp_path, words, "--dry-run")) == 0
    out = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.split()[1:2] in (["Latin"], ["Thai"], ["Cyrillic"])}
    assert rows["la"][:5] == ["Latin", "24", "24", "0", "0"]
    assert rows["thai"][:6] == ["Thai", "12", "12", "0", "0", "9:"]
    assert rows["cyrillic"][:5] == ["Cyrillic", "12", "12", "0", "0"]
    assert "column 'lang' is not used; did you mean 'task'?" in out
    assert "images are not opened in a dry run" in out
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "tiny.py"])


@pytest.mark.parametrize("kind", KINDS)
def test_json_and_the_python_twin_have_the_numbers_of_the_table(kind, tmp_path, capsys):
    words = write_words(tmp_path / "mine", [*TEXTS, "###"], kind)
    assert sweep.main(arguments(tmp_path, words, "--dry-run", "--json")) == 0
    (printed,) = json.loads(capsys.readouterr().out)["words"]
    (preview,) = preview_words(words, str(tmp_path / "tiny.py"))
    assert printed == json.loads(json.dumps(preview.to_json()))
    assert (printed["listed"], printed["kept"], printed["dropped"], printed["left_out"]) == (57, 56, 0, 1)
    assert printed["tasks"] == ["hi", "la", "cyrillic", "thai"]
    thai = next(group for group in printed["groups"] if group["task"] == "thai")
    assert (thai["script"], thai["kept"], thai["unseen_characters"]["ท"]) == ("Thai", 12, 12)
    assert not printed["images_opened"]


def test_a_sweep_trains_script_tasks_and_prints_the_table_before_features(tmp_path, capsys):
    words = write_words(tmp_path / "mine", TEXTS, "csv")
    (words / "24.png").unlink()
    assert sweep.main(arguments(tmp_path, words)) == 0
    out = capsys.readouterr().out
    assert out.index("words of mine, by task and script") < out.index("words through the trunk")
    assert "1 dropped, image missing (hi Devanagari 1): labels.csv:26 24.png" in out
    assert "images are not opened" not in out
    trial = next((tmp_path / "runs" / "tiny").glob("*/config.json")).parent
    assert read_history(trial).tasks == ("hi", "la", "cyrillic", "thai")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_too_many_dropped_words_stop_a_sweep_with_the_table_and_one_line(kind, flags, tmp_path, capsys):
    words = write_words(tmp_path / "mine", [*TEXTS, "中国", "中国", "大学", ""], kind)
    assert sweep.main(arguments(tmp_path, words, *flags)) == 2
    captured = capsys.readouterr()
    assert "4 of 60 words are dropped, mostly 3 for 'no character of any task', such as " in captured.err
    assert "at most 5% of 60 may be: name their tasks in a column 'task', or in words.tasks, or raise --bad-share" in captured.err
    assert len(captured.err.splitlines()) == 1
    assert len(captured.err) <= 320
    assert "60 words listed: 56 kept, 4 dropped (6.67%), 0 left out" in captured.out
    assert not (tmp_path / "runs").exists()
    assert sweep.main(arguments(tmp_path, words, "--dry-run", "--bad-share", "0.1")) == 0


def test_only_words_of_a_script_task_change_the_id_of_a_trial(tmp_path):
    from raygroup.config_sections import fingerprint
    from raygroup.words.importing.importer import data_fingerprint

    def store_of(texts, name):
        words = write_words(tmp_path / name, texts, "csv")
        return load_plan(space(tmp_path, grid="{}"), tmp_path / "runs", words).jobs[0].store, data_fingerprint(words)

    known, data = store_of([*TEXTS[:24], "1я?a", "☃"], "known")
    as_before = fingerprint(data, ["ar", "hi", "la"])
    assert as_before[:12] in str(known)
    found, data = store_of(TEXTS, "found")
    assert fingerprint(data, ["ar", "hi", "la"])[:12] not in str(found)
    assert fingerprint(data, ["ar", "hi", "la", "cyrillic", "thai"])[:12] in str(found)
