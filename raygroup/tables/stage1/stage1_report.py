"""Print the trials of stage 1, and the scores of each task."""

from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.text import Text

from raygroup.tables.stage1.stage1_trial import Stage1TrialResult
from raygroup.terminal import Column, fitted_table, titled

SCORE_COLUMNS = (
    Column("unseen exact", right=True), Column("unseen 1-NED", right=True, rank=2), Column("new exact", right=True, rank=3),
    Column("new 1-NED", right=True, rank=4),
)  # fmt: skip
_TRIAL_COLUMNS = (
    Column("trial", shortest=10), Column("steps", right=True, rank=5), Column("recognition loss", right=True, rank=6), *SCORE_COLUMNS,
    Column("words/s", right=True, rank=7), Column("time", right=True, rank=1),
)  # fmt: skip
_TASK_COLUMNS = (
    Column("task", shortest=8), Column("words", right=True, rank=5), Column("unseen exact", right=True), Column("95 %", rank=6),
    *SCORE_COLUMNS[1:],
)  # fmt: skip
_MEASURES = tuple((split, measure) for split in ("unseen", "new") for measure in ("accuracy", "one_minus_ned"))


def stage1_trials_table(name: str, trials: Sequence[Stage1TrialResult], width: int) -> RenderableType:
    """Return a table of finished trials: their steps, last loss, mean scores over tasks, speed and time."""
    rows = [
        [
            trial.label, str(trial.steps.step[-1]), f"{trial.losses['recognition']:.3f}", *score_cells(trial),
            f"{trial.samples_per_s:.0f}", f"{trial.training_s:.0f} s",
        ]
        for trial in trials
    ]  # fmt: skip
    title = f"{name}: accuracy of each universal head, mean over tasks"
    return titled(title, fitted_table(_TRIAL_COLUMNS, [list(map(Text, row)) for row in rows], width))


def score_cells(trial: Stage1TrialResult) -> list[str]:
    """Return the mean scores of a trial for ``SCORE_COLUMNS``. They are empty before it is done."""
    return [_score_text(trial.mean_score(split, measure)) for split, measure in _MEASURES]


def print_stage1_tasks(trial: Stage1TrialResult, console: Console) -> None:
    """Print the scores of each task of a finished trial."""
    rows = [[Text(cell) for cell in _task_cells(trial, task)] for task in trial.scored_tasks]
    if rows:
        console.print(titled(f"by task: {trial.label}", fitted_table(_TASK_COLUMNS, rows, console.width)))


def _task_cells(trial: Stage1TrialResult, task: str) -> list[str]:
    unseen, new = (trial.head_scores.get(split, {}).get(task, {}) for split in ("unseen", "new"))
    low, high = unseen.get("exact_interval", (None, None))
    interval = "-" if low is None else f"{low:.2f}-{high:.2f}"
    words = f"{unseen.get('words', 0)} + {new.get('words', 0)}"
    scores = [unseen.get("exact"), unseen.get("one_minus_ned"), new.get("exact"), new.get("one_minus_ned")]
    first, *others = map(_score_text, scores)
    return [task, words, first, interval, *others]


def _score_text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
