"""Folders, zips and tarballs are read alike, and none of their entries can harm the reader."""

import os
import stat
import tarfile
import zipfile

import pytest
from archives_for_tests import FILES, list_source, pack, reasons_left_out
from label_files_for_tests import write

from raygroup.errors import ConfigError
from raygroup.scenes.archives.sources import open_source

KINDS = ("folder", "zip", "tar", "tar.gz", "tar.bz2", "tar.xz")


@pytest.mark.parametrize("kind", KINDS)
def test_folders_zips_and_tarballs_hold_the_same_files(tmp_path, kind):
    source, names, problems = list_source(pack(tmp_path / "set", FILES, kind))
    assert sorted(names) == sorted(FILES)
    assert {name: source.read(name) for name in names} == FILES
    assert dict(source.stream(["img/img_1.jpg", "gt/gt_img_00001.txt"])) == {name: FILES[name] for name in list(FILES)[::2]}
    assert problems.counts == {}


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_names_that_lead_out_of_an_archive_are_reported_and_never_read(tmp_path, kind):
    dangerous = ["../up.txt", "a/../../up.txt", "/etc/passwd.txt", "C:\\Windows\\x.txt", "..\\up.txt", "fine/./deep//in.txt"]
    _, names, problems = list_source(pack(tmp_path / "set", dict.fromkeys(dangerous, b"x"), kind))
    assert names == ["fine/deep/in.txt"]
    assert [reason.endswith("leads out of the archive") for reason in reasons_left_out(problems)] == [True] * 5


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_of_two_entries_with_one_name_the_first_is_taken(tmp_path, kind):
    source, names, problems = list_source(pack(tmp_path / "set", [("a.txt", b"first"), ("b.txt", b"b"), ("a.txt", b"second")], kind))
    assert (names, source.read("a.txt")) == (["a.txt", "b.txt"], b"first")
    assert reasons_left_out(problems) == ["a second file of this name; the first is taken"]


def test_system_files_of_macs_and_windows_are_skipped_silently(tmp_path):
    system_files = ("__MACOSX/._a.txt", "x/._a.txt", "Thumbs.db", "x/.DS_Store", "desktop.ini")
    _, names, problems = list_source(pack(tmp_path / "set", {**dict.fromkeys(system_files, b""), "a.txt": b""}, "zip"))
    assert names == ["a.txt"]
    assert problems.counts == {}


def test_links_out_of_a_folder_are_reported_and_links_within_are_files(tmp_path):
    write(tmp_path, {"outside/secret.txt": b"s", "set/a.txt": b"a", "set/deep/b.txt": b"b"})
    os.symlink(tmp_path / "outside" / "secret.txt", tmp_path / "set" / "c.txt")
    os.symlink(tmp_path / "outside", tmp_path / "set" / "d")
    os.symlink(tmp_path / "set" / "a.txt", tmp_path / "set" / "e.txt")
    os.symlink(tmp_path / "set", tmp_path / "set" / "deep" / "loop")
    os.symlink(tmp_path / "nowhere", tmp_path / "set" / "f.txt")
    os.mkfifo(tmp_path / "set" / "g.txt")
    source, names, problems = list_source(tmp_path / "set")
    assert names == ["a.txt", "e.txt", "deep/b.txt"]
    assert source.read("e.txt") == b"a"
    reasons = {problem.place.rsplit("/", 1)[1]: problem.what for problem in problems.entries}
    assert sorted(reasons) == ["c.txt", "d", "f.txt", "g.txt", "loop"]
    assert reasons["c.txt"] == reasons["d"] == reasons["f.txt"] == "a link out of the folder: pass its target as another path"
    assert reasons["g.txt"] == "neither a file nor a folder"


def test_links_and_devices_in_archives_are_reported(tmp_path):
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            entry = tarfile.TarInfo(f"{kind.decode()}.txt")
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    for archive_name, count in (("set.tar", 4), ("set.zip", 1)):
        _, names, problems = list_source(tmp_path / archive_name)
        assert (names, len(reasons_left_out(problems))) == ([], count)


def test_a_file_that_is_too_large_for_its_kind_is_left_out(tmp_path):
    for name, size in (("a.txt", 33 << 20), ("b.mat", 2 << 20), ("c.jpg", 257 << 20), ("d.json", 33 << 20)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    _, names, problems = list_source(tmp_path)
    assert names == ["d.json"]
    assert reasons_left_out(problems)[0] == "34,603,008 bytes: files of this kind may have at most 32 MB"


def test_a_path_that_is_no_source_is_refused_in_one_line(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(ConfigError, match=r"photo\.jpg: must be a folder, a zip, a tarball, or a label file"):
        open_source(tmp_path / "photo.jpg")
    with pytest.raises(ConfigError, match="no such file or folder"):
        open_source(tmp_path / "missing")
