"""Lines may end as on any system, and no text holds a line end."""

import codecs

import pytest
from label_files_for_tests import read, texts

from raygroup.scenes.formats.syntax.label_lines import decode_lines
from raygroup.scenes.scene import Problems

BOX = "0,0,9,0,9,9,0,9"
ENDS = {"CR": "\r", "LF": "\n", "CR LF": "\r\n", "CR CR LF": "\r\r\n"}
LINES = {
    "icdar15": ("gt_img_1.txt", "img_1.png", [f"{BOX},Alpha", f"{BOX},###", f"{BOX},Beta"]),
    "mlt17": ("gt_img_1.txt", "img_1.png", [f"{BOX},Latin,Alpha", f"{BOX},Latin,###", f"{BOX},Latin,Beta"]),
    "mlt19": ("tr_img_00001.txt", "tr_img_00001.png", [f"{BOX},Latin,Alpha", f"{BOX},None,###", f"{BOX},Latin,Beta"]),
    "rctw17": ("image_1.txt", "image_1.png", [f'{BOX},0,"Alpha"', f'{BOX},0,"###"', f'{BOX},0,"Beta"']),
    "totaltext-lines": ("1.txt", "1.png", [f"0,0,9,0,12,5,9,9,0,9,{text}" for text in ("Alpha", "###", "Beta")]),
    "totaltext": ("poly_gt_img1.txt", "img1.png", [
        f"x: [[0 9 9 0]], y: [[0 0 9 9]], ornt: [u'h'], transcriptions: [u'{text}']" for text in ("Alpha", "#", "Beta")
    ]),
    "synthtextmlt-gt": ("1.txt", "1.png", [f"0.5,0,9,0,9,9,0,9,Latin,{text}" for text in ("Alpha", "*", "Beta")]),
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", LINES)
def test_every_kind_of_line_end_ends_a_line(tmp_path, name, end):
    labels, image, lines = LINES[name]
    found, [scene], problems = read(tmp_path, {labels: ENDS[end].join(lines) + ENDS[end], image: b""})
    assert found == name
    assert [(instance.text, instance.dont_care) for instance in scene.instances][::2] == [("Alpha", False), ("Beta", False)]
    assert scene.instances[1].dont_care
    assert not problems.counts


@pytest.mark.parametrize("end", ENDS)
def test_icdar13_and_lists_of_words_end_lines_alike(tmp_path, end):
    labels = ENDS[end].join(['38, 43, 920, 215, "Tiredness"', '1, 2, 30, 40, "Kills"'])
    _, [scene], _ = read(tmp_path / "boxes", {"gt_img_1.txt": labels, "img_1.png": b""})
    assert texts(scene) == ["Tiredness", "Kills"]
    words = ENDS[end].join(["word_1.png,Latin,Alpha", "word_2.png,Latin,Beta"])
    _, scenes, _ = read(tmp_path / "words", {"gt.txt": words, "word_1.png": b"", "word_2.png": b""})
    assert [texts(scene) for scene in scenes] == [["Alpha"], ["Beta"]]


def test_blank_lines_count_in_the_numbers_of_lines():
    for content in (b"a\n\n\nb\rc\r\rd\r\r\ne", b"a\n\n\nb\rc\r\rd\r\r\ne\n\xff"):
        assert [*decode_lines(content, "", Problems())] == [(1, "a"), (4, "b"), (5, "c"), (7, "d"), (8, "e")]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-8"])
def test_the_byte_order_mark_tells_the_encoding(tmp_path, codec):
    mark = getattr(codecs, f"BOM_{codec.upper().replace('-', '', 1).replace('-', '_')}")
    labels = mark + f"{BOX},Größe\r\n{BOX},###\r\n".encode(codec)
    _, [scene], problems = read(tmp_path, {"gt_img_1.txt": labels, "img_1.png": b""})
    assert [(instance.text, instance.dont_care) for instance in scene.instances] == [("Größe", False), ("###", True)]
    assert not problems.counts


def test_json_may_have_a_byte_order_mark_of_utf_16(tmp_path):
    labels = '{"gt_1": [{"transcription": "金", "points": [[0, 0], [9, 0], [9, 9]], "illegibility": false}]}'
    name, [scene], _ = read(tmp_path, {"labels.json": codecs.BOM_UTF16_LE + labels.encode("utf-16-le"), "gt_1.png": b""})
    assert (name, texts(scene)) == ("lsvt19", ["金"])


def test_utf_16_without_a_mark_is_named(tmp_path):
    files = {f"gt_img_{number}.txt": f"{BOX},word" for number in (1, 2)} | {"gt_img_3.txt": f"{BOX},word\n".encode("utf-16-le")}
    _, _, problems = read(tmp_path, files)
    assert "as UTF-16 without a byte-order mark has: save the file as UTF-8" in str(problems.first("line not understood"))


def test_control_characters_in_a_text_are_reported_whatever_the_reader(tmp_path):
    items = '[{"transcription": "two\\nlines", "points": [[0, 0], [9, 0], [9, 9]], "illegibility": false}]'
    _, [scene], problems = read(tmp_path / "json", {"labels.json": f'{{"gt_1": {items}}}', "gt_1.png": b""})
    assert texts(scene) == ["two lines"]
    assert "labels.json:gt_1:1: the text 'two\\nlines' has U+000A" in str(problems.first("control character"))
    entry = r"x: [[0 9 9 0]], y: [[0 0 9 9]], ornt: [u'h'], transcriptions: [u'a\x0cb\x07']"
    _, [scene], problems = read(tmp_path / "entries", {"poly_gt_img1.txt": entry, "img1.png": b""})
    assert texts(scene) == ["a b\x07"]
    assert "U+0007, U+000C" in str(problems.first("control character"))
    _, [scene], problems = read(tmp_path / "lines", {"gt_img_1.txt": f"{BOX},a\u2028b", "img_1.png": b""})
    assert texts(scene) == ["a b"]
    assert problems.counts == {"control character": 1}
