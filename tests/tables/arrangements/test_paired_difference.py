"""Differences over seeds: Student's interval and the sign-flip test, with values worked by hand."""

import numpy as np
import pytest
from scipy.stats import permutation_test

from raygroup.tables.arrangements.paired_difference import paired_difference, sign_flip_p


def test_the_interval_of_three_seeds_is_students():
    """The differences are 1, 2 and 3: mean 2, deviation 1, and t(2) = 4.3027."""
    difference = paired_difference({0: 0.0, 1: 0.0, 2: 1.0}, {0: 1.0, 1: 2.0, 2: 4.0})
    half = 4.302653 / 3**0.5
    assert (difference.mean, difference.count) == (2, 3)
    assert (difference.low, difference.high) == (pytest.approx(2 - half), pytest.approx(2 + half))


def test_no_p_is_claimed_below_six_seeds():
    gains = dict.fromkeys(range(6), 1.0)
    zeros = dict.fromkeys(range(6), 0.0)
    assert paired_difference(zeros, gains).p == 2 / 64
    del gains[5]
    assert paired_difference(zeros, gains).p is None


def test_only_seeds_of_both_sides_are_paired():
    difference = paired_difference({0: 1.0, 1: 5.0}, {1: 6.5, 2: 9.0})
    assert (difference.mean, difference.low, difference.high, difference.count) == (1.5, None, None, 1)
    assert paired_difference({0: 1.0}, {1: 1.0}) is None


def test_the_sign_flip_test_counts_all_signs():
    """The sum of 1, 2 and -1 is 2. Six of its eight sign flips have 4, 2, 2, -2, -2 and -4, and two have 0."""
    assert sign_flip_p([1, 2, -1]) == 6 / 8


def test_the_sign_flip_test_is_that_of_another_library():
    differences = np.random.default_rng(3).normal(0.4, 1, 8)
    flips = permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip_p(differences.tolist()) == pytest.approx(flips.pvalue)


def test_a_drawn_p_of_many_seeds_is_never_0():
    assert 0 < sign_flip_p([1.0] * 40) < 0.001
