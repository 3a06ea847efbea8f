"""A fault in what a user gives is told of alike by every command that reads it."""

import struct
import unicodedata
import zlib
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_sweep import space

from raygroup import features, run_sweep, sweep
from raygroup.data.__main__ import main as data
from raygroup.errors import MAX_MESSAGE, ConfigError
from raygroup.pretrain import __main__ as pretrain

WORDS = [f"word{number}" for number in range(20)]


def png(number=0):
    """Return a small image with contrast."""
    return cv2.imencode(".png", np.repeat(np.uint8([[number, 255]]), 8, axis=0).repeat(8, axis=1))[1].tobytes()


def transparent_png():
    """Return black ink on a transparent ground."""
    pixels = np.zeros((8, 16, 4), np.uint8)
    pixels[2:6, 4:12, 3] = 255
    return cv2.imencode(".png", pixels)[1].tobytes()


def huge_png():
    """Return a small image whose header claims 30,000 x 30,000 pixels."""
    header = b"IHDR" + struct.pack(">II", 30_000, 30_000) + png()[24:29]
    return png()[:12] + header + struct.pack(">I", zlib.crc32(header)) + png()[33:]


def write_words(folder, lines, header="path,text"):
    """Write twenty images and a label file."""
    folder.mkdir(exist_ok=True)
    for number in range(len(WORDS)):
        (folder / f"{number}.png").write_bytes(png(number))
    (folder / "labels.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return folder


def plain_lines():
    return [f"{number}.png,{word}" for number, word in enumerate(WORDS)]


def leave_a_quote_open(folder):
    write_words(folder, ["0.png,one", '1.png,"12', *plain_lines()[2:]])


def swallow_rows(folder):
    write_words(folder, ['0.png,"12 inch', "1.png,two", '2.png,15"', *plain_lines()[3:]])


def encode_in_utf_16(folder):
    labels = write_words(folder, plain_lines()) / "labels.csv"
    labels.write_bytes(labels.read_text().encode("utf-16"))


def put_parquet_below(folder):
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.table({"image": [png()], "text": ["one"]}), folder / "data" / "train-00000-of-00001.parquet")


def make_images_huge(folder):
    write_words(folder, plain_lines())
    for number in (0, 1):
        (folder / f"{number}.png").write_bytes(huge_png())


REFUSED = {
    leave_a_quote_open: "words/labels.csv:3: a quote opens 'text' and does not close it on this line: '1.png,\"12'",
    swallow_rows: "words/labels.csv:2: a quote opens 'text' and does not close it on this line: '0.png,\"12 inch'",
    encode_in_utf_16: "words/labels.csv: UTF-16: save it as UTF-8",
    put_parquet_below: "words: no label file and no Parquet file; Parquet files lie in words/data: give that folder",
    make_images_huge: "such as labels.csv:2 0.png (900 million pixels: at most 100 million are read)",
}


def require_one_short_line(error, message):
    """Paths below this folder may be absolute."""
    (line,) = error.splitlines()
    assert message in line.replace(f"{Path.cwd()}/", "")
    assert len(line.removeprefix("raygroup: ")) <= MAX_MESSAGE


