"""The names of all files and folders on a storage path.

::

    <storage path>/
      cache/                                 inputs that sweeps share
        words-<hash>/words.parquet           word images
        features-<hash>/                     word features
          00000.arrow, 00000.json            a shard, and its record, written after it
          features.json                      list of the shards, written last: the store is complete
          ray.log                            output of Ray during the extraction
        weights-<hash>/weights.safetensors   stage-1 weights, of readers and of detectors
        scenes-<hash>/scenes.arrow           scenes that detectors and spotters train on
        crops-<hash>/crops.parquet           words that a detector found in labelled scenes, for end-to-end scores
        step_times.json                      measured step times
        train/                               state of Ray Train
      <sweep>/
        sweep.json                           hypothesis and declared trials
        STOP.json                            request to stop, removed when the sweep is run again
        figures/                             pictures, and the numbers of Table 3
        report.html                          the report of the sweep
        tune.log                             output of Ray Tune
        journal.log                          the points of a search, as Optuna writes them
        <trial id>/
          config.json                        settings and inputs
          lease.json                         the attempts, and which of them may write
          progress.json                      last step, rewritten during training
          history/                           steps of each attempt, until the history is sealed
            attempt-<N>.arrows               on a file system
            part-<N>-<K>.arrows              on an object store
            evidence-attempt-<N>.arrows      evidence on tasks, in the same way
            evidence-part-<N>-<K>.arrows
          history.parquet                    the sealed history
          task_evidence.parquet              the sealed evidence on tasks, of a trial that gathers it
          checkpoints/
            state.json                       list of the checkpoints, with checksums
            step-<step>-<N>.safetensors      state after a step, written by attempt N
          predictions.parquet                the words, as the trained heads read them
          group_readings.parquet             the words of each group head's tasks, as a bank of group heads read them
          word_facts.json                    characters by task, and how fast the heads read
          universal.safetensors              the trunk and the universal head, of a trial of stage 1
          detector.safetensors               the trained detector, of a trial that trains one
          spotter.safetensors                the trained spotter, of a trial that trains all its parts
          end_to_end.json                    score of the whole spotter that reads with the trial's heads
          tensorboard/                       scalars
          error.txt                          traceback of an unexpected error
          stalled-<time>-<rank>.txt          stacks of a worker that made no progress
          FAILED.json                        the trial failed for good: reason and step
          DONE.json                          the trial is done: this file makes it so

A writer locks the folder of a sweep, a trial or a cache: with ``.lock`` on a file system, with
``holder.json`` on an object store. Half-written files are called ``<name>.partial-*``
(``raygroup.files.atomic``).
"""

import re
from datetime import UTC, datetime

from raygroup.files.places import Place
from raygroup.search_space import CACHE_FOLDER as CACHE_FOLDER

LOCK_FILE = ".lock"
HOLDER_FILE = "holder.json"

WORDS_FILE = "words.parquet"
FEATURES_FILE = "features.json"
WEIGHTS_FILE = "weights.safetensors"
WORDS_PREFIX, FEATURES_PREFIX, WEIGHTS_PREFIX, SCENES_PREFIX = "words-", "features-", "weights-", "scenes-"
CROPS_PREFIX = "crops-"
"""Starts of the names of cache folders."""
CACHE_PREFIXES = (WORDS_PREFIX, FEATURES_PREFIX, WEIGHTS_PREFIX, SCENES_PREFIX, CROPS_PREFIX)
SCENES_FILE = "scenes.arrow"
CROPS_FILE = "crops.parquet"
STEP_TIMES_FILE = "step_times.json"
RAY_LOG_FILE = "ray.log"
TRAIN_FOLDER = "train"

SWEEP_FILE = "sweep.json"
STOP_FILE = "STOP.json"
FIGURES_FOLDER = "figures"
REPORT_FILE = "report.html"
TUNE_LOG_FILE = "tune.log"
JOURNAL_FILE = "journal.log"
TUNE_FOLDER = "tune"
"""State of Ray Tune, which earlier versions of raygroup left there."""

