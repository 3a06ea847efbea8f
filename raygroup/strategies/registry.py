"""The list of strategies, one line each."""

from raygroup.errors import ConfigError
from raygroup.strategies.methods import (
    all_in_one,
    character_overlap,
    crp,
    dmtg,
    easyocr,
    gradient_cosine,
    gumbel,
    hoa,
    one_per_task,
    oracle,
    paddleocr,
    probe,
    random_draw,
    ridge,
    script_family,
    tag,
)
from raygroup.strategies.strategy import Strategy

_LISTED = (
    all_in_one.STRATEGY,
    one_per_task.STRATEGY,
    script_family.STRATEGY,
    paddleocr.STRATEGY,
    easyocr.STRATEGY,
    random_draw.STRATEGY,
    character_overlap.STRATEGY,
    gradient_cosine.STRATEGY,
    tag.STRATEGY,
    hoa.STRATEGY,
    ridge.STRATEGY,
    crp.STRATEGY,
    oracle.STRATEGY,
    gumbel.STRATEGY,
    dmtg.STRATEGY,
    probe.STRATEGY,
)
STRATEGIES: dict[str, Strategy] = {strategy.name: strategy for strategy in _LISTED}
"""Strategies by name, from those without training to those with most."""


def find_strategy(name: str) -> Strategy:
    """Return a strategy by name. Raises ConfigError with the names that there are."""
    if name not in STRATEGIES:
        raise ConfigError(f"no strategy '{name}'; there are: {', '.join(STRATEGIES)}")
    return STRATEGIES[name]
