import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from raygroup.randomness import generator

KEYS = st.tuples(st.integers(0, 5), st.sampled_from(["gumbel", "order", "crop"]), st.integers(0, 10**6))


def test_draws_of_a_key_do_not_depend_on_earlier_draws():
    first = generator(3, "gumbel", 17).random(8)
    generator(3, "gumbel", 16).random(1000)
    np.testing.assert_array_equal(generator(3, "gumbel", 17).random(8), first)


def test_equal_keys_draw_equal_numbers_in_another_process():
    script = "from raygroup.randomness import generator; print(generator(3, 'gumbel', 17).bytes(16).hex())"
    outputs = [subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert outputs == [generator(3, "gumbel", 17).bytes(16).hex() + "\n"] * 2


@settings(max_examples=50, deadline=None)
@given(KEYS, KEYS)
def test_other_keys_draw_other_numbers(one, other):
    assert (one == other) == (generator(*one).bytes(8) == generator(*other).bytes(8))


def test_the_parts_of_a_key_matter():
    assert generator("a", "bc").bytes(8) != generator("ab", "c").bytes(8)


def test_consecutive_steps_are_independent():
    numbers = np.array([generator(0, "gumbel", step).random() for step in range(4000)])
    assert abs(numbers.mean() - 0.5) < 0.02
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.05