CONFIG_FILE = "config.json"
LEASE_FILE = "lease.json"
PROGRESS_FILE = "progress.json"
HISTORY_FOLDER = "history"
HISTORY_FILE = "history.parquet"
TASK_EVIDENCE_FILE = "task_evidence.parquet"
STEPS = ""
"""Prefix of the files of an attempt's history."""
EVIDENCE = "evidence-"
"""Prefix of the files of an attempt's evidence on tasks."""
ATTEMPTS_GLOB = "*.arrows"
"""Streams and parts in the history folder."""
ATTEMPT_STREAMS_GLOB = "*attempt-*.arrows"
"""Streams only: they grow, parts never change."""
CHECKPOINTS_FOLDER = "checkpoints"
CHECKPOINT_INDEX_FILE = "state.json"
CHECKPOINTS_GLOB = "step-*.safetensors"
PREDICTIONS_FILE = "predictions.parquet"
GROUP_READINGS_FILE = "group_readings.parquet"
WORD_FACTS_FILE = "word_facts.json"
UNIVERSAL_FILE = "universal.safetensors"
DETECTOR_FILE = "detector.safetensors"
SPOTTER_FILE = "spotter.safetensors"
END_TO_END_FILE = "end_to_end.json"
TENSORBOARD_FOLDER = "tensorboard"
ERROR_FILE = "error.txt"
STACKS_GLOB = "stalled-*.txt"
FAILED_FILE = "FAILED.json"
DONE_FILE = "DONE.json"

_HASH_LENGTH = 16
_ATTEMPT = re.compile(r"attempt-(?P<stream>\d+)\.arrows|part-(?P<attempt>\d+)-(?P<part>\d+)\.arrows")
_CHECKPOINT = re.compile(r"step-(\d+)(?:-(\d+))?\.safetensors")
_STACKS = re.compile(r"stalled-(\d+)(?:-\d+)?\.txt")


def now() -> str:
    """Return the current time for stored files. It is ISO 8601, UTC, in whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def words_path(storage: Place, fingerprint: str) -> Place:
    """Return the path of the word images with this fingerprint."""
    return storage / CACHE_FOLDER / f"{WORDS_PREFIX}{fingerprint[:_HASH_LENGTH]}" / WORDS_FILE


def features_path(storage: Place, fingerprint: str) -> Place:
    """Return the path of the ``features.json`` with this fingerprint."""
    return storage / CACHE_FOLDER / f"{FEATURES_PREFIX}{fingerprint[:_HASH_LENGTH]}" / FEATURES_FILE


def weights_path(storage: Place, fingerprint: str) -> Place:
    """Return the path of the shared copy of stage-1 weights with this fingerprint."""
    return storage / CACHE_FOLDER / f"{WEIGHTS_PREFIX}{fingerprint[:_HASH_LENGTH]}" / WEIGHTS_FILE


def scenes_path(storage: Place, fingerprint: str) -> Place:
    """Return the path of the scenes with this fingerprint, as a memory-mapped file."""
    return storage / CACHE_FOLDER / f"{SCENES_PREFIX}{fingerprint[:_HASH_LENGTH]}" / SCENES_FILE


def crops_path(storage: Place, fingerprint: str) -> Place:
    """Return the path of the words that a detector found, with this fingerprint of scenes and detector."""
    return storage / CACHE_FOLDER / f"{CROPS_PREFIX}{fingerprint[:_HASH_LENGTH]}" / CROPS_FILE


def shard_file(number: int) -> str:
    """Return the name of a shard of features."""
    return f"{number:05}.arrow"


def shard_record_file(number: int) -> str:
    """Return the name of a shard's record. It marks the shard as complete."""
    return f"{number:05}.json"


def attempt_stream_file(attempt: int, record: str = STEPS) -> str:
    """Return the name of an attempt's history on a file system. ``record`` is ``STEPS`` or ``EVIDENCE``."""
    return f"{record}attempt-{attempt}.arrows"


def attempt_part_file(attempt: int, part: int, record: str = STEPS) -> str:
    """Return the name of a part of an attempt's history on an object store. ``record`` is ``STEPS`` or ``EVIDENCE``."""
    return f"{record}part-{attempt}-{part:05d}.arrows"


def attempt_and_part(name: str, record: str = STEPS) -> tuple[int, int] | None:
    """Return attempt and part from the name of a history file. A stream has part 0. Other names, and those of the other record, give
    None."""
    match = _ATTEMPT.fullmatch(name.removeprefix(record)) if name.startswith(record) else None
    return (int(match["stream"] or match["attempt"]), int(match["part"] or 0)) if match else None


def checkpoint_file(step: int, attempt: int) -> str:
    """Return the name of the checkpoint that an attempt wrote after a step."""
    return f"step-{step:06d}-{attempt}.safetensors"


def checkpoint_number(name: str) -> tuple[int, int] | None:
    """Return step and attempt from the name of a checkpoint. A name without attempt has 0. Other
    names give None."""
    match = _CHECKPOINT.fullmatch(name)
    return (int(match[1]), int(match[2] or 0)) if match else None


def stacks_file(unix_time: float, rank: int) -> str:
    """Return the name of the file for the stacks of a stalled worker."""
    return f"stalled-{unix_time:.0f}-{rank}.txt"


def stacks_time(name: str) -> int:
    """Return the Unix time from the name of a stacks file. All workers of an attempt share it.
    Other names give 0."""
    match = _STACKS.fullmatch(name)
    return int(match[1]) if match else 0
