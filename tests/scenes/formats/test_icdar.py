"""ICDAR13 and ICDAR15 have similar file names but different lines."""

from label_files_for_tests import corners, read, read_paths, real_scenes, texts


def test_icdar13_separates_fields_by_blanks_in_training_files_and_by_commas_in_test_files(tmp_path):
    name, [scene], problems = read(
        tmp_path / "train", {"gt_100.txt": '158 128 411 181 "Footpath"\r\n443 128 501 169 "To"\r\n', "100.jpg": b""}
    )
    assert (name, scene.image.name, texts(scene)) == ("icdar13", "100.jpg", ["Footpath", "To"])
    assert corners(scene.instances[0]) == [[158, 128], [411, 128], [411, 181], [158, 181]]
    name, [scene], _ = read(tmp_path / "test", {"gt_img_1.txt": '38, 43, 920, 215, "Tiredness"\r\n', "img_1.jpg": b""})
    assert (name, scene.image.name, corners(scene.instances[0])[2]) == ("icdar13", "img_1.jpg", [920, 215])
    assert problems.counts == {}


def test_icdar13_escapes_quotes_and_backslashes_and_has_no_dont_cares(tmp_path):
    lines = r"""0, 0, 9, 9, "a \"b\" c"
0, 0, 9, 9, "C:\\new, \\\"x"
0, 0, 9, 9, "###"
"""
    _, [scene], problems = read(tmp_path, {"gt_img_1.txt": lines})
    assert texts(scene) == ['a "b" c', r"C:\new, \"x", "###"]
    assert not any(instance.dont_care or instance.script for instance in scene.instances)
    assert problems.counts == {}


def test_an_icdar13_line_without_quotes_is_reported(tmp_path):
    _, [scene], problems = read(tmp_path, {"gt_img_1.txt": '1 2 30 40 "a"\n1 2 30 40 b\n1 2 30 40 "c\n5 6 7 8 "d"'})
    assert texts(scene) == ["a", "d"]
    assert [problem.place for problem in problems.entries] == ["gt_img_1.txt:2", "gt_img_1.txt:3"]


def test_icdar15_may_have_a_byte_order_mark_commas_in_texts_empty_texts_and_corners_outside(tmp_path):
    lines = (
        "\ufeff377,117,463,117,465,130,378,130,Genaxis Theatre\r\n-5,-3,9,0,9,9,0,9,$8,888\r\n0,0,9,0,9,9,0,9,###\r\n0,0,9,0,9,9,0,9,\r\n"
    )
    name, [scene], problems = read(tmp_path, {"gt_img_1.txt": lines, "img_1.jpg": b""})
    assert (name, scene.name, texts(scene)) == ("icdar15", "img_1", ["Genaxis Theatre", "$8,888", "###", ""])
    assert [instance.dont_care for instance in scene.instances] == [False, False, True, False]
    assert corners(scene.instances[1])[0] == [-5, -3]
    assert [str(problem) for problem in problems.entries] == ["gt_img_1.txt:4: the word has no text, but is not marked as a don't-care"]


def test_an_icdar15_file_with_a_comma_in_every_text_is_not_mistaken_for_mlt17(tmp_path):
    name, [scene], _ = read(tmp_path, {"gt_img_1.txt": "0,0,9,0,9,9,0,9,$8,888\n0,0,9,0,9,9,0,9,$9,999\n"})
    assert (name, texts(scene)) == ("icdar15", ["$8,888", "$9,999"])


def test_copies_of_icdar13_with_eight_coordinates_are_read_as_icdar15(tmp_path):
    name, [scene], _ = read(tmp_path, {"img_1.jpg.txt": "38,43,920,43,920,215,38,215,Tiredness", "img_1.jpg": b""})
    assert (name, scene.image.name, texts(scene)) == ("icdar15", "img_1.jpg", ["Tiredness"])


def test_icdar15_reads_the_script_of_mlt_labels_as_part_of_the_text():
    _, scenes, _ = read_paths([real_scenes()], "icdar15")
    assert "Latin,Genaxis Theatre" in [text for scene in scenes for text in texts(scene)]
