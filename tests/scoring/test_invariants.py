"""Some hundred random pairs of MLT19 files. ``fuzz.py`` runs any number."""

import pytest
from fuzz import check
from invariants import has_area


@pytest.mark.parametrize("block", range(8))
def test_the_invariants_hold_for_every_pair(block, tmp_path):
    accepted = [check(seed, tmp_path) for seed in range(1_000_000 + 40 * block, 1_000_000 + 40 * (block + 1))]
    assert 10 < sum(accepted) < 40


def test_the_words_of_a_perfect_submission_have_an_area():
    assert has_area("0,0,9,0,9,9,0,9,Latin,a")
    assert not has_area("0,0,9,9,9,0,0,9,Latin,a")
    assert not has_area("0,0,9,0,9,0,0,0,Latin,a")
