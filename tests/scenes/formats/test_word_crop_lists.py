"""Lists of cropped words: task 2 of MLT19 and task 3 of ICDAR13."""

from label_files_for_tests import read


def test_a_word_of_mlt19_is_a_scene_whose_instance_is_the_whole_image(tmp_path):
    files = {"gt.txt": "\ufeffword_1.png,Arabic,المكرمة\nword_2.png,Latin,1,5 km\nword_3.png,None,###\n", "images/word_1.png": b""}
    name, scenes, problems = read(tmp_path, files)
    assert (name, [scene.name for scene in scenes]) == ("mlt19-words", ["word_1", "word_2", "word_3"])
    words = [scene.instances[0] for scene in scenes]
    assert [(word.polygon, word.text, word.task, word.dont_care) for word in words] == [
        (None, "المكرمة", "ar", False),
        (None, "1,5 km", "la", False),
        (None, "###", None, True),
    ]
    assert scenes[0].image.name == "images/word_1.png"
    assert (scenes[1].labels, scenes[1].image) == ("gt.txt:2", None)
    assert problems.counts == {}


def test_words_of_icdar13_are_in_quotes_with_escapes(tmp_path):
    name, scenes, problems = read(tmp_path, {"Challenge2_Test_Task3_GT.txt": 'word_1.png, "PROPER"\r\nword_2.png, "a \\"b\\", c"\r\n'})
    assert (name, [scene.instances[0].text for scene in scenes]) == ("icdar13-words", ["PROPER", 'a "b", c'])
    assert problems.counts == {}


def test_names_outside_the_data_set_repeated_names_and_short_lines_are_reported(tmp_path):
    names = ["a/word_1.png", "../word_2.png", "/etc/word_3.png", "word_1.png", "", *(f"word_{number}.png" for number in range(5, 12))]
    lines = [f"{name},Latin,text" if name else "word_4.png" for name in names]
    _, scenes, problems = read(tmp_path, {"gt.txt": "\n".join(lines)})
    assert [scene.name for scene in scenes][:2] == ["word_1", "word_5"]
    assert [str(problem) for problem in problems.entries] == [
        "gt.txt:2: the image is '../word_2.png', must be a name inside the data set",
        "gt.txt:3: the image is '/etc/word_3.png', must be a name inside the data set",
        "gt.txt:4: 'word_1.png' is in the list twice; the first is taken",
        "gt.txt:5: expected 3 comma-separated fields (image, script, transcription), got 1: 'word_4.png'",
    ]


def test_an_unknown_script_of_a_word_is_reported_with_its_line(tmp_path):
    _, scenes, problems = read(tmp_path, {"gt.txt": "word_1.png,Latin,one\nword_2.png,Thai,สอง\n"})
    assert len(scenes) == 2
    assert problems.first("script unknown").place == "gt.txt:2"
