"""A run's own Ray has a private folder with a name that is short enough for sockets."""

import os
import shutil
import tempfile
import time
from collections import namedtuple
from pathlib import Path

import pytest

from raygroup.errors import ConfigError
from raygroup.runtime.on_ray import session_folder
from raygroup.runtime.on_ray.session_folder import (
    make_session_folder,
    ray_logs,
    ray_options,
    remove_session_folder,
    temporary_base,
    use_session_folder,
)

LONG = "slurm-1355700-scratch-of-a-user-with-a-long-name"
Usage = namedtuple("Usage", "free")


@pytest.fixture
def short():
    """Return an empty folder whose name leaves room for the paths of sockets."""
    with tempfile.TemporaryDirectory(prefix="rg", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def base(short, monkeypatch):
    monkeypatch.setenv("RAY_TMPDIR", str(short))
    return short


def use_tmpdir(monkeypatch, folder):
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))


def test_only_its_owner_can_enter_the_folder_from_the_first_moment(base, monkeypatch):
    before = os.umask(0)
    try:
        monkeypatch.setattr(Path, "chmod", None)  # no second step
        folder = make_session_folder()
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.parent == base


def test_every_socket_of_ray_fits_into_the_longest_accepted_folder():
    room = session_folder._MAX_BASE_BYTES
    longest = Path("/" + "x" * (room - 1)) / f"{session_folder._PREFIX}12345678"
    assert len(ray_options(longest)["_temp_dir"] + session_folder._SOCKET_PATH) == 107
    assert room >= len("/var/tmp")


def test_a_temporary_folder_with_a_long_name_is_replaced_by_a_short_one(tmp_path, monkeypatch):
    (tmp_path / LONG).mkdir()
    use_tmpdir(monkeypatch, tmp_path / LONG)
    assert temporary_base() == Path("/tmp")


def test_a_temporary_folder_with_a_short_name_is_used(short, monkeypatch):
    use_tmpdir(monkeypatch, short)
    assert temporary_base() == short


def test_a_folder_that_the_user_chose_for_ray_is_never_replaced(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / LONG))
    with pytest.raises(ConfigError, match=f"{LONG}: its name has .* leave room for 21; set RAY_TMPDIR to another folder, or use --local"):
        temporary_base()


def test_a_full_temporary_folder_is_refused(base, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(5_000_000))
    with pytest.raises(ConfigError, match="it has only 5 MB free, and Ray needs 100; set RAY_TMPDIR to another folder, or use --local"):
        temporary_base()


def test_a_missing_temporary_folder_is_refused(monkeypatch):
    monkeypatch.setenv("RAY_TMPDIR", "/tmp/no-such")
    with pytest.raises(ConfigError, match="Ray cannot run in /tmp/no-such: there is no such folder"):
        temporary_base()


def test_objects_lie_in_shared_memory_where_there_is_enough(base):
    assert ray_options(base, shared_memory=base) == {"_temp_dir": f"{base}/r"}


@pytest.mark.parametrize("free", [None, 64_000_000])
def test_objects_lie_in_the_folder_without_enough_shared_memory(base, free, monkeypatch):
    if free:
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(free))
    options = ray_options(base, shared_memory=base if free else base / "none")
    assert options["_plasma_directory"] == str(base)
    assert options["object_store_memory"] >= 75 << 20, "Ray refuses less"


def age(folder: Path) -> None:
    os.utime(folder / "lock", (time.time() - 48 * 3600,) * 2)


def test_a_folder_that_a_killed_run_left_is_removed_a_day_later(base):
    left, recent, in_use = (make_session_folder() for _ in range(3))
    ray_logs(left).mkdir(parents=True)
    age(left)
    age(in_use)
    with use_session_folder(in_use):
        new = make_session_folder()
    assert sorted(base.iterdir()) == sorted([recent, in_use, new])


def test_removing_a_folder_twice_is_no_error(base):
    folder = make_session_folder()
    remove_session_folder(folder)
    remove_session_folder(folder)
    remove_session_folder(None)
    assert not list(base.iterdir())
