"""A package is refused in one clear line if a file is missing or changed, or if another major version wrote it."""

import json
import random
import shutil

import pytest

import raygroup
from raygroup.errors import MAX_MESSAGE, ConfigError, DamagedFileError
from raygroup.reading.record import RECORD_FILE, read_record, record_bytes, require_whole


@pytest.fixture
def package(plain_package, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(plain_package, tmp_path / "package")


def test_a_record_is_read_as_it_was_written(plain_package):
    record = read_record(plain_package)
    assert record_bytes(record) == (plain_package / RECORD_FILE).read_bytes()
    assert record.grouping == {"ar": "ar+hi", "hi": "ar+hi", "la": "la"}
    assert record.idle_heads == (0, 2)


def test_every_file_but_the_record_is_listed(plain_package):
    record = read_record(plain_package)
    assert {path.name for path in plain_package.iterdir()} == {*record.files, RECORD_FILE}
    assert record.sizes["bytes"] == sum((plain_package / name).stat().st_size for name in record.files)


def refusal(package):
    with pytest.raises(ConfigError) as refused:
        raygroup.load(package, backend="torch")
    text = str(refused.value)
    assert str(package) in text
    assert len(text) < MAX_MESSAGE + len(str(package))
    assert "\n" not in text
    return text


def test_any_changed_byte_of_any_file_is_noticed(package):
    draw = random.Random(0)
    for path in sorted(package.iterdir()):
        content = path.read_bytes()
        for _ in range(6 if path.name == RECORD_FILE else 2):
            place = draw.randrange(len(content))
            path.write_bytes(content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :])
            assert path.name in refusal(package)
        path.write_bytes(content)
    raygroup.load(package, backend="torch")


@pytest.mark.parametrize("length", [0, 1, 100])
def test_a_file_that_was_cut_is_noticed(package, length):
    for path in sorted(package.iterdir()):
        content = path.read_bytes()
        path.write_bytes(content[:length])
        assert path.name in refusal(package)
        path.write_bytes(content)


def test_a_missing_file_is_named(package):
    for path in sorted(package.iterdir()):
        content = path.read_bytes()
        path.unlink()
        assert path.name in refusal(package)
        path.write_bytes(content)


def changed(package, **fields):
    path = package / RECORD_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_another_major_version_is_refused_with_the_way_out(package):
    changed(package, format_version="2.3")
    assert "a package of format 2.3, this raygroup reads 1.x: read it with the raygroup that wrote it" in refusal(package)


def test_fields_of_a_later_minor_version_are_passed_over(plain_package, package):
    from raygroup.reading import record as records

    stored = json.loads((package / RECORD_FILE).read_text())
    stored = {name: value for name, value in stored.items() if name != "sha256"} | {"format_version": "1.7", "language_model": "none"}
    (package / RECORD_FILE).write_text(json.dumps(stored | {"sha256": records._checksum(stored)}))
    assert read_record(package) == read_record(plain_package)


def test_a_record_of_something_else_is_refused(package):
    (package / RECORD_FILE).write_text('{"format": "npm"}')
    assert "not the record of a raygroup package" in refusal(package)
    (package / RECORD_FILE).write_text("[" * 100_000)
    assert "damaged" in refusal(package)


def test_a_whole_package_passes(plain_package):
    require_whole(plain_package, read_record(plain_package))
    with pytest.raises(DamagedFileError, match="missing from the package"):
        require_whole(plain_package.parent, read_record(plain_package))
