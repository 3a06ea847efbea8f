"""The figures of a report. Of a large sweep they show the best trials alone."""

from collections.abc import Sequence
from dataclasses import replace

from raygroup.figures.assignment import assignment_figure
from raygroup.figures.report.inline_svg import inline_svg
from raygroup.figures.report.losses import losses_figure
from raygroup.figures.report.scores import ScoredRow, scores_figure, task_scores_figure
from raygroup.figures.sweep_timeline import sweep_figure
from raygroup.history.reader import History
from raygroup.history.spotter_history import SpotterHistory
from raygroup.report.elements import Picture, Section
from raygroup.report.trial_facts import TrialFacts
from raygroup.tables.sweep_result import SweepResult

_MOST_BARS = 20
"""Most trials that a figure with one row for each trial shows."""


def scores_pictures(result: SweepResult, trials: Sequence[TrialFacts]) -> tuple[Picture, ...]:
    """Return the figure of the scores of the best trials."""
    choice = result.choice
    if choice is None or choice.num_trials < 2:
        return ()
    alike = {trial.id for trial in (choice.trial, *choice.ties)}
    scored = [(trial.result, trial.unseen) for trial in _best_first(trials) if trial.unseen is not None][:_MOST_BARS]
    rows = [ScoredRow(trial.label, {"unseen": score}, f"{score.mean:.3f}", strong=trial.id in alike) for trial, score in scored]
    figure = scores_figure(rows, ("unseen",), "mean exact match on unseen words, with 95 % intervals over words")
    which = f"The best {len(rows)} of {choice.num_trials} trials" if choice.num_trials > len(rows) else "All scored trials"
    caption = f"{which}. Blue: the trial to ship and those that cannot be told apart from it. Grey: clearly lower."
    return (Picture(inline_svg(figure, "scores", "Mean exact match of each trial", caption), caption),)


def task_pictures(result: SweepResult) -> tuple[Picture, ...]:
    """Return the figure of accuracy by language of the trial that the page shows."""
    if not result.stored.learns_groupings or result.shown is None or not result.shown.task_results():
        return ()
    results, label = result.shown.task_results(), result.shown.label
    caption = f"Exact match by language of {label}: unseen words, and new images of training words."
    return (Picture(inline_svg(task_scores_figure(results), "languages", "Accuracy by language", caption), caption),)


def assignment_section(trials: Sequence[TrialFacts], most: int) -> Section | None:
    """Return the assignment over steps of at most so many trials, the best first. Of trials on scenes, return their losses."""
    recorded = [trial for trial in _best_first(trials) if trial.history is not None]
    shown = recorded[:most]
    if not shown:
        return None
    lines = (f"Figures of the best {len(shown)} of {len(recorded)} trials keep this page small.",) if len(recorded) > len(shown) else ()
    if histories := [(trial.result.label, trial.history) for trial in shown if isinstance(trial.history, SpotterHistory)]:
        caption = "Losses over steps. Long histories are averaged over windows."
        svg = inline_svg(losses_figure(histories), "losses", "Losses over steps", caption)
        return Section("losses", "Losses over steps", lines, pictures=(Picture(svg, caption),))
    pictures = tuple(_assignment(trial, number) for number, trial in enumerate(shown))
    return Section("assignments", "Assignment over steps", lines, pictures=pictures)


def timeline_pictures(trials: Sequence[TrialFacts]) -> tuple[Picture, ...]:
    """Return the figure of when trials on words ran, and how fast."""
    recorded = [trial for trial in trials if isinstance(trial.history, History)]
    if not recorded:
        return ()
    shown = recorded[:_MOST_BARS]
    which = f"The first {len(shown)} of {len(recorded)} trials" if len(recorded) > len(shown) else "Trials"
    caption = f"{which}: when they ran, and how fast. Gaps are interruptions. Blue: done. Orange-red: failed. Grey: unfinished."
    figure = sweep_figure([trial.view for trial in shown])
    return (Picture(inline_svg(figure, "timeline", "When trials ran", caption), caption),)


def with_pictures(section: Section, pictures: tuple[Picture, ...]) -> Section:
    """Return a section with these pictures."""
    return replace(section, pictures=pictures)


def _assignment(trial: TrialFacts, number: int) -> Picture:
    history, label = trial.history, trial.result.label
    assert isinstance(history, History)
    caption = f"{label}: the colour of a row is the head that a task is on. It is paler where the assignment is unsure."
    if not trial.is_readable:
        caption += f" State of this trial: {trial.result.state}."
    figure = assignment_figure(history, label)
    return Picture(inline_svg(figure, f"assignment{number}", f"Assignment over steps of {label}", caption), caption)


def _best_first(trials: Sequence[TrialFacts]) -> list[TrialFacts]:
    """Return trials by mean exact match on unseen words, then finished ones, then the others, each in their order."""
    return sorted(trials, key=lambda trial: (-trial.unseen.mean if trial.unseen else 1.0, not trial.is_readable))
