"""Test the learning-rate schedule."""

import pytest

from raygroup.training.schedule import learning_rate_at


def test_the_rate_is_constant_for_half_the_steps_and_ends_near_one_percent():
    rates = [learning_rate_at(step, 100, 1.0) for step in range(100)]
    assert rates[:50] == [1.0] * 50
    assert rates[-1] == pytest.approx(0.03)
    assert rates == sorted(rates, reverse=True)
