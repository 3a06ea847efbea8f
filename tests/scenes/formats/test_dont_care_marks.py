"""Readers of scenes know a don't-care by one rule, whatever stands around the mark."""

import pytest
from label_files_for_tests import read

BOX = "0,0,9,0,9,9,0,9"
MARKS = ("### ", " ###", '"###"', "＃＃＃", "\u200b###")
CASES = {
    "icdar15": ("gt_img_1.txt", f"{BOX},{{}}", MARKS),
    "mlt17": ("gt_img_1.txt", f"{BOX},Latin,{{}}", MARKS),
    "rctw17": ("image_1.txt", f'{BOX},0,"{{}}"', MARKS),
    "totaltext-lines": ("1.txt", "0,0,9,0,12,5,9,9,0,9,{}", (*MARKS, "####", "#######", "####\u3000", " # ")),
    "synthtextmlt-gt": ("1.txt", "0.5,0,9,0,9,9,0,9,Latin,{}", (*MARKS, "*", " * ", "###Latin")),
    "lsvt19": ("a.json", '{{"gt_1": [{{"transcription": "{}", "points": [[0, 0], [9, 0], [9, 9]]}}]}}', ("### ", "＃＃＃")),
    "mlt19-words": ("gt.txt", "word_1.png,Latin,{}", MARKS),
}


@pytest.mark.parametrize("name", CASES)
def test_blanks_and_quotes_around_a_mark_do_not_make_it_a_word(tmp_path, name):
    file, line, marks = CASES[name]
    for number, mark in enumerate(marks):
        _, [scene], _ = read(tmp_path / str(number), {file: line.format(mark)}, name)
        assert [instance.dont_care for instance in scene.instances] == [True], mark


def test_the_prefix_of_ctw1500_does_not_belong_to_the_text(tmp_path):
    _, [scene], _ = read(tmp_path, {"1.txt": "0,0,9,0,12,5,9,9,0,9,####HOTEL"}, "totaltext-lines")
    assert [(instance.text, instance.dont_care) for instance in scene.instances] == [("HOTEL", False)]


@pytest.mark.parametrize("text", ["*", "#", "##", "#1", "a###"])
def test_marks_of_other_data_sets_are_words(tmp_path, text):
    _, [scene], _ = read(tmp_path, {"gt_img_1.txt": f"{BOX},{text}"}, "icdar15")
    assert [instance.dont_care for instance in scene.instances] == [False]
