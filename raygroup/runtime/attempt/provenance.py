"""Where a number comes from: versions and commit, kept in every history."""

import functools
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@functools.cache
def versions() -> dict[str, str]:
    """Of Python and the packages that numbers depend on, as far as they are installed."""
    found = {"python": platform.python_version()}
    for name in ("raygroup", "torch", "numpy", "pyarrow", "ray"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@functools.cache
def git_commit() -> str | None:
    """The commit of the checkout this file belongs to, with + if it was changed since; None where git does not know the file."""
    ask = functools.partial(subprocess.run, cwd=Path(__file__).parent, capture_output=True, text=True, check=False, timeout=10)
    try:
        if ask(["git", "ls-files", "--error-unmatch", Path(__file__).name]).returncode:
            return None
        head = ask(["git", "rev-parse", "HEAD"])
        changed = ask(["git", "status", "--porcelain", "--untracked-files=no"])
    except (OSError, subprocess.TimeoutExpired):
        return None
    return head.stdout.strip() + ("+" if changed.stdout else "") if head.returncode == 0 else None
