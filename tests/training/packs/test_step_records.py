"""Test the records of steps, whose losses must be finite."""

import numpy as np
import pytest

from raygroup.errors import NotFiniteError
from raygroup.training.packs.step_records import step_records


def test_a_loss_that_is_not_finite_raises_with_its_name_and_step_after_the_sound_rows():
    sound = np.array([1.0] * 4 + [0.5, 0.5] + [1.0, 0.0, 0.2], np.float32)
    broken = sound.copy()
    broken[7] = float("nan")
    records = step_records(np.stack([sound, broken]), 41, 2, 2)
    assert next(records)[0] == 41
    with pytest.raises(NotFiniteError, match="step 42: the grouping loss is nan"):
        next(records)
