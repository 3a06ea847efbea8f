"""Folders, zips and tarballs: read alike, and nothing in them leads out of them, swells without end or passes for what it is not."""

import bz2
import gzip
import io
import lzma
import os
import random
import stat
import struct
import tarfile
import warnings
import zipfile
from contextlib import closing

import pytest
from given_labels import write

from raygroup.errors import ConfigError, UnreadableFileError
from raygroup.scenes.archives import members, tarballs
from raygroup.scenes.archives.sources import source_of
from raygroup.scenes.archives.tarballs import Forward
from raygroup.scenes.collection import Collection
from raygroup.scenes.scene import Problems

_NOISE = random.Random(0)

FILES = {"gt/gt_img_00001.txt": b"one", "gt/gt_img_00002.txt": b"two", "img/img_1.jpg": b"\xff\xd8picture"}
KINDS = ("folder", "zip", "tar", "tar.gz", "tar.bz2", "tar.xz")


def packed(path, files, kind):
    if kind == "folder":
        return write(path, files)
    if kind == "zip":
        with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            warnings.simplefilter("ignore")  # of names that stand twice
            for name, content in files.items() if isinstance(files, dict) else files:
                archive.writestr(name, content)
        return path
    with tarfile.open(path, "w:" + kind.removeprefix("tar").removeprefix("."), format=tarfile.GNU_FORMAT) as archive:
        for name, content in files.items() if isinstance(files, dict) else files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def listed(path):
    problems = Problems()
    source = source_of(path)
    return source, [member.name for member in source.list(0, problems.add)], problems


def left_out(problems):
    return [problem.what for problem in problems.kept if problem.kind == "entry left out"]


@pytest.mark.parametrize("kind", KINDS)
def test_folders_zips_and_tarballs_hold_the_same_files(tmp_path, kind):
    source, names, problems = listed(packed(tmp_path / "set", FILES, kind))
    assert sorted(names) == sorted(FILES)
    assert {name: source.read(name) for name in names} == FILES
    assert dict(source.stream(["img/img_1.jpg", "gt/gt_img_00001.txt"])) == {name: FILES[name] for name in list(FILES)[::2]}
    assert problems.counts == {}


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_names_that_lead_out_of_an_archive_are_told_of_and_never_read(tmp_path, kind):
    names = ["../up.txt", "a/../../up.txt", "/etc/passwd.txt", "C:\\Windows\\x.txt", "..\\up.txt", "fine/./deep//in.txt"]
    _, found, problems = listed(packed(tmp_path / "set", dict.fromkeys(names, b"x"), kind))
    assert found == ["fine/deep/in.txt"]
    assert [what.endswith("leads out of the archive") for what in left_out(problems)] == [True] * 5


def test_a_zip_from_windows_has_folders_between_its_backslashes(tmp_path):
    path = tmp_path / "set.zip"
    packed(path, {"gt_folder_1.txt": b"one"}, "zip")
    path.write_bytes(path.read_bytes().replace(b"gt_folder_1.txt", b"gt\\folder\\1.txt"))
    source, found, problems = listed(path)
    assert found == ["gt/folder/1.txt"]
    assert source.read("gt/folder/1.txt") == b"one"
    assert problems.counts == {}


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_name_that_stands_twice_is_taken_once_and_the_first(tmp_path, kind):
    source, found, problems = listed(packed(tmp_path / "set", [("a.txt", b"first"), ("b.txt", b"b"), ("a.txt", b"second")], kind))
    assert (found, source.read("a.txt")) == (["a.txt", "b.txt"], b"first")
    assert left_out(problems) == ["this name stands here twice; the first is taken"]


def test_what_macs_and_windows_leave_in_archives_is_passed_over(tmp_path):
    names = ("__MACOSX/._a.txt", "x/._a.txt", "Thumbs.db", "x/.DS_Store", "desktop.ini")
    _, found, problems = listed(packed(tmp_path / "set", {**dict.fromkeys(names, b""), "a.txt": b""}, "zip"))
    assert found == ["a.txt"]
    assert problems.counts == {}


def test_links_out_of_a_folder_are_told_of_and_links_within_are_files(tmp_path):
    write(tmp_path, {"outside/secret.txt": b"s", "set/a.txt": b"a", "set/deep/b.txt": b"b"})
    os.symlink(tmp_path / "outside" / "secret.txt", tmp_path / "set" / "c.txt")
    os.symlink(tmp_path / "outside", tmp_path / "set" / "d")
    os.symlink(tmp_path / "set" / "a.txt", tmp_path / "set" / "e.txt")
    os.symlink(tmp_path / "set", tmp_path / "set" / "deep" / "loop")
    os.symlink(tmp_path / "nowhere", tmp_path / "set" / "f.txt")
    os.mkfifo(tmp_path / "set" / "g.txt")
    source, found, problems = listed(tmp_path / "set")
    assert found == ["a.txt", "e.txt", "deep/b.txt"]
    assert source.read("e.txt") == b"a"
    said = {problem.place.rsplit("/", 1)[1]: problem.what for problem in problems.kept}
    assert sorted(said) == ["c.txt", "d", "f.txt", "g.txt", "loop"]
    assert said["c.txt"] == said["d"] == said["f.txt"] == "a link out of the folder: give what it leads to as a path of its own"
    assert said["g.txt"] == "neither a file nor a folder"


