"""A run's own Ray has a private folder with a name that is short enough for sockets."""

import os
import shutil
import subprocess
import sys
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
from raygroup.runtime.on_ray.settings import start_reason

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


START_RAY = """
import sys
from pathlib import Path
from raygroup.runtime.on_ray.auth_token import prepare_token
from raygroup.runtime.on_ray.settings import start_ray
prepare_token(None)
ray = start_ray(Path(sys.argv[1]))
print(ray.get(ray.remote(lambda: __import__("tempfile").gettempdir()).remote()))
ray.shutdown()
"""


@pytest.mark.slow
def test_ray_starts_with_a_long_temporary_folder_and_its_dashboard_too(tmp_path, short):
    (tmp_path / LONG).mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    started = subprocess.run(
        [sys.executable, "-c", START_RAY, str(short)], env=environment | {"TMPDIR": str(tmp_path / LONG), "HOME": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert started.returncode == 0, started.stderr
    assert started.stdout.splitlines()[-1] == str(short)


@pytest.mark.parametrize("is_long", [True, False])
def test_only_a_long_name_is_replaced_for_the_temporary_files_of_ray(tmp_path, short, monkeypatch, is_long):
    usual = tmp_path / LONG if is_long else short
    usual.mkdir(exist_ok=True)
    use_tmpdir(monkeypatch, usual)
    monkeypatch.setenv("TMPDIR", str(usual))
    session_folder.shorten_temporary_folder(short / "mine")
    assert os.environ["TMPDIR"] == str(short / "mine" if is_long else usual)


def test_the_reason_why_a_dashboard_failed_is_the_end_of_its_log():
    cited = "\nThe last 20 lines of /r/dashboard.log (it contains the error message from the dashboard): \n  bind\nOSError: too long\n"
    assert start_reason(Exception(cited)) == "its dashboard did not start: OSError: too long"
    assert start_reason(Exception("The current node timed out during startup.\nMore.")) == "The current node timed out during startup."
    assert start_reason(Exception()) == "Exception"


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
