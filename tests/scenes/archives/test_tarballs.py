"""Tarballs: damaged ones give their intact files, bombs are stopped, and reading only goes forwards."""

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
from contextlib import closing

import pytest
from archives_for_tests import FILES, list_source, pack, reasons_left_out

from raygroup.errors import ConfigError, UnreadableFileError
from raygroup.scenes.archives import members, tarballs
from raygroup.scenes.archives.sources import open_source
from raygroup.scenes.archives.tarballs import ForwardReader

_NOISE = random.Random(0)


def test_names_with_control_codes_or_wrong_encoding_are_reported_in_printable_form(tmp_path):
    with tarfile.open(tmp_path / "set.tar", "w", errors="surrogateescape") as archive:
        for name in ("a\x1b[31m.txt", "caf\udce9.txt", "x" * 2000 + ".txt", "fine.txt"):
            archive.addfile(tarfile.TarInfo(name))
    _, names, problems = list_source(tmp_path / "set.tar")
    assert names == ["fine.txt"]
    assert all(problem.place.isprintable() for problem in problems.entries)
    assert len(reasons_left_out(problems)) == 3


@pytest.mark.parametrize("opener", [gzip.open, bz2.open, lzma.open])
def test_a_compression_bomb_is_read_no_further_than_two_hundred_times_its_size(tmp_path, monkeypatch, opener):
    monkeypatch.setattr(members, "FREE_BYTES", 1 << 20)
    path = tmp_path / "bomb"
    with opener(path, "wb") as file, tarfile.open(fileobj=file, mode="w|") as archive:
        for number in range(8):
            entry = tarfile.TarInfo(f"{number}.jpg")
            entry.size = 1 << 20
            archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    _, names, problems = list_source(path)
    assert len(names) <= 2
    assert "it unpacks to more than" in problems.first("archive damaged").what


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.xz"])
def test_a_tarball_cut_in_the_middle_gives_the_files_before_the_cut(tmp_path, kind):
    files = {f"{number:02}.jpg": _NOISE.randbytes(5000) for number in range(20)}
    path = pack(tmp_path / "set", files, kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source, names, problems = list_source(path)
    assert 5 < len(names) < 15
    assert problems.counts == {"archive damaged": 1}
    contents = dict(source.stream(names))
    assert [contents[name] for name in names[:-1]] == [files[name] for name in names[:-1]]
    assert isinstance(contents[names[-1]], UnreadableFileError) or contents[names[-1]] == files[names[-1]]


def test_a_wrong_checksum_is_reported_even_if_every_header_is_intact(tmp_path):
    path = pack(tmp_path / "set", {"a.jpg": _NOISE.randbytes(4000)}, "tar.gz")
    content = bytearray(path.read_bytes())
    content[-8] ^= 4
    path.write_bytes(content)
    _, names, problems = list_source(path)
    assert names == ["a.jpg"]
    assert "CRC check failed" in problems.first("archive damaged").what


def test_a_tarball_that_cannot_be_unpacked_at_all_is_refused_with_the_reason(tmp_path):
    path = pack(tmp_path / "set", FILES, "tar.bz2")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ConfigError, match=r"set: not readable as an archive: Compressed file ended before"):
        open_source(path)


def test_a_damaged_header_is_reported_and_not_taken_for_the_end(tmp_path):
    path = pack(tmp_path / "set", {f"{number:02}.jpg": bytes(600) for number in range(6)}, "tar")
    content = bytearray(path.read_bytes())
    content[3 * (512 + 1024) + 3] ^= 0xFF
    path.write_bytes(content)
    _, names, problems = list_source(path)
    assert names == ["00.jpg", "01.jpg", "02.jpg"]
    assert "is neither the header of a file nor the end" in problems.first("archive damaged").what


def test_a_long_name_that_claims_gigabytes_is_not_read(tmp_path):
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 7 << 30
    (tmp_path / "set.tar").write_bytes(tarfile.TarInfo("a.jpg").tobuf() + entry.tobuf() + bytes(10240))
    _, names, problems = list_source(tmp_path / "set.tar")
    assert names == ["a.jpg"]
    assert "a header at byte 1,024 asks for 7,516,192,768 bytes" in problems.first("archive damaged").what


def test_a_header_that_points_backwards_ends_the_reading(tmp_path):
    entry = tarfile.TarInfo("a.jpg")
    header = bytearray(entry.tobuf())
    header[124:136] = b"\xff" * 8 + struct.pack(">i", -1024)
    header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:]))
    (tmp_path / "set.tar").write_bytes(tarfile.TarInfo("first.jpg").tobuf() + bytes(header) + bytes(10240))
    _, names, problems = list_source(tmp_path / "set.tar")
    assert names[:1] == ["first.jpg"]
    assert problems.counts == {"archive damaged": 1}


def test_a_stream_of_a_tarball_continues_where_the_last_one_ended(tmp_path, monkeypatch):
    files = {f"{number:03}.jpg": b"%d" % number for number in range(60)}
    source, names, _ = list_source(pack(tmp_path / "set", files, "tar.gz"))
    passes = []

    def count_passes(path):
        passes.append(path)
        return ForwardReader(path)

    monkeypatch.setattr(tarballs, "ForwardReader", count_passes)
    for start in range(0, 60, 10):
        assert dict(source.stream(names[start : start + 10])) == {name: files[name] for name in names[start : start + 10]}
    assert len(passes) == 1
    assert source.read(names[5]) == b"5"
    assert len(passes) == 2


def test_the_bytes_of_a_tarball_are_read_forwards_only(tmp_path):
    path = pack(tmp_path / "set", FILES, "tar.gz")
    with closing(ForwardReader(path)) as reader:
        assert reader.seek(600) == 600
        with pytest.raises(UnreadableFileError, match="points back to byte 10"):
            reader.seek(10)


def test_a_tarball_whose_last_file_is_a_zip_is_read_as_a_tarball(tmp_path):
    inner = pack(tmp_path / "inner.zip", FILES, "zip").read_bytes()
    _, names, _ = list_source(pack(tmp_path / "set.tar", {"a.jpg": b"a", "inner.zip": inner}, "tar"))
    assert names == ["a.jpg", "inner.zip"]