def test_links_and_devices_in_archives_are_told_of(tmp_path):
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            entry = tarfile.TarInfo(f"{kind.decode()}.txt")
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    for name, count in (("set.tar", 4), ("set.zip", 1)):
        _, found, problems = listed(tmp_path / name)
        assert (found, len(left_out(problems))) == ([], count)


def test_an_encrypted_entry_is_told_of(tmp_path):
    path = packed(tmp_path / "set.zip", {"a.txt": b"x"}, "zip")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    _, found, problems = listed(path)
    assert (found, left_out(problems)) == ([], ["the entry is encrypted; unpack the archive and give the folder"])


def test_names_with_control_codes_or_of_no_text_are_told_of_in_print(tmp_path):
    with tarfile.open(tmp_path / "set.tar", "w", errors="surrogateescape") as archive:
        for name in ("a\x1b[31m.txt", "caf\udce9.txt", "x" * 2000 + ".txt", "fine.txt"):
            archive.addfile(tarfile.TarInfo(name))
    _, found, problems = listed(tmp_path / "set.tar")
    assert found == ["fine.txt"]
    assert all(problem.place.isprintable() for problem in problems.kept)
    assert len(left_out(problems)) == 3


@pytest.mark.parametrize("opened", [gzip.open, bz2.open, lzma.open])
def test_a_tarball_that_swells_is_read_no_further_than_two_hundred_times_its_size(tmp_path, monkeypatch, opened):
    monkeypatch.setattr(members, "FREE_BYTES", 1 << 20)
    path = tmp_path / "bomb"
    with opened(path, "wb") as file, tarfile.open(fileobj=file, mode="w|") as archive:
        for number in range(8):
            entry = tarfile.TarInfo(f"{number}.jpg")
            entry.size = 1 << 20
            archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    _, found, problems = listed(path)
    assert len(found) <= 2
    assert "it unpacks to more than" in problems.first("archive damaged").what


def test_entries_of_a_zip_beyond_two_hundred_times_its_size_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(members, "FREE_BYTES", 1 << 20)
    _, found, problems = listed(packed(tmp_path / "bomb", {f"{number}.jpg": bytes(700_000) for number in range(8)}, "zip"))
    assert len(found) == members.room_of((tmp_path / "bomb").stat().st_size) // 700_000 < 8
    assert set(left_out(problems)) == {"the archive would unpack to more than 200 times its size: what is over that is left out"}


def test_a_file_that_is_too_large_for_its_kind_is_left_out(tmp_path):
    for name, size in (("a.txt", 33 << 20), ("b.mat", 2 << 20), ("c.jpg", 257 << 20), ("d.json", 33 << 20)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    _, found, problems = listed(tmp_path)
    assert found == ["d.json"]
    assert left_out(problems)[0] == "34,603,008 bytes: at most 32 MB are read of such a file"


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.xz"])
def test_a_tarball_cut_in_the_middle_gives_what_stands_before_the_cut(tmp_path, kind):
    files = {f"{number:02}.jpg": _NOISE.randbytes(5000) for number in range(20)}
    path = packed(tmp_path / "set", files, kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source, found, problems = listed(path)
    assert 5 < len(found) < 15
    assert problems.counts == {"archive damaged": 1}
    read = dict(source.stream(found))
    assert [read[name] for name in found[:-1]] == [files[name] for name in found[:-1]]
    assert isinstance(read[found[-1]], UnreadableFileError) or read[found[-1]] == files[found[-1]]


def test_a_checksum_that_does_not_hold_is_told_of_though_every_header_could_be_read(tmp_path):
    path = packed(tmp_path / "set", {"a.jpg": _NOISE.randbytes(4000)}, "tar.gz")
    content = bytearray(path.read_bytes())
    content[-8] ^= 4
    path.write_bytes(content)
    _, found, problems = listed(path)
    assert found == ["a.jpg"]
    assert "CRC check failed" in problems.first("archive damaged").what


def test_a_tarball_that_cannot_be_unpacked_at_all_is_refused_with_the_reason(tmp_path):
    path = packed(tmp_path / "set", FILES, "tar.bz2")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ConfigError, match=r"set: not readable as an archive: Compressed file ended before"):
        source_of(path)


def test_a_zip_whose_directory_was_cut_short_tells_how_many_entries_are_gone(tmp_path):
    path = packed(tmp_path / "set.zip", FILES, "zip")
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\1\2")
    second = content.index(b"PK\1\2", start + 4)
    content[-22 + 12 : -22 + 16] = struct.pack("<I", len(content) - 22 - second)
    path.write_bytes(content)
    assert str(listed(path)[2].first("archive damaged")) == f"{path}: it says that it holds 3 entries, its directory names 2"


def test_a_header_flipped_in_the_middle_is_told_of_and_not_taken_for_the_end(tmp_path):
    path = packed(tmp_path / "set", {f"{number:02}.jpg": bytes(600) for number in range(6)}, "tar")
    content = bytearray(path.read_bytes())
    content[3 * (512 + 1024) + 3] ^= 0xFF
    path.write_bytes(content)
    _, found, problems = listed(path)
    assert found == ["00.jpg", "01.jpg", "02.jpg"]
    assert "neither a file's header nor the end" in problems.first("archive damaged").what


def test_a_long_name_that_claims_gigabytes_is_not_read(tmp_path):
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 7 << 30
    (tmp_path / "set.tar").write_bytes(tarfile.TarInfo("a.jpg").tobuf() + entry.tobuf() + bytes(10240))
    _, found, problems = listed(tmp_path / "set.tar")
    assert found == ["a.jpg"]
    assert "a header at byte 1,024 asks for 7,516,192,768 bytes" in problems.first("archive damaged").what


def test_a_header_that_leads_backwards_ends_the_reading(tmp_path):
    entry = tarfile.TarInfo("a.jpg")
    header = bytearray(entry.tobuf())
    header[124:136] = b"\xff" * 8 + struct.pack(">i", -1024)
    header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:]))
    (tmp_path / "set.tar").write_bytes(tarfile.TarInfo("first.jpg").tobuf() + bytes(header) + bytes(10240))
    _, found, problems = listed(tmp_path / "set.tar")
    assert found[:1] == ["first.jpg"]
    assert problems.counts == {"archive damaged": 1}


