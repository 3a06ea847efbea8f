"""Zips: odd names, encrypted entries, damaged directories and zip bombs."""

import random
import struct
import zipfile

import pytest
from archives_for_tests import FILES, list_source, pack, reasons_left_out

from raygroup.errors import ConfigError, SubmissionError
from raygroup.scenes.archives import members
from raygroup.scenes.archives.sources import open_source
from raygroup.scoring.archive_entries import read_entries


def test_backslashes_in_a_zip_from_windows_separate_folders(tmp_path):
    path = tmp_path / "set.zip"
    pack(path, {"gt_folder_1.txt": b"one"}, "zip")
    path.write_bytes(path.read_bytes().replace(b"gt_folder_1.txt", b"gt\\folder\\1.txt"))
    source, names, problems = list_source(path)
    assert names == ["gt/folder/1.txt"]
    assert source.read("gt/folder/1.txt") == b"one"
    assert problems.counts == {}


def test_an_encrypted_entry_is_reported(tmp_path):
    path = pack(tmp_path / "set.zip", {"a.txt": b"x"}, "zip")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    _, names, problems = list_source(path)
    assert (names, reasons_left_out(problems)) == ([], ["the entry is encrypted: unpack the archive and pass the folder"])


def test_entries_of_a_zip_beyond_two_hundred_times_its_size_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(members, "FREE_BYTES", 1 << 20)
    _, names, problems = list_source(pack(tmp_path / "bomb", {f"{number}.jpg": bytes(700_000) for number in range(8)}, "zip"))
    assert len(names) == members.max_unpacked_bytes((tmp_path / "bomb").stat().st_size) // 700_000 < 8
    assert set(reasons_left_out(problems)) == {"the archive would unpack to more than 200 times its size: files beyond that are left out"}


def test_a_zip_whose_directory_was_cut_short_reports_how_many_entries_are_lost(tmp_path):
    path = pack(tmp_path / "set.zip", FILES, "zip")
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\1\2")
    second = content.index(b"PK\1\2", start + 4)
    content[-22 + 12 : -22 + 16] = struct.pack("<I", len(content) - 22 - second)
    path.write_bytes(content)
    _, _, problems = list_source(path)
    assert str(problems.first("archive damaged")) == f"{path}: it claims 3 entries, but its directory lists 2"


def test_a_zip_whose_directory_is_larger_than_the_file_is_refused(tmp_path):
    path = pack(tmp_path / "set.zip", FILES, "zip")
    content = bytearray(path.read_bytes())
    content[-22 + 12 : -22 + 16] = struct.pack("<I", 1 << 31)
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"set\.zip: its directory would be 2,147,483,648 bytes"):
        open_source(path)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_zip_that_was_cut_off_says_so_once(tmp_path, share):
    path = pack(tmp_path / "set.zip", FILES | {"big.jpg": random.Random(1).randbytes(200_000)}, "zip")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ConfigError) as raised:
        open_source(path)
    assert str(raised.value) == f"{path}: cut off: it has no directory at its end; get it again"
    with pytest.raises(SubmissionError, match=r"set\.zip: not a readable zip \(cut off: it has no directory at its end; get it again\)"):
        read_entries(path, r"gt_img_([0-9]+).txt", strict=False, kind=SubmissionError)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_entries_whose_unpacked_size_has_no_limit_are_reported_and_not_read(tmp_path, compression):
    with zipfile.ZipFile(tmp_path / "set.zip", "w", compression) as archive:
        archive.writestr("gt_img_1.txt", bytes(1000))
        archive.writestr("img_1.jpg", b"x", zipfile.ZIP_STORED)
    _, names, problems = list_source(tmp_path / "set.zip")
    assert names == ["img_1.jpg"]
    assert reasons_left_out(problems)[0].startswith("the entry is neither stored nor deflated")
    with pytest.raises(SubmissionError, match="gt_img_1.txt: the entry is neither stored nor deflated"):
        read_entries(tmp_path / "set.zip", r"gt_img_([0-9]+).txt", strict=False, kind=SubmissionError)
