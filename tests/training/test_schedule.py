"""Test settings that change from step to step."""

import pytest

from raygroup.training.schedule import learning_rate_at, value_at


def test_the_rate_is_constant_for_half_the_steps_and_ends_near_one_percent():
    rates = [learning_rate_at(step, 100, 1.0) for step in range(100)]
    assert rates[:50] == [1.0] * 50
    assert rates[-1] == pytest.approx(0.03)
    assert rates == sorted(rates, reverse=True)


def test_a_setting_changes_at_its_share_of_the_steps_and_stays_until_the_next_change():
    values = [value_at(step, 10, 0.2, ((0.5, 0.1), (0.9, 0.0))) for step in range(10)]
    assert values == [0.2] * 5 + [0.1] * 4 + [0.0]
    assert value_at(0, 10, 0.2, ((0.0, 0.4),)) == 0.4
    assert value_at(7, 10, 0.2, ()) == 0.2
