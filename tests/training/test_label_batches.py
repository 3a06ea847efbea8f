"""Test the encoding of labels and the order of a step's words."""

import numpy as np

from raygroup.training.label_batches import encode_labels, longest_first
from raygroup.words.charset import Charset


def test_the_longest_words_come_first_and_equal_ones_keep_their_order():
    assert longest_first(np.array([2, 4, 2, 4], np.int32)).tolist() == [1, 3, 0, 2]


def test_arabic_reaches_the_decoder_in_visual_order_followed_by_the_end():
    charset = Charset(("\u0627", "\u0628", "\u062a"))
    targets, lengths = encode_labels(["\u0627\u0628\u062a", "\u0627"], charset)
    assert targets.tolist() == [[3, 2, 1, 4], [1, 4, 0, 0]]
    assert lengths.tolist() == [4, 2]


def test_an_empty_label_is_its_end_and_an_unknown_character_is_class_0():
    targets, lengths = encode_labels(["", "a?b"], Charset(("a", "b", "c")))
    assert targets.tolist() == [[4, 0, 0, 0], [1, 0, 2, 4]]
    assert lengths.tolist() == [1, 4]
