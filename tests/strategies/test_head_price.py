"""The price of a head decides how many there are."""

import math

from raygroup.strategies.head_price import price_ranges


def test_a_second_head_is_worth_what_it_gains():
    """One group scores 13, two 19, three 15: the second head gains 6, the third loses 4."""
    assert price_ranges({1: 13.0, 2: 19.0, 3: 15.0}) == {1: (6, math.inf), 2: (0, 6)}


def test_a_number_below_the_line_between_its_neighbours_is_best_at_no_price():
    """From one head to three each gains 3 on average, and the second alone gains 1."""
    assert price_ranges({1: 10.0, 2: 11.0, 3: 16.0}) == {1: (3, math.inf), 3: (0, 3)}
