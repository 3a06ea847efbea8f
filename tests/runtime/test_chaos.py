"""Killing processes of a sweep at random does not change its results."""

import random

import pytest
from chaos import Chaos

KILLS = 8


@pytest.mark.slow
@pytest.mark.long
def test_killing_processes_at_random_does_not_change_histories(prepared):
    chaos = Chaos(prepared, KILLS, seed=random.randrange(10**6)).run()
    assert chaos.killed.total() >= KILLS
    assert chaos.trials >= 4
    assert chaos.differing == []
