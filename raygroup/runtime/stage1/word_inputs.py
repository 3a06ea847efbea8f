"""Prepare the words of stage 1: rendered from built-in lists, a user's images, rendered from a user's lists, or several of these."""

from dataclasses import dataclass, replace
from pathlib import Path

from raygroup.config import Pretraining, Words
from raygroup.config_sections import fingerprint, require
from raygroup.files.places import Place
from raygroup.runtime.preparation.extraction import ProgressCallback
from raygroup.runtime.preparation.prepare import render_store
from raygroup.runtime.processes import WorkerPool, cores
from raygroup.runtime.stage1.words import Stage1Words, stage1_words
from raygroup.storage.layout import words_path
from raygroup.storage.locks import lock_folder
from raygroup.values import BAD_SHARE
from raygroup.words.importing.importer import data_fingerprint, import_user_words
from raygroup.words.rendering.own_lists import OwnList
from raygroup.words.rendering.own_rendering import list_lines, plan_own_rendering
from raygroup.words.rendering.synthesis import Rendering, plan_rendering, words_of_tasks
from raygroup.words.word_store import WordStore, open_word_store


@dataclass(frozen=True, kw_only=True)
class Stage1Inputs:
    """Where the words of stage 1 come from."""

    words: Path | None = None
    """A user's word images. They replace the words that the settings would render."""
    lists: tuple[OwnList, ...] = ()
    """A user's word lists, to render beside ``words`` or alone."""
    fonts: Path | None = None
    bad_share: float = BAD_SHARE

    @property
    def are_own(self) -> bool:
        return self.words is not None or bool(self.lists)


def prepare_stage1_words(settings: Pretraining, inputs: Stage1Inputs, storage: Path, progress: ProgressCallback) -> Stage1Words:
    """Render and import the words into the cache of the storage path, unless they are there, and open them.

    Raises ConfigError for words, lists or fonts that cannot be used, and if more than ``inputs.bad_share`` of a user's words are lost.
    """
    mixture = settings.words.mixture
    require(inputs.words is not None or not mixture, "words.mixture", mixture, "empty without --words: rendered words are of one source")
    require(
        not (inputs.words and settings.words.parts), "words.parts", settings.words.parts,
        f"empty with --words {inputs.words}, because it divides the built-in word lists",
    )  # fmt: skip
    stores, notes = [], []
    if inputs.words is not None:
        stores.append(_imported(inputs.words, settings, storage, inputs.bad_share, progress))
    if inputs.lists:
        rendering = plan_own_rendering(inputs.lists, settings.words, inputs.fonts)
        stores.append(_rendered(rendering, storage, progress))
        notes += list_lines(inputs.lists, rendering)
    if inputs.words is not None and settings.rehearsal:
        rehearsed = [task for task in settings.words.tasks if task in stores[0].metadata.tasks]
        rehearsed = [task for task in rehearsed if task not in {each.name for each in inputs.lists}]
        if rehearsed:
            stores.append(_rendered(plan_rendering(_rehearsal_words(settings, rehearsed), inputs.fonts), storage, progress))
            notes.append(f"{settings.rehearsal} words of each built-in list are rendered too, against forgetting: {', '.join(rehearsed)}")
    if not inputs.are_own:
        stores.append(_rendered(plan_rendering(settings.words, inputs.fonts), storage, progress))
    return stage1_words(settings.words, tuple(stores), tuple(notes))


def _rehearsal_words(settings: Pretraining, tasks: list[str]) -> Words:
    """Return the settings of words from the built-in lists of these tasks."""
    return replace(words_of_tasks(settings.words, tasks), words_per_task=settings.rehearsal)


def _rendered(rendering: Rendering, storage: Path, progress: ProgressCallback) -> WordStore:
    store = _local(words_path(storage, rendering.fingerprint))
    with lock_folder(store.parent, "cache"):
        if not store.exists():
            with WorkerPool(cores()) as workers:
                render_store(store, rendering, progress, workers)
    return open_word_store(store)


def _imported(words: Path, settings: Pretraining, storage: Path, bad_share: float, progress: ProgressCallback) -> WordStore:
    tasks = settings.words.tasks
    data = fingerprint("stage 1", data_fingerprint(words, progress), [*tasks])
    store = _local(words_path(storage, data))
    with lock_folder(store.parent, "cache"):
        if not store.exists():
            import_user_words(words, tasks, store, data, bad_share, progress)
    return open_word_store(store)


def _local(path: Place) -> Path:
    return Path(str(path))
