"""Train the trunk and the universal head of recognisers (stage 1). ``pretrain`` is the command's Python twin."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.config import Pretraining
from raygroup.errors import ConfigError
from raygroup.files.places import local_path
from raygroup.terminal import console, print_line
from raygroup.values import BAD_SHARE, STEPS

if TYPE_CHECKING:
    from rich.console import Console

    from raygroup.runtime.attempt.training_checkpoints import TrainingCheckpoints
    from raygroup.runtime.stage1.result import PretrainingResult
    from raygroup.runtime.stage1.word_inputs import Stage1Inputs
    from raygroup.runtime.stage1.words import Stage1Words
    from raygroup.training.held_out import HeldOutCurve
    from raygroup.training.universal_start import UniversalStart
    from raygroup.training.universal_weights import UniversalModel


def pretrain(
    settings: Pretraining, out: Path | str, *, words: Path | str | None = None, lists: Iterable[tuple[str, Path | str]] = (),
    start: Path | str | None = None, storage_path: Path | str = "runs", fonts: Path | str | None = None, bad_share: float = BAD_SHARE,
    checkpoint_every: int | None = None, progress: bool = False,
) -> "PretrainingResult":  # fmt: skip
    """Prepare the words, train, score new images and unseen words, and write the weights file.

    ``words`` is what ``--words`` takes, and ``lists`` are pairs of a task and a word list. Both replace the words that the settings
    would render. ``start`` takes the place of the settings' own ``start``: ``laptop``, ``spotter`` or a weights file to begin with. The
    scores are also in the file. Every ``checkpoint_every`` steps (those of the settings by default) the training is kept in the folder
    ``OUT.training``, and the same call continues from there, with the same weights bit for bit.

    Raises ConfigError for words, lists, fonts, weights, a storage path or an ``out`` that cannot be used, OSError if one of them fails
    later, and KeyboardInterrupt.
    """
    from rich.console import Console

    from raygroup.runtime.attempt.training_checkpoints import lock_result
    from raygroup.runtime.stage1.word_inputs import Stage1Inputs
    from raygroup.storage.locks import require_writable
    from raygroup.words.rendering.own_lists import read_own_lists

    every = settings.checkpoint_every if checkpoint_every is None else checkpoint_every
    STEPS.require("--checkpoint-every", every)
    storage, out = local_path(storage_path), local_path(out)
    require_writable(storage)
    screen = console() if progress else Console(quiet=True)
    inputs = Stage1Inputs(
        words=local_path(words) if words else None, lists=read_own_lists((name, local_path(file)) for name, file in lists),
        fonts=local_path(fonts) if fonts else None, bad_share=bad_share,
    )  # fmt: skip
    if settings.words.source != "rendered" and inputs.words is None:
        raise ConfigError(f"words.source is {settings.words.source!r}: pass words of {settings.words.source} with --words PATH")
    first_weights = _starting_weights(start, settings)
    with lock_result(out) as folder:
        return _pretrain(settings, inputs, first_weights, (out, folder, storage), every, screen)


def _starting_weights(start: Path | str | None, settings: Pretraining) -> "UniversalStart | None":
    name, setting = (settings.start, "start") if start is None else (str(start), "--from")
    if not name:
        return None
    from raygroup.runtime.stage1.start import require_start_fits, start_file
    from raygroup.training.universal_start import load_start

    file = start_file(name, setting)
    require_start_fits(settings, file, setting)
    return load_start(file)


def _pretrain(
    settings: Pretraining, inputs: "Stage1Inputs", start: "UniversalStart | None", places: tuple[Path, Path, Path], every: int,
    screen: "Console",
) -> "PretrainingResult":  # fmt: skip
    """Train with the locked result ``places``: the weights file, its folder of checkpoints, and the storage path."""
    from raygroup.runtime.progress import progress_bars
    from raygroup.runtime.stage1.report import print_inputs
    from raygroup.runtime.stage1.result import PretrainingResult
    from raygroup.runtime.stage1.word_inputs import prepare_stage1_words
    from raygroup.training.held_out import convergence
    from raygroup.training.stage1_scores import exact_by_task, score_universal
    from raygroup.training.universal_start import known_characters, start_hash
    from raygroup.training.universal_weights import save_universal

    out, folder, storage = places
    with progress_bars(screen) as show_progress:
        words = prepare_stage1_words(settings, inputs, storage, show_progress)
    print_inputs(words, inputs, known_characters(start, settings), screen, from_nothing=start is None)
    inputs_hashes = {"data": words.data} if start is None else {"data": words.data, "start": start_hash(start)}
    checkpoints = open_checkpoints(folder, settings, inputs_hashes, every, screen)
    universal, curve = _train(words, settings, start, checkpoints, screen)
    scores = score_universal(universal, words.tested)
    save_universal(out, universal, {**checkpoints.identity, "scores": scores, "held_out": curve.to_json()})
    checkpoints.delete()
    judged_steps = settings.steps or settings.head_steps  # those of the trunk, unless the head is trained alone
    return PretrainingResult(out=out, scores=scores, convergence=tuple(convergence(curve, judged_steps, exact_by_task(scores))))


def open_checkpoints(
    folder: Path, settings: object, inputs: Mapping[str, Any], every: int, screen: "Console"
) -> "TrainingCheckpoints":  # fmt: skip
    """Open the checkpoints, and say from which step the training continues."""
    from raygroup.runtime.attempt.training_checkpoints import TrainingCheckpoints

    checkpoints = TrainingCheckpoints(folder, settings, inputs, every)
    if checkpoints.step or checkpoints.lost_steps:
        again = f"; {checkpoints.lost_steps} steps are trained again, because their checkpoint is damaged" if checkpoints.lost_steps else ""
        print_line(screen, f"continues after step {checkpoints.step}, from {folder}{again}")
    return checkpoints


def _train(
    words: "Stage1Words", settings: Pretraining, start: "UniversalStart | None", checkpoints: "TrainingCheckpoints", screen: "Console"
) -> "tuple[UniversalModel, HeldOutCurve]":
    from raygroup.runtime.progress import progress_bars
    from raygroup.training.held_out import HeldOutCurve
    from raygroup.training.universal import train_universal
    from raygroup.training.universal_start import stage1_charset
    from raygroup.words.mixtures import mixed_words

    training, held_out = words.training(), words.held_out()
    mixed = mixed_words(settings.words, training.sources)
    charset = stage1_charset(training.labels, start, settings)
    curve = HeldOutCurve(held_out.crops, held_out.labels, held_out.tasks, charset)
    with progress_bars(screen) as show_progress:

        def report(phase: str, step: int, steps: int, loss: float) -> None:
            show_progress("words through the trunk" if phase == "features" else f"steps of {phase}", step, steps)

        universal = train_universal(
            training.crops, training.labels, charset, settings, report, checkpoints, start, curve, training.tasks, mixed
        )
    return universal, curve
