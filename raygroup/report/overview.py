"""The first lines of a report: the state of the sweep, what is missing, and the trial to ship."""

from collections import Counter
from collections.abc import Iterator, Sequence

from raygroup.errors import first_names
from raygroup.report.elements import Section
from raygroup.report.trial_facts import TrialFacts
from raygroup.search_space import GROUP_HEADS, STAGE_1
from raygroup.storage.sweeps import TrialState
from raygroup.tables.sweep_result import SweepResult

_MOST_NAMED = 5
"""Trials that a line names one by one."""


def page_facts(result: SweepResult, trials: Sequence[TrialFacts]) -> tuple[tuple[str, str], ...]:
    """Return the names and values of the first lines."""
    states = Counter(str(trial.result.state) for trial in trials)
    values = {
        "trials": ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none",
        "trains on": "words (stage 1)" if result.stored.trains_on == STAGE_1 else result.stored.trains_on,
        "declared": _time_text(result.stored.written_at),
        "last trial done": _time_text(result.stored.finished_at),
    }
    return tuple((name, value) for name, value in values.items() if value)


def missing_lines(result: SweepResult, trials: Sequence[TrialFacts]) -> tuple[str, ...]:
    """Return a line for everything that the page lacks."""
    return tuple(_missing(result, trials))


def recommendation(result: SweepResult) -> Section:
    """Return the trial to ship and the trials that cannot be told apart from it, as the summary of the sweep says."""
    title = "The trial to ship"
    choice = result.choice
    if choice is None:
        return Section("recommendation", title, (_why_no_choice(result),))
    lines = (choice.title(), f"Grouping: {choice.trial.groups}", *choice.caveats())
    return Section("recommendation", title, lines, code=f"python -m raygroup.export {result.name} OUT --best")


def _missing(result: SweepResult, trials: Sequence[TrialFacts]) -> Iterator[str]:
    if not trials:
        yield "The sweep declares no trial."
    elif not result.done:
        yield "No trial is done, so there are no scores yet."
    for state in (TrialState.UNFINISHED, TrialState.NOT_STARTED, TrialState.FAILED):
        labels = [trial.result.label for trial in trials if trial.result.state == state]
        if labels:
            verb = "is" if len(labels) == 1 else "are"
            verb = ("has" if len(labels) == 1 else "have") if state == TrialState.FAILED else verb
            yield f"{len(labels)} of {len(trials)} trials {verb} {state}: {first_names(labels, _MOST_NAMED)}."
    for line in dict.fromkeys((*result.stored.damage, *(trial.damage for trial in trials if trial.damage))):
        yield line.replace(f"{result.folder.parent}/", "")  # where the storage path lies is nobody's business


def _why_no_choice(result: SweepResult) -> str:
    if result.stored.trains_on_scenes:
        return (
            "Trials on scenes have no word scores, and losses alone choose none: compare their detectors with raygroup.export --detector."
        )
    if result.stored.trains_on == STAGE_1:
        return "Trials of stage 1 are not shipped: stage 2 starts from their weights."
    if result.stored.trains_on == GROUP_HEADS:
        return "Banks of group heads are not shipped: they are evidence for groupings."
    if not result.done:
        return "There is none yet, because no trial is done."
    return "There is none, because no finished trial was tested on unseen words."


def _time_text(iso: str) -> str:
    """Return an ISO time without its fractions."""
    return iso.replace("T", " ").partition(".")[0].replace("+00:00", " UTC")
