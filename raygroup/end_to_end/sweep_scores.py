"""Score every finished trial of a sweep end to end. ``raygroup.score_end_to_end`` is ``score_end_to_end``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from raygroup.end_to_end.detector import NamedDetector, open_detector
from raygroup.end_to_end.found_words import FoundScenes, find_words
from raygroup.end_to_end.labelled_scenes import LabelledScenes, open_labelled_scenes
from raygroup.end_to_end.trial_score import PROTOCOL, score_trial
from raygroup.errors import ConfigError, RaygroupError, first_names
from raygroup.export.trial_model import load_trial_model
from raygroup.files.atomic import write_json
from raygroup.files.places import Place, local_path, place
from raygroup.runs.find import find_sweep
from raygroup.search_space import GROUP_HEADS, SCENES
from raygroup.storage.layout import END_TO_END_FILE
from raygroup.storage.records import intact_record
from raygroup.storage.sweeps import StoredSweep, StoredTrial, TrialState

_MOST_NAMED = 6
"""Skipped trials that a line names one by one."""
ReportProgress = Callable[[str, int, int], None]
"""Called with the name of the work, and the numbers of scenes or trials done and in all."""


@dataclass(frozen=True, kw_only=True)
class SweepScores:
    """The end-to-end scores of the trials of a sweep."""

    sweep: str
    scored: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Label of a trial -> content of its ``end_to_end.json``, written by this call."""
    present: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The same for trials that had a score on these scenes already."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Label -> reason why a declared trial has no score."""

    problems: Mapping[str, int] = field(default_factory=dict)
    """Problem of the scenes or their labels -> number of its occurrences."""

    def lines(self) -> list[str]:
        """Return sentences for a user: what was scored, what was skipped and why, and what is wrong with the scenes."""
        numbers = {"scored end to end": self.scored, "scored before": self.present, "skipped": self.skipped}
        counts = ", ".join(f"{len(trials)} {name}" for name, trials in numbers.items() if trials)
        score = next(iter((self.scored or self.present).values()))
        scenes = f"{score['images']} scenes with {score['words']} words score, {score['thresholds']['images']} others chose thresholds"
        labels_of: dict[str, list[str]] = {}
        for label, reason in self.skipped.items():
            labels_of.setdefault(reason, []).append(label)
        skipped = [f"skipped: {first_names(labels, _MOST_NAMED)}: {reason}" for reason, labels in labels_of.items()]
        problems = ", ".join(f"{kind} ({count})" for kind, count in self.problems.items())
        return [f"trials of {self.sweep}: {counts}; {scenes}", *skipped, *([f"in the scenes: {problems}"] if problems else [])]


def score_end_to_end(
    storage_path: Place | str, sweep: str, scenes: str | Path, detector: str | Path | None = None, *,
    progress: ReportProgress = lambda work, done, total: None,
) -> SweepScores:  # fmt: skip
    """Score the whole spotter with the heads of each finished trial of a sweep on words.

    A detector finds the words of labelled scenes once, and the heads of every trial read them. A quarter of the scenes chooses each
    trial's thresholds, and the others score. The score goes to ``end_to_end.json`` in the trial's folder. A trial that has one for the
    same scenes and detector keeps it. ``scenes`` is an import of ``raygroup.data`` or a data set that it can import. ``detector`` is that
    of ``open_detector``. Raises ConfigError if an input cannot be used or no trial can be scored.
    """
    storage = place(storage_path)
    stored = find_sweep(sweep, [storage])
    trials = _word_trials(stored)
    labelled, opened = open_labelled_scenes(local_path(scenes)), open_detector(detector, storage)
    present = {trial.label: score for trial in trials if (score := _stored_score(trial, labelled, opened))}
    due = [trial for trial in trials if trial.label not in present]
    scored, failed = _score_trials(storage, due, labelled, opened, progress) if due else ({}, {})
    if not scored and not present:
        raise ConfigError(f"no trial of {sweep} was scored: {next(iter(failed.values()))}")
    unfinished = {trial.label: f"the trial is {trial.state}" for trial in stored.trials if trial.declared and trial not in trials}
    return SweepScores(sweep=sweep, scored=scored, present=present, skipped=failed | unfinished, problems=labelled.problems)


def _score_trials(
    storage: Place, trials: Sequence[StoredTrial], labelled: LabelledScenes, detector: NamedDetector, progress: ReportProgress
) -> tuple[dict[str, Mapping[str, Any]], dict[str, str]]:
    """Score trials and write their scores. Returns the scores by label, and the reasons of trials that cannot be scored."""
    found = find_words(storage, labelled, detector, lambda done, total: progress("scenes searched for words", done, total))
    scored: dict[str, Mapping[str, Any]] = {}
    failed: dict[str, str] = {}
    for number, trial in enumerate(trials, start=1):
        try:
            scored[trial.label] = _write_score(trial, found)
        except RaygroupError as error:
            failed[trial.label] = str(error)
        progress("trials scored", number, len(trials))
    return scored, failed


def _word_trials(sweep: StoredSweep) -> Sequence[StoredTrial]:
    """Return the finished trials. Raises ConfigError if the sweep trains on scenes or group heads, or if none is finished."""
    if sweep.trains_on in (SCENES, GROUP_HEADS):
        raise ConfigError(
            f"sweep '{sweep.name}' trains {'on ' * sweep.trains_on_scenes}{sweep.trains_on}: end-to-end scores are those of sweeps on words"
        )
    trials = sweep.in_state(TrialState.DONE)
    if not trials:
        raise ConfigError(f"sweep '{sweep.name}' has no finished trial: run its command to finish it")
    return trials


def _stored_score(trial: StoredTrial, scenes: LabelledScenes, detector: NamedDetector) -> Mapping[str, Any] | None:
    """Return a trial's score if it has one by this protocol for the same scenes and detector."""
    score = intact_record(trial.folder / END_TO_END_FILE)
    conditions = (score.get("scenes"), score.get("protocol"), score.get("detector", {}).get("hash"))
    return score if conditions == (scenes.fingerprint, PROTOCOL, detector.hash) else None


def _write_score(trial: StoredTrial, found: FoundScenes) -> Mapping[str, Any]:
    score = score_trial(load_trial_model(trial).package, found).to_json()
    detector = {"name": found.detector.name, "hash": found.detector.hash}
    content = {"scenes": found.labelled.fingerprint, "detector": detector, **score}
    write_json(trial.folder / END_TO_END_FILE, content)
    return content
