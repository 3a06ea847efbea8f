"""Versions and the commit behind a trial's numbers. Every history stores them."""

import functools
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

COMMIT_FILE = "commit.txt"
"""File beside this module in an installed package: the commit from which it was built."""


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on.

    Packages that are not installed are left out.
    """
    version_of = {"python": platform.python_version()}
    for package in ("raygroup", "torch", "numpy", "pyarrow", "ray"):
        try:
            version_of[package] = version(package)
        except PackageNotFoundError:
            continue
    return version_of


@functools.cache
def git_commit() -> str | None:
    """Return the commit of this code, or None if it is unknown.

    It is that of the checkout, or the one from which the installed package was built. A ``+`` is
    added if tracked files had been changed since.
    """
    return commit_of(Path(__file__).parent)


def commit_of(folder: Path) -> str | None:
    """Return the commit of the code in a folder, or None.

    If git does not track the code there, it is the commit that its build recorded.
    """
    run_git = functools.partial(subprocess.run, cwd=folder, capture_output=True, text=True, check=False, timeout=10)
    try:
        if run_git(["git", "ls-files", "--error-unmatch", Path(__file__).name]).returncode == 0:
            head = run_git(["git", "rev-parse", "HEAD"])
            changes = run_git(["git", "status", "--porcelain", "--untracked-files=no"])
            if head.returncode == 0:
                return head.stdout.strip() + ("+" if changes.stdout else "")
    except (OSError, subprocess.TimeoutExpired):
        pass  # no git, or one that does not answer
    record = folder / COMMIT_FILE
    return record.read_text(encoding="utf-8").strip() if record.is_file() else None


def record_commit(sources: Path, target: Path) -> str | None:
    """Write the commit of the sources into a folder of a build, and return it. ``setup.py`` calls this."""
    commit = commit_of(sources)
    if commit:
        target.mkdir(parents=True, exist_ok=True)
        (target / COMMIT_FILE).write_text(commit + "\n", encoding="utf-8")
    return commit
