"""The price of a head at which each number of groups is the best.

DP-means (Kulis and Jordan, ICML 2012) opens a group if it gains more than a price, as a Chinese restaurant process does in the limit. With
exact scores of groups its optimum is the best grouping of one number of groups, so it needs no search of its own.
"""

import math
from collections.abc import Mapping


def price_ranges(best: Mapping[int, float]) -> dict[int, tuple[float, float]]:
    """Return the lowest and the highest price of a head for which a number of groups is the best.

    ``best`` has the best score for each number of groups. A number that is best at no price from 0 on is left out.
    """
    ranges: dict[int, tuple[float, float]] = {}
    for count, score in sorted(best.items()):
        low = max([0.0, *((best[more] - score) / (more - count) for more in best if more > count)])
        high = min([math.inf, *((score - best[fewer]) / (count - fewer) for fewer in best if fewer < count)])
        if low < high:
            ranges[count] = (low, high)
    return ranges
