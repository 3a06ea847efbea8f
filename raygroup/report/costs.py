"""The parts of a report on cost, faults and provenance."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from raygroup.errors import first_names
from raygroup.report.elements import Section, Table, columns, number_text
from raygroup.report.trial_facts import TrialFacts
from raygroup.storage.sweeps import TrialState
from raygroup.tables.sweep_result import SweepResult
from raygroup.terminal import seconds_text

_COST_NOTE = (
    "Times are minutes:seconds or hours:minutes:seconds. Training: time that steps took, without long pauses. Wall and processor time: of "
    "the last attempt alone, as the worker measured them. In a pack, which trains several trials at once, each has an equal share of the "
    "processor time."
)
_FAULT_NOTE = (
    "Resumed at: the step from which each later attempt went on. Lost: steps that were trained again, as far as the attempt before had "
    "reported them; a dash means that an earlier version did not record it. Stood still: time between stretches of steps."
)
_MOST_VALUES = 5


def costs_section(trials: Sequence[TrialFacts]) -> Section:
    """Return the time of each trial."""
    started = [trial for trial in trials if trial.history is not None]
    if not started:
        return Section("cost", "Cost", ("No trial has recorded a step.",))
    rows = tuple(map(_cost_cells, started))
    names = columns("trial", "#steps", "#steps/s", "#training", "#wall", "#processor", "#pack", "device")
    total_s = sum(trial.result.training_s for trial in started)
    cpu_s = [trial.outcome["cpu_s"] for trial in started if "cpu_s" in trial.outcome]
    line = f"Training of all trials: {seconds_text(total_s)}."
    line += f" Processor time of all finished trials: {seconds_text(sum(cpu_s))}." if cpu_s else ""
    return Section("cost", "Cost", (line,), (Table("Cost of each trial", names, rows, _COST_NOTE),))


def faults_section(trials: Sequence[TrialFacts]) -> Section:
    """Return the trials that failed, were interrupted, or took more than one attempt."""
    troubled = [trial for trial in trials if _is_troubled(trial)]
    if not troubled:
        return Section("faults", "Faults met", ("None: every trial that was started took one attempt, and none failed.",))
    names = columns("trial", "state", "#attempts", "resumed at", "#lost steps", "#stood still", "failure")
    rows = tuple(map(_fault_cells, troubled))
    line = f"{len(troubled)} of {len(trials)} trials failed or took more than one attempt."
    return Section("faults", "Faults met", (line,), (Table("Attempts and failures", names, rows, _FAULT_NOTE),))


def provenance_section(result: SweepResult, trials: Sequence[TrialFacts]) -> Section:
    """Return the versions, the commit and the inputs behind the numbers, each with the number of trials."""
    counts: dict[str, Counter[str]] = {}
    for trial in trials:
        for name, value in _provenance(trial):
            counts.setdefault(name, Counter())[value] += 1
    rows = [("data fingerprint", result.stored.data or "-", str(len(trials)))]
    rows += [(name, first_names(values, _MOST_VALUES), _counts_text(values)) for name, values in counts.items()]
    rows += [("prepared inputs", name, str(len(trials))) for name in sorted(result.stored.caches or ())]
    ids = tuple((trial.result.label, trial.result.id) for trial in trials)
    tables = (
        Table("Versions and inputs", columns("fact", "value", "#trials"), tuple(rows)),
        Table("Ids of the trials, which are also their folders", columns("trial", "id"), ids, is_folded=True),
    )
    return Section("provenance", "Provenance", tables=tables)


def _cost_cells(trial: TrialFacts) -> tuple[str, ...]:
    outcome = trial.outcome
    times = (trial.result.training_s, outcome.get("wall_s"), outcome.get("cpu_s"))
    return (
        trial.result.label, number_text(trial.steps), number_text(trial.steps_per_s, ".3g"),
        *("-" if time is None else seconds_text(time) for time in times), number_text(outcome.get("pack")),
        str(outcome.get("device", "-")),
    )  # fmt: skip


def _is_troubled(trial: TrialFacts) -> bool:
    return trial.result.state == TrialState.FAILED or trial.damage is not None or (trial.num_attempts or 1) > 1


def _fault_cells(trial: TrialFacts) -> tuple[str, ...]:
    resumed = [str(attempt["from_step"]) for attempt in trial.attempts[1:] if "from_step" in attempt]
    outcome = trial.outcome if trial.result.state == TrialState.FAILED else {}
    reason = f"step {outcome.get('step', '?')}: {outcome.get('reason', '')}" if outcome else ("damaged" if trial.damage else "-")
    paused = trial.paused_s
    return (
        trial.result.label, str(trial.result.state), number_text(trial.num_attempts), ", ".join(resumed) or "-",
        number_text(trial.lost_steps), "-" if paused is None else seconds_text(paused), reason,
    )  # fmt: skip


def _provenance(trial: TrialFacts) -> Iterator[tuple[str, str]]:
    metadata: dict[str, Any] = trial.history.metadata if trial.history is not None else {}
    for package, version in metadata.get("versions", {}).items():
        yield package, str(version)
    if metadata:
        yield "commit", str(metadata.get("git_commit") or "unknown")
    for name in ("device", "kernels"):
        if value := trial.outcome.get(name) or metadata.get(name):
            yield name, str(value)
    if weights := trial.config.get("weights"):
        yield "stage-1 weights", _last_parts(weights)
    if trial.settings is not None and (weights := getattr(trial.settings, "weights", None)) is not None:
        yield "weights as named", str(getattr(weights, "file", weights))


def _last_parts(path: str) -> str:
    """Return a path without the place of the storage path."""
    return "/".join(path.replace("\\", "/").split("/")[-2:])


def _counts_text(values: Counter[str]) -> str:
    return ", ".join(map(str, [*values.values()][:_MOST_VALUES]))
