"""Open the session of a pack.

It reads the trials, finds their newest common checkpoint, and starts their histories.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from torch import Tensor

from raygroup.config import Pretraining, Trial
from raygroup.files.places import Place
from raygroup.history.reader import read_attempt_metadata
from raygroup.history.sinks import Checksums
from raygroup.runtime.attempt.checkpoints import load_checkpoint
from raygroup.runtime.attempt.program import ProgramInputs
from raygroup.runtime.attempt.provenance import git_commit, versions
from raygroup.runtime.attempt.scene_inputs import DetectorInputs, SpotterInputs
from raygroup.runtime.attempt.session import Session, TrialAttempt, WorkerContext
from raygroup.runtime.attempt.word_program import WordInputs
from raygroup.runtime.stage1.program import UniversalInputs
from raygroup.search_space import AnyTrial, any_trial_from_json
from raygroup.spotting_config import Spotting
from raygroup.storage.checkpoint_index import drop_checkpoints_after, sound_steps
from raygroup.storage.identity import require_own_settings
from raygroup.storage.layout import CONFIG_FILE, HISTORY_FOLDER, PROGRESS_FILE
from raygroup.storage.leases import Lease
from raygroup.storage.records import intact_record, read_record

OnFailure = Callable[[Place, Exception], None]
"""Called with the folder of a trial that cannot be trained, and the error."""


@dataclass(frozen=True)
class _TrialInputs:
    """A trial as its config.json declares it."""

    trial: AnyTrial
    config: dict[str, Any]


@dataclass(frozen=True)
class _CommonCheckpoint:
    """The newest step at which all trials have a sound checkpoint. Step 0 is the beginning."""

    step: int = 0
    states: dict[Lease, dict[str, Tensor]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    """The facts stored in the checkpoint of the first trial."""
    histories: dict[Lease, Checksums] = field(default_factory=dict)


def open_session(leases: Sequence[Lease], context: WorkerContext, on_failure: OnFailure) -> Session | None:
    """Open a session for trials that share their words, or for one trial of stage 1 or on scenes.

    They start from their newest common checkpoint. Trials that cannot be trained go to
    ``on_failure``. Returns None if no trial is left. Every worker must call this.
    """
    group, placement = context.group, context.placement
    inputs: dict[Lease, _TrialInputs] = group.broadcast(
        _for_each_lease(leases, lambda lease: _read_inputs(lease, context), on_failure) if group.is_leader else None
    )
    if not inputs:
        return None
    first = next(iter(inputs.values()))
    checkpoint = _load_common_checkpoint(list(inputs), context)
    loaded = _load_program_inputs(first, checkpoint, context)
    facts = {**loaded.history_facts, "device": placement.device, "from_step": checkpoint.step}

    def start(lease: Lease) -> TrialAttempt:
        return _start_attempt(lease, inputs[lease], loaded, facts, checkpoint.histories.get(lease, {}), context)

    attempts: dict[Lease, TrialAttempt] = _for_each_lease(list(inputs), start, on_failure) if group.is_leader else {}
    started: list[Lease] = group.broadcast(list(attempts))
    if not started:
        return None
    attempts = attempts or {lease: TrialAttempt(lease.folder, inputs[lease].trial, lease, None, {}) for lease in started}
    try:
        program = loaded.start([inputs[lease].trial for lease in started], [inputs[lease].config.get("start") for lease in started])
        if checkpoint.step:
            program.restore(checkpoint.step, [checkpoint.states[lease] for lease in started])
    except BaseException:
        for attempt in attempts.values():
            attempt.close()
        raise
    return Session(context, program, list(attempts.values()), program.step)


def _read_inputs(lease: Lease, context: WorkerContext) -> _TrialInputs:
    """Read a trial's settings. Raises OtherTrialError if they, or those in its histories, are another trial's."""
    path = lease.folder / CONFIG_FILE
    config = context.retry(lambda: read_record(path))
    require_own_settings(lease.folder, path, config["trial"], config["data"])
    histories = context.retry(lambda: read_attempt_metadata(lease.folder)).values()
    for metadata in (metadata for metadata in histories if {"config", "data"} <= metadata.keys()):
        require_own_settings(lease.folder, lease.folder / HISTORY_FOLDER, metadata["config"], metadata["data"])
    config |= {name: str(PurePosixPath(config[name])) for name in ("store", "features", "scenes") if name in config}
    return _TrialInputs(any_trial_from_json(config["trial"]), config)


def _load_program_inputs(first: _TrialInputs, checkpoint: _CommonCheckpoint, context: WorkerContext) -> ProgramInputs:
    """Load what the trials of a pack share. ``first`` is any of them."""
    if isinstance(first.trial, Trial):
        return WordInputs(first.trial, first.config, context, checkpoint.facts.get("kernels"))
    if isinstance(first.trial, Pretraining):
        return UniversalInputs(first.trial, first.config, context)
    if isinstance(first.trial, Spotting):
        return SpotterInputs(first.config, context)
    return DetectorInputs(first.config, context)


def _load_common_checkpoint(leases: Sequence[Lease], context: WorkerContext) -> _CommonCheckpoint:
    group, retry = context.group, context.retry
    sound = (retry(functools.partial(sound_steps, lease.folder)) for lease in leases if group.is_leader)
    step = group.broadcast(max(set.intersection(*sound), default=0) if group.is_leader else 0)
    if not step:
        return _CommonCheckpoint()
    checkpoints = {lease: retry(functools.partial(load_checkpoint, lease.folder, step)) for lease in leases}
    return _CommonCheckpoint(
        step,
        {lease: state for lease, (state, _, _) in checkpoints.items()},
        checkpoints[leases[0]][1],
        {lease: history for lease, (_, _, history) in checkpoints.items()},
    )


def _for_each_lease(leases: Sequence[Lease], work: Callable[[Lease], Any], on_failure: OnFailure) -> dict[Lease, Any]:
    """Return the result of each trial. A trial that fails does not keep the others from training."""
    results = {}
    for lease in leases:
        try:
            results[lease] = work(lease)
        except Exception as error:
            on_failure(lease.folder, error)
    return results


def _start_attempt(
    lease: Lease, inputs: _TrialInputs, loaded: ProgramInputs, facts: dict[str, Any], earlier: Checksums, context: WorkerContext
) -> TrialAttempt:
    config = inputs.config
    metadata = {
        "config": config["trial"], "label": config["label"], "data": config["data"], "versions": versions(), "git_commit": git_commit(),
        **facts,
    }  # fmt: skip

    def begin() -> None:
        with lease.guard():
            drop_checkpoints_after(lease.folder, facts["from_step"])
        trained = int(intact_record(lease.folder / PROGRESS_FILE).get("step", 0))
        lease.note(from_step=facts["from_step"], lost_steps=max(trained - facts["from_step"], 0))

    context.retry(begin)
    history = loaded.open_history(lease, inputs.trial, metadata)
    return TrialAttempt(lease.folder, inputs.trial, lease, history, earlier)
