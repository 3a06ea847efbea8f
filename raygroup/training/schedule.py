"""Settings that change from step to step."""

from raygroup.config_sections import Changes


def learning_rate_at(step: int, steps: int, highest: float) -> float:
    """Return the learning rate of a step, counted from 0.

    It is ``highest`` for the first half of the steps. Then it falls linearly to about 1 % of
    ``highest``.
    """
    return highest * min(1.0, 2 * (1 - step / steps) + 0.01)


def value_at(step: int, steps: int, first: float, changes: Changes) -> float:
    """Return a setting's value at a step, counted from 0.

    ``changes`` are pairs of a share of the steps and the value from there on. Before the first of
    them the value is ``first``.
    """
    value = first
    for share, later in changes:
        if step >= share * steps:
            value = later
    return value
