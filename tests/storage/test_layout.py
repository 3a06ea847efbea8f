"""Names of files on a storage path: each parser reads the names that its formatter writes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raygroup.storage import layout
from raygroup.storage.layout import (
    attempt_and_part,
    attempt_part_file,
    attempt_stream_file,
    checkpoint_file,
    checkpoint_number,
    features_path,
    stacks_file,
    stacks_time,
    weights_path,
    words_path,
)

numbers = st.integers(0, 10**7)


@given(numbers, numbers)
def test_the_names_of_history_files_give_their_attempt_and_part(attempt, part):
    assert attempt_and_part(attempt_stream_file(attempt)) == (attempt, 0)
    assert attempt_and_part(attempt_part_file(attempt, part)) == (attempt, part)


@given(numbers, numbers)
def test_the_name_of_a_checkpoint_gives_its_step_and_attempt(step, attempt):
    assert checkpoint_number(checkpoint_file(step, attempt)) == (step, attempt)


def test_a_checkpoint_without_an_attempt_in_its_name_has_attempt_0():
    assert checkpoint_number("step-000060.safetensors") == (60, 0)


def test_all_workers_of_an_attempt_share_the_time_in_the_names_of_their_stacks():
    assert {stacks_time(stacks_file(1_800_000_000.4, rank)) for rank in range(4)} == {1_800_000_000}
    assert stacks_time("stalled-100.txt") == 100


@pytest.mark.parametrize("name", ["state.json", "step-000060.safetensors.partial-7", "attempt-1.arrows~", "x.txt"])
def test_other_names_are_no_checkpoint_history_or_stacks(name):
    assert checkpoint_number(name) is None
    assert attempt_and_part(name) is None
    assert stacks_time(name) == 0


def test_cached_inputs_are_named_by_sixteen_digits_of_their_fingerprint():
    fingerprint = "0123456789abcdef" + "f" * 48
    paths = [path(Path("runs"), fingerprint) for path in (words_path, features_path, weights_path)]
    assert list(map(str, paths)) == [
        "runs/cache/words-0123456789abcdef/words.parquet",
        "runs/cache/features-0123456789abcdef/features.json",
        "runs/cache/weights-0123456789abcdef/weights.safetensors",
    ]


def test_the_tree_in_the_docstring_shows_every_file_and_folder():
    internal = {"TUNE_FOLDER"}
    constants = {name: value for name, value in vars(layout).items() if name.endswith(("_FILE", "_FOLDER")) and name not in internal}
    assert [name for name, value in constants.items() if value not in str(layout.__doc__)] == []
    assert len(set(constants.values())) == len(constants), "no two names for one file"
