"""Print the trials of a sweep on scenes."""

from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.text import Text

from raygroup.tables.spotter.spotter_trial import LAST_STEPS, SpotterTrialResult
from raygroup.terminal import Column, fitted_table, titled


def spotter_trials_table(name: str, trials: Sequence[SpotterTrialResult], width: int) -> RenderableType:
    """Return a table of finished trials: their losses, their speed and their time."""
    losses = [*dict.fromkeys(loss for trial in trials for loss in trial.losses)]
    columns = [
        Column("trial", shortest=10), Column("steps", right=True, rank=2),
        *(Column(loss.replace("_", " "), right=True) for loss in losses), Column("samples/s", right=True, rank=1),
        Column("time", right=True),
    ]  # fmt: skip
    rows = [
        [
            trial.label, str(trial.steps.step[-1]), *(f"{trial.losses[loss]:.3f}" if loss in trial.losses else "-" for loss in losses),
            f"{trial.samples_per_s:.1f}", f"{trial.training_s:.0f} s",
        ]
        for trial in trials
    ]  # fmt: skip
    title = f"{name}: detectors, and their mean losses over the last {LAST_STEPS} steps"
    return titled(title, fitted_table(columns, [list(map(Text, row)) for row in rows], width))


def print_weights(trials: Sequence[SpotterTrialResult], console: Console) -> None:
    """Print the weights file of each trial."""
    for trial in trials:
        console.print(f"{trial.label}: {trial.weights}", markup=False, soft_wrap=True)
