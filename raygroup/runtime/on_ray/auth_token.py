"""The token file of Ray, which no other user may read.

Ray itself creates the file readable by everyone, so raygroup creates it first.
"""

import contextlib
import os
import secrets
import stat
from pathlib import Path

from raygroup.errors import ConfigError

_MODE, _TEXT, _PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_TOKEN_BYTES = 32


def prepare_token(address: str | None) -> None:
    """Make sure that Ray finds a token that only this user can read.

    Without an address a missing token is created. Raises ConfigError if there is no usable token.
    """
    if os.environ.get(_MODE, "token").lower() != "token" or os.environ.get(_TEXT, "").strip():
        return
    path = token_path()
    try:
        if not path.exists() and address is None and not os.environ.get(_PATH):
            _create(path)
        _close_to_others(path)
        token = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: the token file of Ray is missing; {_remedy(address)}") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text"
        raise ConfigError(f"{path}: the token file of Ray cannot be used: {reason}; {_remedy(address)}") from error
    if not token:
        raise ConfigError(f"{path}: the token file of Ray is empty; delete it, or {_remedy(address)}")


def refusal_text(address: str) -> str:
    """Return the line for a cluster that refuses this user's token."""
    token = f"the token of {_TEXT}" if os.environ.get(_TEXT, "").strip() else f"the token in {token_path()}"
    return f"--address {address}: the cluster refuses {token}; {_remedy(address)}"


def token_path() -> Path:
    """Return the path of the token file. Raises ConfigError if this user has no home folder."""
    configured = os.environ.get(_PATH)
    if configured:
        return Path(configured)
    try:
        return Path.home() / ".ray" / "auth_token"
    except RuntimeError as error:
        raise ConfigError(f"this user has no home folder for Ray's token: set HOME, or {_PATH} to a file that holds a token") from error


def _remedy(address: str | None) -> str:
    if address is None:
        return f"set {_PATH} to a file that holds a token, or use --local"
    return f"copy the token file of the cluster to it, or set {_MODE}=disabled for a cluster without a token"


def _create(path: Path) -> None:
    """Write a new token. Nobody else can read the file at any moment, and nobody sees half of it."""
    path.parent.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(secrets.token_hex(_TOKEN_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: its token counts
            os.link(partial, path)
    finally:
        partial.unlink()


def _close_to_others(path: Path) -> None:
    """Take the rights of other users away.

    A file of another owner, such as a mounted secret, stays as it is.
    """
    own_folder = [path.parent] if path.parent.name == ".ray" else []
    for place in [*own_folder, path]:
        status = place.stat()
        if status.st_uid == os.getuid() and status.st_mode & _OTHERS:
            place.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
