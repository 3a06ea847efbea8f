"""The probability by chance, from all rearrangements or from drawn ones."""

DRAWS = 10_000
"""Rearrangements that are drawn if there are too many to list."""
ROUNDING = 1e-9
"""Two statistics that differ by less are equal."""


def permutation_p(reached: float, total: float, *, exact: bool) -> float:
    """Return the share of rearrangements that reach the statistic of the data.

    Drawn ones are not ``exact``. The data then count as one more draw, so that p is never 0.
    """
    return reached / total if exact else (reached + 1) / (total + 1)
