"""The format of a data set is detected from names and lines."""

import pytest
from label_files_for_tests import read, write

from raygroup.errors import ConfigError
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import FORMATS, format_of

BOX = "0,0,9,0,9,9,0,9"
SAMPLES = {
    "icdar13": ("gt_img_1.txt", '38, 43, 920, 215, "Tiredness"'),
    "icdar15": ("gt_img_1.txt", f"{BOX},Genaxis Theatre"),
    "totaltext": ("gt_img_1.txt", "x: [[259 313 389]], y: [[542 462 417]], ornt: [u'c'], transcriptions: [u'PAUL']"),
    "mlt17": ("gt_img_1.txt", f"{BOX},Latin,word"),
    "mlt19": ("gt_img_00001.txt", f"{BOX},Latin,word"),
    "rctw17": ("image_1.txt", f'{BOX},0,"金氏眼镜"'),
    "synthtextmlt": ("1.txt", "0 0.5 0.5 0.2 0.08 0.1 word"),
    "synthtextmlt-gt": ("1.txt", "0.5,0,9,0,9,9,0,9,Latin,word"),
    "mlt-polygons": ("1.txt", "0,0,9,0,12,5,9,9,0,9,Latin,word"),
    "totaltext-lines": ("1.txt", "0,0,9,0,12,5,9,9,0,9,word"),
    "art19": ("train_labels.json", '{"gt_1": [{"transcription": "a", "points": [[0, 0]], "language": "Latin", "illegibility": false}]}'),
    "lsvt19": ("train_full_labels.json", '{"gt_1": [{"transcription": "a", "points": [[0, 0]], "illegibility": false}]}'),
    "paddleocr": ("Label.txt", 'imgs/a.png\t[{"transcription": "a", "points": [[0, 0], [9, 0], [9, 9]], "difficult": false}]'),
    "mlt19-words": ("gt.txt", "word_1.png,Arabic,المكرمة"),
    "icdar13-words": ("gt.txt", 'word_1.png, "PROPER"'),
}


def test_every_format_that_can_be_detected_has_a_sample():
    # synthtextmlt-e2e has the same lines as synthtextmlt, so users must name it
    assert set(SAMPLES) == set(FORMATS) - {"synthtextmlt-e2e"}


@pytest.mark.parametrize("expected", SAMPLES)
def test_a_format_is_detected_from_the_names_and_lines_of_its_files(tmp_path, expected):
    file, content = SAMPLES[expected]
    assert format_of(Collection([write(tmp_path, {file: content, "readme.md": "about"})])).name == expected
    assert read(tmp_path, {}, expected)[0] == expected


def test_some_broken_lines_and_files_do_not_hide_a_format(tmp_path):
    files = {f"gt_img_{number}.txt": f"{BOX},word\nbroken\n{BOX},word" for number in range(1, 9)}
    name, scenes, problems = read(tmp_path, {**files, "gt_img_9.txt": "broken\nbroken", "gt_img_10.txt": b"\xff\xff"})
    assert (name, len(scenes)) == ("icdar15", 10)
    assert problems.counts == {"line not understood": 10, "line not UTF-8": 1}


def test_a_wrong_format_name_is_answered_with_the_place_and_the_expected_line(tmp_path):
    folder = write(tmp_path, {"gt/gt_img_1.txt": f"\n{BOX},Genaxis Theatre"})
    with pytest.raises(ConfigError) as raised:
        format_of(Collection([folder]), "mlt17")
    assert str(raised.value) == (
        f"{folder}: not of this format: mlt17: gt/gt_img_1.txt:2: expected 10 comma-separated fields (8 coordinates, script, "
        f"transcription), got 9: '{BOX},Genaxis Theatre'; a line of MLT17 looks like this: 131,34,181,34,179,47,131,49,Latin,Castle"
    )


def test_a_format_that_the_user_names_may_have_unknown_scripts(tmp_path):
    write(tmp_path, {"gt_img_1.txt": f"{BOX},Klingon,Qapla"})
    assert format_of(Collection([tmp_path])).name == "icdar15"
    name, [scene], problems = read(tmp_path, {}, "mlt17")
    assert (scene.instances[0].script, scene.instances[0].text) == ("Klingon", "Qapla")
    assert problems.counts == {"script unknown": 1}


def test_unknown_formats_and_folders_without_labels_are_refused_with_the_choices(tmp_path):
    collection = Collection([write(tmp_path, {"a.jpg": b"", "b.jpg": b""})])
    with pytest.raises(ConfigError, match="--format mlt18: no such format: choose one of .*mlt17"):
        format_of(collection, "mlt18")
    with pytest.raises(ConfigError, match=r"no label files of any known format among 2 files \(a\.jpg, b\.jpg, \.\.\.\)"):
        format_of(collection)


def test_one_file_of_another_format_does_not_decide_about_many_files(tmp_path):
    files = {f"{number}.txt": f"{BOX},Latin,word" for number in range(4)} | {f"{number}.jpg": b"" for number in range(4)}
    files["gt_img_1.txt"] = SAMPLES["totaltext"][1]
    assert format_of(Collection([write(tmp_path, files)])).name == "mlt19"


def test_only_five_thousand_lines_of_one_image_are_read(tmp_path):
    _, [scene], problems = read(tmp_path, {"gt_img_1.txt": f"{BOX},word\n" * 5_002})
    assert len(scene.instances) == 5_000
    assert problems.first("label file too long").place == "gt_img_1.txt:5001"


def test_a_very_long_line_is_not_parsed(tmp_path):
    _, [scene], problems = read(tmp_path, {"gt_img_1.txt": f"{BOX},a\n{BOX},b\n" + "1," * 200_000})
    assert len(scene.instances) == 2
    assert problems.first("line not understood").what.startswith("the line has 400,000 characters, expected at most 10,000: '1,1,1,")


def message_of(folder):
    with pytest.raises(ConfigError) as raised:
        format_of(Collection([folder]))
    assert len(str(raised.value)) <= 300
    return str(raised.value)


def test_where_no_format_fits_the_likeliest_are_named_with_their_reasons(tmp_path):
    message = message_of(write(tmp_path / "a", {"gt_img_1.txt": '158 128 four 181 "Footpath"'}))
    assert "not of any known format; the likeliest are icdar13: gt_img_1.txt:1: number 3 of the line is 'four', must be a" in message
    message = message_of(write(tmp_path / "b", {"gt_img_00001.txt": "131,34,181,34,x,47,131,49,Latin,Castle"}))
    assert "mlt19: gt_img_00001.txt:1: number 5 of the line is 'x'" in message
    assert message.endswith("; --format NAME tells more")


def test_coco_text_is_named_as_written_and_not_read(tmp_path):
    message = message_of(write(tmp_path, {"cocotext.v2.json": '{"cats": {}, "anns": {"1": {}}, "imgs": {}, "imgToAnns": {}}'}))
    assert "cocotext.v2.json: COCO-Text's labels: raygroup writes this format and does not read it" in message
