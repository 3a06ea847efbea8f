"""A history is read as it was written, also after a crash, a full disk or a second attempt."""

import contextlib
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raygroup.errors import HistoryError
from raygroup.history.reader import read_history, same_evidence
from raygroup.history.schema import history_schema
from raygroup.history.writer import HistoryWriter, remove_attempts, seal

TASKS = ("ar", "ko", "la")
METADATA = {"label": "base_coefficient=0.2 seed=0", "git_commit": None}
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


def r_tm(step: int, attempt: int = 1) -> np.ndarray:
    return np.arange(6, dtype=np.float32).reshape(3, 2) + step + attempt / 1000


def write(folder: Path, attempt: int, steps: range, flush_every: int = 4, close: bool = True) -> HistoryWriter:
    writer = HistoryWriter(folder, attempt, TASKS, 2, METADATA, flush_every=flush_every)
    for step in steps:
        writer.append(step, r_tm(step, attempt), [step, -step], 0.5, 0.25, 0.125, 640.0, 1e9 + step)
    if close:
        writer.close()
    return writer


def test_appended_rows_are_read_back(tmp_path):
    write(tmp_path, 1, range(1, 11))
    history = read_history(tmp_path)
    assert (history.tasks, history.heads) == (TASKS, 2)
    assert history.step.tolist() == list(range(1, 11))
    assert np.array_equal(history.r_tm, np.stack([r_tm(step) for step in range(1, 11)]))
    assert history.nll_m[2].tolist() == [3, -3]
    assert (history.integrated_loss[0], history.grouping_loss[0], history.task_loss[0]) == (0.5, 0.25, 0.125)
    assert (history.words_per_s[9], history.clock_s[9]) == (640, 1e9 + 10)
    assert history.metadata["label"] == METADATA["label"]


def test_an_attempt_is_a_standard_arrow_stream(tmp_path):
    writer = write(tmp_path, 1, range(1, 7))
    with pa.OSFile(str(writer.path)) as file:
        table = pa.ipc.open_stream(file).read_all()
    assert table["step"].to_pylist() == [1, 2, 3, 4, 5, 6]
    assert len(table["r_tm"][0]) == 6


def test_rows_reach_the_disk_every_flush_every_steps(tmp_path):
    write(tmp_path, 1, range(1, 11), flush_every=4, close=False)
    assert read_history(tmp_path).step[-1] == 8


def test_flushed_rows_can_be_read_while_the_writer_is_open(tmp_path):
    writer = write(tmp_path, 1, range(1, 7), flush_every=4, close=False)
    writer.flush()
    assert read_history(tmp_path).step[-1] == 6
    writer.append(7, r_tm(7), [1, 1], 0, 0, 0, 1, 1)
    writer.close()
    writer.close()
    assert read_history(tmp_path).step.tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_a_sealed_history_equals_its_attempts_and_replaces_them(tmp_path):
    write(tmp_path, 1, range(1, 31))
    before = read_history(tmp_path)
    seal(tmp_path)
    remove_attempts(tmp_path)
    after = read_history(tmp_path)
    assert same_evidence(before, after)
    assert after.metadata == before.metadata
    assert not list((tmp_path / "history").iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history", "history.parquet"]


def test_attempts_are_not_removed_before_they_are_sealed(tmp_path):
    write(tmp_path, 1, range(1, 3))
    remove_attempts(tmp_path)
    assert read_history(tmp_path).step.tolist() == [1, 2]


def test_nan_losses_are_recorded_and_compare_equal(tmp_path):
    for name in ("one", "two"):
        with HistoryWriter(tmp_path / name, 1, TASKS, 2, METADATA) as writer:
            writer.append(1, r_tm(1), [1, 1], float("nan"), 0, 0, 1, 1)
    one, two = read_history(tmp_path / "one"), read_history(tmp_path / "two")
    assert np.isnan(one.integrated_loss[0])
    assert same_evidence(one, two)


def test_one_bit_makes_other_evidence_but_another_clock_does_not(tmp_path):
    for name, nudge, clock in (("a", 0, 1), ("clock", 0, 2), ("bit", 1, 1)):
        with HistoryWriter(tmp_path / name, 1, TASKS, 2, METADATA) as writer:
            writer.append(1, np.nextafter(r_tm(1), np.float32(np.inf)) if nudge else r_tm(1), [1, 1], 0, 0, 0, clock, clock)
    a, clock_differs, bit_differs = (read_history(tmp_path / name) for name in ("a", "clock", "bit"))
    assert same_evidence(a, clock_differs)
    assert not same_evidence(a, bit_differs)


@in_one_folder
@given(st.integers(1, 30), st.integers(1, 7), st.data())
def test_a_stream_cut_anywhere_gives_complete_batches_from_its_start(tmp_path_factory, rows, flush_every, data):
    folder = tmp_path_factory.mktemp("cut")
    path = write(folder, 1, range(1, rows + 1), flush_every).path
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    steps: list[int] = []
    with contextlib.suppress(HistoryError):
        steps = read_history(folder).step.tolist()
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) % flush_every == 0 or len(steps) == rows
    if cut == len(content):
        assert len(steps) == rows


def test_zeros_at_the_end_after_a_power_cut_are_no_rows(tmp_path):
    path = write(tmp_path, 1, range(1, 9)).path
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - 100] + bytes(100))
    assert read_history(tmp_path).step.tolist() in ([1, 2, 3, 4], list(range(1, 9)))


