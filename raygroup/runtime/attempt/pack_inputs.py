"""Load the inputs of a pack: words, features and stage-1 weights.

They come from local copies and stay in memory for the next pack.
"""

import functools
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from raygroup.config import Grouping, Trial
from raygroup.errors import ConfigError, DamagedFileError
from raygroup.files.local_copies import local_copy
from raygroup.files.places import Place
from raygroup.files.retry import Retry
from raygroup.runtime.planning.jobs import weights_file
from raygroup.storage.checkpoint_format import read_facts
from raygroup.storage.checkpoint_index import read_last_checkpoint
from raygroup.storage.layout import CACHE_FOLDER, UNIVERSAL_FILE, weights_path
from raygroup.training.label_batches import encode_labels
from raygroup.training.packs.added_tasks import trained_group_heads
from raygroup.training.packs.initial_state import TrainedTensors
from raygroup.training.packs.training_data import TrainingData
from raygroup.training.universal_weights import UniversalModel, load_universal
from raygroup.words.charset import Charset
from raygroup.words.coverage import task_shares
from raygroup.words.feature_store import FeatureStore, local_copy_of_features
from raygroup.words.mixtures import mixed_rows
from raygroup.words.word_store import WordStore, open_word_store


def load_training_data(store: Place, features: Place, trial: Trial, retry: Retry) -> tuple[WordStore, TrainingData]:
    """Return the words of a pack and its training data. ``trial`` is any trial of the pack."""
    local_store = retry(lambda: local_copy(store))
    local_features = retry(lambda: local_copy_of_features(features))
    words, data = retry(lambda: _load_stores(local_store, local_features, trial.grouping.word_tasks))
    return words, replace(data, mixed=mixed_rows(words, trial.words))


def load_universal_weights(storage: Place, name: str) -> UniversalModel:
    """Return the stage-1 weights that a trial's config.json names.

    ``name`` is a file in the cache of the storage path, or ``laptop`` for those in the package.
    """
    return _load_weights(stored_weights_file(storage, name))


def load_trained_tensors(folder: Place, data: TrainingData, grouping: Grouping) -> TrainedTensors:
    """Return the tensors of a finished stage-2 trial, from which a trial of stage 3 goes on.

    A bank of group heads adds tasks, so it gets those of ``trained_group_heads``.

    Raises ConfigError if they are gone, or if its heads were trained on other tasks or characters,
    and DamagedFileError if the checkpoint is damaged.
    """
    from safetensors.torch import load

    again = f"python -m raygroup.sweep {folder.parent.name} trains it again, once {folder} is deleted"
    content = read_last_checkpoint(folder)
    if content is None:
        raise ConfigError(f"{folder}: it has no trained heads to go on from: {again}")
    facts = read_facts(content)
    charset = Charset.from_json(facts["charset"])
    if grouping.is_cover:
        return trained_group_heads(load(content), charset, facts["tasks"], grouping.groups, data)
    if charset.hash != data.charset.hash or tuple(facts["tasks"]) != data.tasks:
        raise ConfigError(
            f"{folder}: its heads know {len(charset.characters)} characters of {', '.join(facts['tasks'])}, but the words have "
            f"{len(data.charset.characters)} of {', '.join(data.tasks)}: a stage needs the words of the stage before; {again}"
        )
    return load(content)


def stored_weights_file(storage: Place, name: str) -> Path:
    """Return the weights file that a trial's config.json names. Raises DamagedFileError if its content has changed."""
    if name.endswith(f"/{UNIVERSAL_FILE}"):
        return local_copy(storage / name)
    if not name.startswith(f"{CACHE_FOLDER}/"):
        return weights_file(name)
    return _verified_weights(storage / name, local_copy(storage / name))


@functools.lru_cache(2)
def _load_stores(store: Path, features: Path, word_tasks: str) -> tuple[WordStore, TrainingData]:
    words = open_word_store(store)
    return words, _training_data(words, FeatureStore(features), word_tasks)


@functools.lru_cache(2)
def _verified_weights(stored: Place, copy: Path) -> Path:
    """Return the copy of a weights file if its checksum is the one in the name of their folder."""
    with copy.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if weights_path(stored.parent.parent.parent, digest) != stored:
        copy.unlink(missing_ok=True)
        raise DamagedFileError(f"{stored}: damaged: its checksum is {digest}; {copy} was removed, and the same command makes it again")
    return copy


@functools.lru_cache(2)
def _load_weights(path: Path) -> UniversalModel:
    return load_universal(path)


def _training_data(words: WordStore, features: FeatureStore, word_tasks: str) -> TrainingData:
    tasks, labels = words.metadata.tasks, words.labels()
    train, task_of = words.rows_of("train"), words.task_numbers()
    charset = Charset.from_labels([labels[row] for row in train])
    targets, lengths = encode_labels(labels, charset)
    # Words without a task get their P_WT from their characters.
    p_wt = np.zeros((len(labels), len(tasks)), np.float32)
    known = np.flatnonzero(task_of >= 0)
    p_wt[known, task_of[known]] = 1
    unknown = np.flatnonzero(task_of < 0)
    if len(unknown):
        p_wt[unknown] = task_shares([labels[row] for row in unknown], tasks, word_tasks=word_tasks)
    return TrainingData(features, targets, lengths, p_wt, train, tasks, charset)
