"""RCTW17: phrases are in quotes."""

from label_files_for_tests import read, texts

BOX = "390,902,1856,902,1856,1225,390,1225"


def test_one_pair_of_quotes_is_removed_and_difficult_lines_are_dont_cares(tmp_path):
    lines = f'\ufeff{BOX},0,"金氏眼镜"\r\n{BOX},1,"创于"\r\n{BOX},0,"###"\r\n{BOX},0,""a","b""\r\n'
    name, [scene], problems = read(tmp_path, {"gts/image_0.txt": lines, "images/image_0.jpg": b""})
    assert (name, scene.name, scene.image.name) == ("rctw17", "image_0", "images/image_0.jpg")
    assert texts(scene) == ["金氏眼镜", "创于", "###", '"a","b"']
    assert [instance.dont_care for instance in scene.instances] == [False, True, True, False]
    assert {instance.script for instance in scene.instances} == {None}
    assert problems.counts == {}


def test_a_line_without_quotes_or_with_a_wrong_difficulty_is_reported(tmp_path):
    lines = f'{BOX},0,"a"\n{BOX},2,"b"\n{BOX},0,c\n{BOX},0,"d"'
    _, [scene], problems = read(tmp_path, {"image_0.txt": lines})
    assert texts(scene) == ["a", "d"]
    assert [str(problem) for problem in problems.entries] == [
        "image_0.txt:2: difficult is '2', must be 0 or 1",
        "image_0.txt:3: the text is 'c', must be in quotes",
    ]
