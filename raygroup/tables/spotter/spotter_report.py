"""Print the trials of a sweep on scenes."""

from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.text import Text

from raygroup.tables.spotter.spotter_trial import LAST_STEPS, SpotterTrialResult, computed_losses
from raygroup.terminal import Column, fitted_table, titled

_MOST_LOSSES = 3
"""Losses that every terminal has room for."""
_FIRST_LEFT_OUT = {"box_change": 9, "dice": 8, "box_score": 7, "mask": 6, "language": 5, "grouping": 4, "distillation": 3}
"""Loss -> its rank among the columns that a narrow terminal leaves out."""


def spotter_trials_table(name: str, trials: Sequence[SpotterTrialResult], width: int) -> RenderableType:
    """Return a table of finished trials: their groupings if they have some, their losses, their speed and their time."""
    losses = computed_losses(trial.losses for trial in trials)
    has_grouping = any(trial.has_grouping for trial in trials)
    columns = [
        Column("trial", shortest=10), *([Column("grouping", shortest=16)] if has_grouping else []), Column("steps", right=True, rank=2),
        *loss_columns(losses), Column("samples/s", right=True, rank=1), Column("time", right=True),
    ]  # fmt: skip
    rows = [
        [
            trial.label, *([str(trial.groups)] if has_grouping else []), str(trial.steps.step[-1]),
            *(f"{trial.losses[loss]:.3f}" if loss in trial.losses else "-" for loss in losses),
            f"{trial.samples_per_s:.1f}", f"{trial.training_s:.0f} s",
        ]
        for trial in trials
    ]  # fmt: skip
    title = f"{name}: {'whole spotters' if has_grouping else 'detectors'}, and their mean losses over the last {LAST_STEPS} steps"
    return titled(title, fitted_table(columns, [list(map(Text, row)) for row in rows], width))


def loss_columns(losses: Sequence[str]) -> list[Column]:
    """Return a column for each loss. Where there are many, a narrow terminal leaves out those of the map, the boxes and the masks first."""
    return [
        Column(loss.replace("_", " "), right=True, rank=_FIRST_LEFT_OUT.get(loss, 0) if len(losses) > _MOST_LOSSES else 0)
        for loss in losses
    ]


def print_weights(trials: Sequence[SpotterTrialResult], console: Console) -> None:
    """Print the weights file of each trial."""
    for trial in trials:
        console.print(f"{trial.label}: {trial.weights}", markup=False, soft_wrap=True)
