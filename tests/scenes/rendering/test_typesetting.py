"""Words are set in lines, in the direction of their script."""

from raygroup.randomness import generator
from raygroup.scenes.rendering.typesetting import typeset
from raygroup.words.rendering.fonts import find_fonts


def test_arabic_words_run_from_right_to_left_and_latin_words_from_left_to_right():
    for task, texts, sign in (("ar", ["نور", "الجميل"], -1), ("la", ["one", "two"], 1)):
        block = typeset([(task, texts)], {task: find_fonts(task)}, 32, generator("line"))
        assert block.texts == tuple(texts)
        assert sign * (block.boxes[1][0] - block.boxes[0][0]) > 0


def test_words_of_a_line_share_a_base_line_although_their_ink_is_cropped():
    """At 60 pixels per em, x and d end in the same row, and p reaches below it."""
    fonts = {"la": [font for font in find_fonts("la") if font.family == "Noto Sans"][:1]}
    block = typeset([("la", ["xxxxd", "xxxxp", "xxxx"])], fonts, 60, generator("line"))
    with_d, with_p, only_x = block.boxes
    assert abs(with_d[3] - only_x[3]) <= 2
    assert with_p[3] > only_x[3] + 8
    assert with_d[1] < only_x[1] - 8
