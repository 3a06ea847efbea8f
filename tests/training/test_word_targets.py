import numpy as np
import pytest
from shared_fixtures import reference

from raygroup.training.word_targets import word_targets


@pytest.mark.parametrize("task", ["la", "zh", "ko", "any1", "symbol"])
def test_targets_are_those_of_the_reference(task):
    about, arrays = reference("word_targets")
    words, end = about["words"], about["num_char"][task] + 1
    classes = {character: int(arrays[f"dec_{task}"][row, place])
               for row, word in enumerate(words) for place, character in enumerate(word[:32])}  # fmt: skip
    targets = word_targets([[classes[character] for character in word] for word in words], end)
    np.testing.assert_array_equal(targets.targets, arrays[f"word_{task}"])
    np.testing.assert_array_equal(targets.following, arrays[f"dec_{task}"])


def test_the_end_follows_the_last_character_and_replaces_that_of_a_long_word():
    targets = word_targets([[5, 6], [1, 2, 3, 4], []], end=9, longest=4)
    assert targets.targets.tolist() == [[5, 6, 9, -1], [1, 2, 3, 9], [-1, 9, -1, -1]]
    assert targets.following.tolist() == [[5, 6, 9, 9], [1, 2, 3, 4], [9, 9, 9, 9]]