@pytest.mark.parametrize("write", REFUSED, ids=lambda write: write.__name__)
def test_words_that_cannot_be_read_are_refused_alike_by_every_command(write, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = space(tmp_path, grid="{}")
    write(tmp_path / "words")
    assert sweep.main([path, "--words", "words", "--local"]) == 2
    require_one_short_line(capsys.readouterr().err, REFUSED[write])
    assert features.main(["words", "--local"]) == 2
    require_one_short_line(capsys.readouterr().err, REFUSED[write])
    with pytest.raises(ConfigError) as raised:
        run_sweep(path, words="words", local=True)
    assert REFUSED[write] in str(raised.value).replace(f"{tmp_path}/", "")
    assert not [*tmp_path.glob("runs/cache/**/*.parquet"), *tmp_path.glob("runs/cache/**/*.arrow")]


def write_faulty_rows(folder):
    """Write words with blanks, signs and names that are mended, and four rows that are not words."""
    lines = [f"{number}.png , {word}" for number, word in enumerate(WORDS)]
    lines[3] = "3.png, wo\u200brd3\u2060"
    lines[4] = "명함4.png, word4"
    write_words(folder, [*lines, "0.png, word0", "1.png, cat", "2.png, ###"], header="path, text")
    (folder / "4.png").rename(folder / unicodedata.normalize("NFD", "명함4.png"))
    (folder / "5.png").write_bytes(transparent_png())


def test_rows_with_faults_are_counted_by_the_features_command(tmp_path, capsys):
    write_faulty_rows(tmp_path / "words")
    arguments = ["--local", "--workers", "1", "--bad-share", "0.2", "--storage-path", str(tmp_path / "runs")]
    assert features.main([str(tmp_path / "words"), *arguments]) == 0
    printed = capsys.readouterr().out
    assert "words: 19 words kept, 4 dropped" in printed
    assert "1 dropped, don't-care mark: labels.csv:24 2.png" in printed
    assert "1 dropped, same image and text again: labels.csv:22 0.png (as in line 2)" in printed
    assert "2 dropped, one image with two texts, tasks or splits: labels.csv:3 '1.png ' 'word1' (line 23: 'cat')" in printed
    assert "1 labels normalised: U+200B ZERO WIDTH SPACE removed" in printed
    assert "1 labels normalised: U+2060 WORD JOINER removed" in printed


def test_a_sweep_reads_parquet_with_views_of_strings_and_bytes(tmp_path, capsys):
    (tmp_path / "words").mkdir()
    images = pa.array([png(number) for number in range(len(WORDS))], pa.binary_view())
    pq.write_table(pa.table({"image": images, "text": pa.array(WORDS, pa.string_view())}), tmp_path / "words" / "a.parquet")
    path = space(tmp_path, grid="{}", steps=2)
    assert sweep.main([path, "--words", str(tmp_path / "words"), "--local", "--storage-path", str(tmp_path / "runs")]) == 0
    assert "20 words kept, 0 dropped" in capsys.readouterr().out


SPACES = {
    "import sys\nsys.exit(0)\n": "mine.py:2: it ends Python by itself; a search space must define",
    "sweep = pretraining = Sweep(name='cache')\n": "name is 'cache': it must be another name",
}


@pytest.mark.parametrize("text", SPACES, ids=["exits", "is called cache"])
def test_a_search_space_that_cannot_be_used_is_refused_alike_by_every_command(text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_words(tmp_path / "words", plain_lines())
    (tmp_path / "mine.py").write_text(text if "sys" in text else f"from raygroup.search_space import Sweep\n{text}")
    for command, arguments in (
        (sweep.main, ["mine.py", "--local"]),
        (features.main, ["words", "--local", "--sweep", "mine.py"]),
        (pretrain.main, ["mine.py", "--out", "universal.safetensors"]),
    ):
        assert command(arguments) == 2
        require_one_short_line(capsys.readouterr().err, SPACES[text])
    with pytest.raises(ConfigError):
        run_sweep("mine.py", local=True)
    assert not (tmp_path / "runs" / "cache").exists()


def test_a_search_space_with_a_byte_order_mark_is_read_by_every_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_words(tmp_path / "words", plain_lines())
    text = 'from raygroup.search_space import Sweep\nsweep = Sweep(name="marked")\n'
    (tmp_path / "mine.py").write_text(text, encoding="utf-8-sig")
    assert sweep.main(["mine.py", "--dry-run"]) == 0
    assert "marked: 1 trials" in capsys.readouterr().out
    assert features.main(["words", "--dry-run", "--sweep", "mine.py"]) == 0


def test_fonts_that_cannot_be_read_are_refused_alike_by_every_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "pointer.otf").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0")
    path = space(tmp_path, grid="{}")
    message = "--fonts fonts: no upright .ttf, .otf or .ttc font; cannot be read: pointer.otf (a Git LFS pointer"
    for command, arguments in (
        (sweep.main, [path, "--local", "--fonts", "fonts"]),
        (data, ["render", "scenes", "--scenes", "1", "--fonts", "fonts"]),
        (pretrain.main, ["pretrain", "--out", "universal.safetensors", "--fonts", "fonts"]),
    ):
        assert command(arguments) == 2
        require_one_short_line(capsys.readouterr().err, message)
