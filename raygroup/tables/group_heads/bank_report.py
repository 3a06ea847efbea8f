"""Print banks of group heads, and which groups are trained."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from raygroup.errors import first_names
from raygroup.storage.sweeps import StoredSweep, TrialState
from raygroup.tables.group_heads.bank_trial import BankTrialResult
from raygroup.tables.group_heads.group_cache import GroupCache, group_cache
from raygroup.terminal import Column, fitted_table, titled

NOTE = (
    "banks of group heads: each head learns and reads the words of its own group; scores are means over heads and tasks, and no bank is a "
    "grouping"
)
COLUMNS = (
    Column("trial", shortest=16), Column("group heads", right=True), Column("new 1-NED", right=True, rank=3),
    Column("unseen 1-NED", right=True), Column("unseen exact", right=True, rank=2), Column("unseen NLL", right=True, rank=1),
    Column("time", right=True, rank=4),
)  # fmt: skip
_MEASURES = (("new", "one_minus_ned"), ("unseen", "one_minus_ned"), ("unseen", "accuracy"), ("unseen", "nll"))
_MOST_NAMED = 6


def banks_table(title: str, trials: Sequence[BankTrialResult], width: int) -> RenderableType:
    """Return a table of finished banks."""
    rows = [[Text(cell) for cell in bank_cells(trial)] for trial in trials]
    return titled(f"{title}: {NOTE}", fitted_table(COLUMNS, rows, width))


def bank_cells(trial: BankTrialResult) -> tuple[str, ...]:
    """Return the cells of a finished bank for ``COLUMNS``."""
    scores = (trial.mean_score(*measure) for measure in _MEASURES)
    return (
        trial.label, str(len(trial.group_names)), *("-" if score is None else f"{score:.3f}" for score in scores),
        f"{trial.training_s:.0f} s",
    )  # fmt: skip


def sweep_lines(sweep: StoredSweep) -> Iterator[str]:
    """Yield what the finished banks of a sweep answer: which groups have a head, or where a new task belongs."""
    if any(trial.bank_settings().heads.start == "trained" for trial in sweep.in_state(TrialState.DONE)):
        yield f"where a new task belongs: python -m raygroup.choose {sweep.name} --add TASK"
    else:
        yield from coverage_lines(group_cache([sweep]))


def coverage_lines(cache: GroupCache) -> Iterator[str]:
    """Yield a line for each seed: how many groups have a head, and which are missing."""
    for seed in cache.seeds:
        missing = cache.missing[seed]
        present = len(cache.groups_of(seed))
        rest = f"; missing: {first_names(missing, _MOST_NAMED)}" if missing else ""
        yield f"seed {seed}: {present} of {present + len(missing)} groups of {len(cache.tasks)} tasks have a head{rest}"
