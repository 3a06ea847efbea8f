import pytest
from hypothesis import given
from hypothesis import strategies as st

from raygroup.errors import ConfigError
from raygroup.words.charset import Charset


def test_class_0_begins_a_word_then_come_the_characters_by_code_point_then_the_end():
    charset = Charset.from_labels(["ba", "c"])
    assert charset.characters == ("a", "b", "c")
    assert charset.encode("cab") == [3, 1, 2]
    assert (charset.begin, charset.end, charset.num_classes) == (0, 4, 5)


def test_a_character_that_is_too_rare_is_not_supported():
    charset = Charset.from_labels(["aab", "ac"], min_count=2)
    assert charset.characters == ("a",)
    assert charset.encode("abc") == [1, 0, 0]
    assert charset.unsupported_characters(["aab", "ac", "b"]) == {"b": 2, "c": 1}


def test_decoding_stops_at_the_end_of_the_word_and_shows_unsupported_characters():
    charset = Charset.from_labels(["ab"])
    assert charset.decode([1, 0, 2, 3, 1]) == "a\ufffdb"
    assert charset.decode([]) == ""


@given(st.lists(st.text(max_size=6), max_size=6))
def test_every_label_of_a_charset_survives_encoding_and_decoding(labels):
    charset = Charset.from_labels(labels)
    assert [charset.decode([*charset.encode(label), charset.end]) for label in labels] == labels
    assert Charset.from_json(charset.to_json()) == charset


def test_the_hash_depends_on_the_order_of_the_characters():
    assert Charset(("a", "b")).hash != Charset(("b", "a")).hash
    assert Charset(("a", "b")).hash == Charset.from_labels(["ba"]).hash


def test_a_stored_charset_with_changed_characters_is_refused():
    stored = Charset(("a", "b")).to_json() | {"characters": "ac"}
    with pytest.raises(ConfigError, match="charset of 2 characters has hash"):
        Charset.from_json(stored)


@pytest.mark.parametrize("characters", [("a", "a"), ("ab",), ("",)])
def test_characters_are_single_and_different(characters):
    with pytest.raises(ConfigError, match="single code points, each once"):
        Charset(characters)
