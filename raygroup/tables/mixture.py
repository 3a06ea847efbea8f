"""Print a mixture. Each data set has its probability and the number of draws."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from raygroup.terminal import print_table, table
from raygroup.words.mixtures import Mixture

_RULES = {"per_sample": "a ratio is that of one item", "per_dataset": "a ratio is that of a whole data set"}


def print_mixture(mixture: Mixture, steps: int, batch: int, out: Console) -> None:
    """Print what this many steps draw.

    The expected draws of an item are the epochs of its data set.
    """
    title = f"Mixture ({mixture.weighting}: {_RULES[mixture.weighting]}), draws in {steps:,} steps of {batch:,}"
    print_table(out, title, mixture_table(mixture, steps * batch))


def mixture_table(mixture: Mixture, draws: int) -> RichTable:
    """Return one row for each data set."""
    numbers = ("size", "ratio", "draw probability", "expected draws", "draws an item (epochs)")
    rows = table("data set", *numbers, right=numbers)
    columns = (mixture.names, mixture.sizes, mixture.ratios, mixture.probabilities, mixture.epochs(draws))
    for name, size, ratio, probability, epochs in zip(*columns, strict=True):
        rows.add_row(escape(name), f"{size:,}", f"{ratio:g}", f"{probability:.2%}", f"{draws * probability:,.0f}", f"{epochs:.3g}")
    return rows