@in_one_folder
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 12)), min_size=1, max_size=5))
def test_a_resumed_attempt_replaces_every_step_from_its_first_on(tmp_path_factory, attempts):
    folder = tmp_path_factory.mktemp("merge")
    expected: dict[int, int] = {}
    for attempt, (resumed_after, rows) in enumerate(attempts, 1):
        start = min(resumed_after, len(expected)) + 1
        write(folder, attempt, range(start, start + rows))
        if rows:
            expected = {step: by for step, by in expected.items() if step < start} | dict.fromkeys(range(start, start + rows), attempt)
    if not expected:
        return
    history = read_history(folder)
    assert history.step.tolist() == sorted(expected)
    assert np.array_equal(history.r_tm, np.stack([r_tm(step, expected[step]) for step in sorted(expected)]))


def test_attempt_ten_comes_after_attempt_nine(tmp_path):
    write(tmp_path, 9, range(1, 5))
    write(tmp_path, 10, range(1, 3))
    assert np.array_equal(read_history(tmp_path).r_tm, np.stack([r_tm(1, 10), r_tm(2, 10)]))


def test_an_attempt_that_died_before_its_first_row_changes_nothing(tmp_path):
    write(tmp_path, 1, range(1, 6))
    (tmp_path / "history" / "attempt-2.arrows").touch()
    write(tmp_path, 3, range(0))
    assert read_history(tmp_path).step.tolist() == [1, 2, 3, 4, 5]


def test_steps_missing_between_attempts_are_named(tmp_path):
    write(tmp_path, 1, range(1, 6))
    write(tmp_path, 2, range(9, 12))
    with pytest.raises(HistoryError, match="steps 6 to 8 are missing"):
        read_history(tmp_path)


def test_a_history_with_a_gap_is_not_sealed_and_keeps_its_attempts(tmp_path):
    write(tmp_path, 1, range(1, 6))
    write(tmp_path, 2, range(9, 12))
    with pytest.raises(HistoryError, match="history: steps 6 to 8 are missing"):
        seal(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["attempt-1.arrows", "attempt-2.arrows", "history"]


def test_a_history_that_does_not_start_at_step_1_is_not_sealed(tmp_path):
    write(tmp_path, 2, range(5, 9))
    with pytest.raises(HistoryError, match="history: steps 1 to 4 are missing"):
        seal(tmp_path)


def damage_the_middle(path: Path) -> None:
    content = path.read_bytes()
    half, quarter = len(content) // 2, len(content) // 4
    path.write_bytes(content[:half] + bytes(quarter) + content[half + quarter :])


def test_a_stream_damaged_in_its_middle_is_not_sealed(tmp_path):
    damage_the_middle(write(tmp_path, 1, range(1, 41)).path)
    with pytest.raises(HistoryError, match=r"steps \d+ to 40 are missing"):
        seal(tmp_path, 40)
    write(tmp_path, 2, range(41, 49))
    with pytest.raises(HistoryError, match=r"steps \d+ to 40 are missing"):
        seal(tmp_path)
    write(tmp_path, 3, range(1, 49))
    assert seal(tmp_path, 48).is_file()


def test_a_folder_without_a_history_is_named(tmp_path):
    with pytest.raises(HistoryError, match=f"{tmp_path}: no history"):
        read_history(tmp_path)


def test_a_sealed_history_that_was_cut_off_is_named(tmp_path):
    write(tmp_path, 1, range(1, 30))
    content = seal(tmp_path).read_bytes()
    (tmp_path / "history.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(HistoryError, match=r"history\.parquet: not a readable Parquet file"):
        read_history(tmp_path)


def test_reading_and_writing_import_neither_pandas_nor_torch_nor_ray(tmp_path):
    write(tmp_path, 1, range(1, 9))
    code = (
        "import sys; from pathlib import Path; from raygroup.history import reader, writer; folder = Path(sys.argv[1]); "
        "writer.seal(folder); reader.read_history(folder); assert not {'pandas', 'torch', 'ray'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True)


def test_another_layout_is_refused_with_a_remedy(tmp_path):
    path = write(tmp_path, 1, range(1, 3)).path
    path.write_bytes(path.read_bytes().replace(b'"layout": 1', b'"layout": 7'))
    with pytest.raises(HistoryError, match=r"attempt-1\.arrows: history of layout 7, this raygroup reads 1: .*--storage-path"):
        read_history(tmp_path)


def test_a_second_writer_of_an_attempt_is_refused(tmp_path):
    write(tmp_path, 1, range(1, 3))
    with pytest.raises(FileExistsError, match=r"attempt-1\.arrows"):
        HistoryWriter(tmp_path, 1, TASKS, 2, METADATA)


def test_a_full_disk_is_reported_and_flushed_rows_stay_readable(tmp_path):
    writer = write(tmp_path, 1, range(1, 9), close=False)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (writer.path.stat().st_size + 100, hard))
    try:
        for step in range(9, 12):
            writer.append(step, r_tm(step), [1, 1], 0, 0, 0, 1, 1)
        with pytest.raises(OSError, match=r"history stops after step 8: .*attempt-1\.arrows"):
            writer.append(12, r_tm(12), [1, 1], 0, 0, 0, 1, 1)
        writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_history(tmp_path).step.tolist() == list(range(1, 9))


def test_a_failed_seal_keeps_the_attempts_and_leaves_no_partial_file(tmp_path):
    write(tmp_path, 1, range(1, 100))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match=r"not sealed.*history\.parquet"):
            seal(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["history"]
    assert len(read_history(tmp_path).step) == 99


def test_metadata_that_json_cannot_store_is_refused():
    with pytest.raises(TypeError):
        history_schema(TASKS, 2, {"folder": Path("here")})
