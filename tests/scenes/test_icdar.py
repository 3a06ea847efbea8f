"""ICDAR13 and ICDAR15: one kind of file name, two spellings."""

from label_files_for_tests import corners, read, read_paths, real_scenes, texts


def test_the_training_part_of_icdar13_separates_by_blanks_and_its_test_part_by_commas(tmp_path):
    name, [scene], problems = read(
        tmp_path / "train", {"gt_100.txt": '158 128 411 181 "Footpath"\r\n443 128 501 169 "To"\r\n', "100.jpg": b""}
    )
    assert (name, scene.image.name, texts(scene)) == ("icdar13", "100.jpg", ["Footpath", "To"])
    assert corners(scene.instances[0]) == [[158, 128], [411, 128], [411, 181], [158, 181]]
    name, [scene], _ = read(tmp_path / "test", {"gt_img_1.txt": '38, 43, 920, 215, "Tiredness"\r\n', "img_1.jpg": b""})
    assert (name, scene.image.name, corners(scene.instances[0])[2]) == ("icdar13", "img_1.jpg", [920, 215])
    assert problems.counts == {}


def test_icdar13_escapes_quotes_and_backslashes_and_has_commas_and_no_dont_cares(tmp_path):
    lines = r"""0, 0, 9, 9, "a \"b\" c"
0, 0, 9, 9, "C:\\new, \\\"x"
0, 0, 9, 9, "###"
"""
    _, [scene], problems = read(tmp_path, {"gt_img_1.txt": lines})
    assert texts(scene) == ['a "b" c', r"C:\new, \"x", "###"]
    assert not any(instance.dont_care or instance.script for instance in scene.instances)
    assert problems.counts == {}


def test_an_icdar13_line_without_quotes_is_told_of(tmp_path):
    _, [scene], problems = read(tmp_path, {"gt_img_1.txt": '1 2 30 40 "a"\n1 2 30 40 b\n1 2 30 40 "c\n5 6 7 8 "d"'})
    assert texts(scene) == ["a", "d"]
    assert [problem.place for problem in problems.entries] == ["gt_img_1.txt:2", "gt_img_1.txt:3"]


def test_icdar15_begins_with_a_mark_has_commas_in_texts_empty_texts_and_corners_outside(tmp_path):
    lines = (
        "\ufeff377,117,463,117,465,130,378,130,Genaxis Theatre\r\n-5,-3,9,0,9,9,0,9,$8,888\r\n0,0,9,0,9,9,0,9,###\r\n0,0,9,0,9,9,0,9,\r\n"
    )
    name, [scene], problems = read(tmp_path, {"gt_img_1.txt": lines, "img_1.jpg": b""})
    assert (name, scene.name, texts(scene)) == ("icdar15", "img_1", ["Genaxis Theatre", "$8,888", "###", ""])
    assert [instance.dont_care for instance in scene.instances] == [False, False, True, False]
    assert corners(scene.instances[1])[0] == [-5, -3]
    assert [str(problem) for problem in problems.entries] == ["gt_img_1.txt:4: a word without text that is no don't-care"]


def test_an_icdar15_file_all_of_whose_texts_have_a_comma_is_not_taken_for_mlt17(tmp_path):
    name, [scene], _ = read(tmp_path, {"gt_img_1.txt": "0,0,9,0,9,9,0,9,$8,888\n0,0,9,0,9,9,0,9,$9,999\n"})
    assert (name, texts(scene)) == ("icdar15", ["$8,888", "$9,999"])


def test_copies_of_icdar13_with_eight_coordinates_are_read_as_icdar15(tmp_path):
    name, [scene], _ = read(tmp_path, {"img_1.jpg.txt": "38,43,920,43,920,215,38,215,Tiredness", "img_1.jpg": b""})
    assert (name, scene.image.name, texts(scene)) == ("icdar15", "img_1.jpg", ["Tiredness"])


def test_real_labels_with_a_script_before_the_text_are_icdar15_only_by_name():
    _, scenes, _ = read_paths([real_scenes()], "icdar15")
    assert "Latin,Genaxis Theatre" in [text for scene in scenes for text in texts(scene)]
