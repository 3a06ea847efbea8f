"""The token file of Ray is closed to other users before Ray starts."""

import os
import stat
from pathlib import Path

import pytest

from raygroup.errors import ConfigError
from raygroup.runtime.on_ray.auth_token import prepare_token

NAMES = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
CLUSTER = "10.0.0.1:6379"


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of the token of a user who has none yet."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home" / ".ray" / "auth_token"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def write(token: Path, content: str, file_mode: int = 0o644) -> None:
    token.parent.mkdir(parents=True, exist_ok=True)
    token.write_text(content)
    token.chmod(file_mode)
    token.parent.chmod(0o755)


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_new_token_is_closed_to_others_whatever_the_umask_is(token, open_umask, monkeypatch):
    modes = []
    link = os.link

    def watched_link(source, target):
        modes.append(mode(source))
        link(source, target)

    monkeypatch.setattr(os, "link", watched_link)
    prepare_token(None)
    assert modes == [0o600], "it was open before it had its name"
    assert (mode(token), mode(token.parent)) == (0o600, 0o700)
    assert len(token.read_text()) == 64
    assert [path.name for path in token.parent.iterdir()] == ["auth_token"]


def test_a_token_that_ray_made_is_closed_and_kept(token):
    write(token, "a token")
    prepare_token(None)
    assert (mode(token), mode(token.parent), token.read_text()) == (0o600, 0o700, "a token")


def test_the_token_for_a_running_cluster_is_closed_too(token):
    write(token, "a token")
    prepare_token(CLUSTER)
    assert mode(token) == 0o600


def test_of_two_processes_that_make_a_token_the_first_one_counts(token, monkeypatch):
    link = os.link

    def slower_link(source, target):
        write(token, "the token of the other", 0o600)
        link(source, target)

    monkeypatch.setattr(os, "link", slower_link)
    prepare_token(None)
    assert token.read_text() == "the token of the other"


@pytest.mark.parametrize("content", ["", " \n"])
@pytest.mark.parametrize("address", [None, CLUSTER])
def test_an_empty_token_file_is_named(token, content, address):
    write(token, content)
    with pytest.raises(ConfigError, match=f"{token}: the token file of Ray is empty; delete it, or "):
        prepare_token(address)


def test_a_token_path_without_a_file_is_named_and_no_file_is_made(token, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="none: the token file of Ray is missing; set RAY_AUTH_TOKEN_PATH .* or use --local"):
        prepare_token(None)
    assert not (tmp_path / "none").exists()


def test_a_cluster_whose_token_is_missing_here_is_reported(token):
    with pytest.raises(ConfigError, match="is missing; copy the token file of the cluster to it, or set RAY_AUTH_MODE=disabled"):
        prepare_token(CLUSTER)
    assert not token.exists()


def test_a_home_that_cannot_be_written_is_reported_before_any_work(token, tmp_path):
    (tmp_path / "home").write_text("a file where the home should be")
    with pytest.raises(ConfigError, match="cannot be used: Not a directory; set RAY_AUTH_TOKEN_PATH .* or use --local"):
        prepare_token(None)


@pytest.mark.parametrize(("name", "value"), [("RAY_AUTH_MODE", "disabled"), ("RAY_AUTH_TOKEN", "a token")])
def test_no_file_is_made_for_a_user_who_needs_none(token, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    prepare_token(None)
    assert not token.exists()
