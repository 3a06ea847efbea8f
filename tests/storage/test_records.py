"""Records that are damaged are named with the way out, and never end in a traceback."""

import json

import pytest

from raygroup.errors import ConfigError, DamagedFileError
from raygroup.storage.leases import attempt_records, take_lease
from raygroup.storage.records import intact_record, read_record, read_record_if_exists

WHOLE = {
    "DONE.json": {"steps": 60, "finished_at": "2026-01-02T10:05:00+00:00"},
    "FAILED.json": {"reason": "loss is nan", "step": 3},
    "config.json": {"trial": {}, "label": "seed=0", "data": "f00"},
    "lease.json": {"attempt": 2, "token": "t", "attempts": [{"attempt": 2, "by": "process 1", "at": "2026-01-02T10:05:00+00:00"}]},
    "progress.json": {"step": 10, "steps": 60, "at": 1.8e9},
    "STOP.json": {"by": "somebody"},
    "sweep.json": {"name": "s", "hypothesis": "", "data": "f00", "written_at": "", "trials": [{"id": "s-1", "label": ""}]},
    "state.json": {"checkpoints": [{"step": 10, "file": "step-000010-1.safetensors", "sha256": "00", "history": {}}]},
    "holder.json": {"token": "t", "by": "process 1", "renewed": 1.8e9},
    "features.json": {"shape": [2, 3], "rows": 1, "shards": [{"rows": 1, "bytes": 2, "crc32": 3}]},
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_record_is_read(tmp_path, name):
    (tmp_path / name).write_text(json.dumps({"layout": 1, **WHOLE[name]}))
    assert read_record(tmp_path / name) == {"layout": 1, **WHOLE[name]}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("damage", ["empty", "cut", "zeros", "a list", "no layout", "fields of another type", "no number"])
def test_a_damaged_record_is_named_with_the_way_out_and_counts_as_none_where_that_is_allowed(tmp_path, name, damage):
    text = json.dumps({"layout": 1, **WHOLE[name]})
    wrong_fields = {field: {} if isinstance(value, str | int | float) else "text" for field, value in WHOLE[name].items()}
    contents = {
        "empty": "", "cut": text[: len(text) // 2], "zeros": "\0" * 40, "a list": "[1]", "no layout": "{}",
        "fields of another type": json.dumps({"layout": 1, **wrong_fields}), "no number": '{"layout": NaN}',
    }  # fmt: skip
    (tmp_path / name).write_text(contents[damage])
    with pytest.raises(DamagedFileError) as error:
        read_record_if_exists(tmp_path / name)
    message = str(error.value)
    assert message.startswith(f"{tmp_path / name}: ")
    assert "; " in message
    assert "\n" not in message
    assert len(message) - len(str(tmp_path)) <= 300
    assert intact_record(tmp_path / name) == {}


def test_a_record_of_another_layout_is_no_damage(tmp_path):
    (tmp_path / "DONE.json").write_text('{"layout": 2}')
    with pytest.raises(ConfigError, match="layout 2, this raygroup reads 1") as error:
        intact_record(tmp_path / "DONE.json")
    assert not isinstance(error.value, DamagedFileError)


@pytest.mark.parametrize("content", ["", '{"layout": 1, "attempt": 3, "tok', '{"layout": 1, "attempt": "3"}'])
def test_a_damaged_lease_counts_as_none_and_no_attempt_gets_the_number_of_another(tmp_path, content):
    lease = take_lease(tmp_path)
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / f"attempt-{lease.attempt}.arrows").write_bytes(b"")
    (tmp_path / "lease.json").write_text(content)
    assert attempt_records(tmp_path) == []
    assert take_lease(tmp_path).attempt == lease.attempt + 1
