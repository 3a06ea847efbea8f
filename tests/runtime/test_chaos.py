"""Killing processes of a sweep at random does not change its results."""

import random

import pytest
from chaos import Chaos

KILLS = 20


@pytest.mark.slow
def test_twenty_processes_killed_at_random_cost_nothing_but_time(prepared):
    done = Chaos(prepared, KILLS, seed=random.randrange(10**6)).run()
    assert done.killed.total() >= KILLS
    assert done.trials >= 4
    assert done.differing == []
