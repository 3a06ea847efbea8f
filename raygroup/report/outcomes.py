"""The part of a report on what came out: groupings, scores and losses of each trial."""

from collections.abc import Sequence

from raygroup.report.elements import Section, Table, columns, number_text
from raygroup.report.trial_facts import TrialFacts
from raygroup.scoring.word_intervals import WordInterval
from raygroup.search_space import GROUP_HEADS
from raygroup.tables.group_heads.bank_report import NOTE, bank_cells
from raygroup.tables.spotter.spotter_trial import LAST_STEPS, SpotterTrialResult
from raygroup.tables.sweep_result import SweepResult, bank_trials
from raygroup.tables.trial_choice import unseen_score
from raygroup.tables.trial_result import TESTED_SPLITS, TrialResult, mean_score

_SCORE_NOTE = (
    "Scores: mean over tasks of words routed by each trial's own classifier, with 95 % intervals over words. Decided: mean of max P_TM "
    "after the last step. Settled: the step from which the last grouping stood. The trial to ship is marked."
)


def outcomes_section(result: SweepResult, trials: Sequence[TrialFacts]) -> Section:
    """Return the table of trials, and for trials on words the table of groupings."""
    readable = [trial.result for trial in trials if trial.is_readable]
    title = "What came out"
    if not readable:
        return Section("outcomes", title, ("No finished trial can be read.",))
    if result.stored.trains_on == GROUP_HEADS:
        return Section("outcomes", title, tables=(_banks_table(readable),))
    if not result.stored.learns_groupings:
        return Section("outcomes", title, tables=(_losses_table(readable),))
    return Section("outcomes", title, tables=(_scores_table(result, readable), _groupings_table(readable)))


def interval_text(interval: WordInterval | None) -> str:
    """Return a score with its interval for a cell."""
    return "-" if interval is None else f"{interval.mean:.3f} ({interval.low:.2f}\N{EN DASH}{interval.high:.2f})"


def _scores_table(result: SweepResult, trials: Sequence[TrialResult]) -> Table:
    names = columns(
        "trial", "grouping", "#decided", "#settled at", "#new 1-NED", "#new exact", "#unseen 1-NED", "#unseen exact", "worst task"
    )
    marked = frozenset(row for row, trial in enumerate(trials) if result.best is not None and trial.id == result.best.id)
    return Table("Trials", names, tuple(map(_score_cells, trials)), _SCORE_NOTE, marked)


def _score_cells(trial: TrialResult) -> tuple[str, ...]:
    new, unseen = (mean_score(trial.scores(split)) for split in TESTED_SPLITS)
    worst = trial.worst_task
    return (
        trial.label, str(trial.groups), f"{trial.decisiveness:.2f}", str(trial.settling_step), number_text(new.one_minus_ned, ".3f"),
        number_text(new.accuracy, ".3f"), number_text(unseen.one_minus_ned, ".3f"), interval_text(unseen_score(trial)),
        f"{worst.task} {trial.worst_one_minus_ned:.3f} on {worst.split} words" if worst else "-",
    )  # fmt: skip


def _groupings_table(trials: Sequence[TrialResult]) -> Table:
    """Return one row for each distinct grouping, the most frequent first."""
    by_grouping: dict[str, list[TrialResult]] = {}
    for trial in trials:
        by_grouping.setdefault(str(trial.groups), []).append(trial)
    ordered = sorted(by_grouping.items(), key=lambda item: -len(item[1]))
    rows = tuple((grouping, str(len(members)), ", ".join(member.label for member in members)) for grouping, members in ordered)
    return Table("Groupings", columns("grouping", "#trials", "which"), rows)


def _banks_table(trials: Sequence[TrialResult]) -> Table:
    names = columns("trial", "#group heads", "#new 1-NED", "#unseen 1-NED", "#unseen exact", "#unseen NLL", "#time")
    return Table("Banks", names, tuple(map(bank_cells, bank_trials(trials))), f"{NOTE[0].upper()}{NOTE[1:]}.")


def _losses_table(trials: Sequence[TrialResult]) -> Table:
    on_scenes = [trial for trial in trials if isinstance(trial, SpotterTrialResult)]
    losses = [*dict.fromkeys(loss for trial in on_scenes for loss in trial.losses)]
    rows = tuple(
        (
            trial.label, str(trial.steps.step[-1]), *(number_text(trial.losses.get(loss), ".3f") for loss in losses), trial.weights.name,
        )
        for trial in on_scenes
    )  # fmt: skip
    names = columns("trial", "#steps", *(f"#{loss.replace('_', ' ')}" for loss in losses), "weights")
    return Table("Trials", names, rows, f"Losses: mean over the last {LAST_STEPS} steps. Weights: a file in the trial's folder.")
