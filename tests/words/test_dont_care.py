import pytest

from raygroup.words.dont_care import ANY_MARK, is_dont_care, mark_of

HASHES = ("###", "### ", " ###", "\t###\u3000", '"###"', "'###'", '" ### "', "＃＃＃", "###\r", "\u200b###\ufeff", "“###”")


@pytest.mark.parametrize("text", HASHES)
def test_three_hashes_are_a_dont_care_whatever_stands_around_them(text):
    assert is_dont_care(text)


@pytest.mark.parametrize("text", ["*", " * ", "＊", '"*"'])
def test_a_star_is_a_dont_care_only_where_the_data_set_says_so(text):
    assert is_dont_care(text, ANY_MARK)
    assert not is_dont_care(text)


@pytest.mark.parametrize("text", ["", " ", "a###", "###1", "#1", "C#", "**", "* *", "# # #", "'", '""'])
def test_a_text_with_anything_else_in_it_is_a_word(text):
    assert not is_dont_care(text, ANY_MARK)


def test_the_number_of_hashes_tells_marks_apart():
    assert (mark_of("#"), mark_of(" ＃＃＃"), mark_of("word")) == ("#", "###", "")
    assert is_dont_care("#", ("#", "###"))
    assert not is_dont_care("#")
