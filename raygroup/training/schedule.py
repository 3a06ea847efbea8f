"""The learning-rate schedule of stages 1 and 2."""


def learning_rate_at(step: int, steps: int, highest: float) -> float:
    """Return the learning rate of a step, counted from 0.

    It is ``highest`` for the first half of the steps. Then it falls linearly to about 1 % of
    ``highest``.
    """
    return highest * min(1.0, 2 * (1 - step / steps) + 0.01)