def test_streams_of_a_tarball_go_on_where_the_one_before_ended(tmp_path, monkeypatch):
    files = {f"{number:03}.jpg": b"%d" % number for number in range(60)}
    source, names, _ = listed(packed(tmp_path / "set", files, "tar.gz"))
    opened = []

    def counted(path):
        opened.append(path)
        return Forward(path)

    monkeypatch.setattr(tarballs, "Forward", counted)
    for start in range(0, 60, 10):
        assert dict(source.stream(names[start : start + 10])) == {name: files[name] for name in names[start : start + 10]}
    assert len(opened) == 1
    assert source.read(names[5]) == b"5"
    assert len(opened) == 2


def test_the_bytes_of_a_tarball_are_read_forwards_only(tmp_path):
    path = packed(tmp_path / "set", FILES, "tar.gz")
    with closing(Forward(path)) as forward:
        assert forward.seek(600) == 600
        with pytest.raises(UnreadableFileError, match="leads back to byte 10"):
            forward.seek(10)


def test_a_zip_whose_directory_is_larger_than_itself_is_no_archive(tmp_path):
    path = packed(tmp_path / "set.zip", FILES, "zip")
    content = bytearray(path.read_bytes())
    content[-22 + 12 : -22 + 16] = struct.pack("<I", 1 << 31)
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"set\.zip: not readable as an archive: its directory would be 2,147,483,648 bytes"):
        source_of(path)


def test_a_tarball_whose_last_file_is_a_zip_is_a_tarball(tmp_path):
    inner = packed(tmp_path / "inner.zip", FILES, "zip").read_bytes()
    _, found, _ = listed(packed(tmp_path / "set.tar", {"a.jpg": b"a", "inner.zip": inner}, "tar"))
    assert found == ["a.jpg", "inner.zip"]


def test_what_is_no_source_is_refused_in_one_line(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(ConfigError, match=r"photo\.jpg: must be a folder, a zip, a tarball, or a label file"):
        source_of(tmp_path / "photo.jpg")
    with pytest.raises(ConfigError, match="no such file or folder"):
        source_of(tmp_path / "missing")


def test_labels_and_images_may_lie_apart(tmp_path):
    labels = packed(tmp_path / "gt.zip", {"gt_img_00001.txt": b"x"}, "zip")
    images = packed(tmp_path / "images.tar.gz", {"part1/ts_img_00001.jpg": b"x"}, "tar.gz")
    collection = Collection([labels, images])
    image = collection.image_of(["ts_img_00001"], "here")
    assert collection.place(image) == "images.tar.gz/part1/ts_img_00001.jpg"
    assert dict(collection.stream([image])) == {image: b"x"}


def test_of_two_images_for_a_label_the_nearer_one_is_its_own_and_else_the_first_which_is_told(tmp_path):
    files = {
        "train/gt/gt_img_1.txt": b"",
        "train/im/img_1.jpg": b"",
        "val/gt/gt_img_1.txt": b"",
        "val/im/img_1.jpg": b"",
        "val/im/img_1.png": b"",
    }
    collection = Collection([write(tmp_path, files)])
    train, val = (member for member in collection.members if member.suffix == ".txt")
    assert collection.image_of(["img_1"], "train", train).name == "train/im/img_1.jpg"
    assert collection.problems.counts == {}
    assert collection.image_of(["img_1"], "val/gt/gt_img_1.txt", val).name == "train/im/img_1.jpg"
    assert str(collection.problems.first("two images")).startswith("val/gt/gt_img_1.txt: 3 images are its own: train/im/img_1.jpg, val/")
