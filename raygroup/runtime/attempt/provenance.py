"""Versions and the commit behind a trial's numbers. Every history stores them."""

import functools
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


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
    """Return the commit of the checkout with this file.

    A ``+`` is added if tracked files were changed since. If git does not track this file, return
    None.
    """
    run_git = functools.partial(subprocess.run, cwd=Path(__file__).parent, capture_output=True, text=True, check=False, timeout=10)
    try:
        if run_git(["git", "ls-files", "--error-unmatch", Path(__file__).name]).returncode:
            return None
        head = run_git(["git", "rev-parse", "HEAD"])
        changes = run_git(["git", "status", "--porcelain", "--untracked-files=no"])
    except (OSError, subprocess.TimeoutExpired):
        return None
    return head.stdout.strip() + ("+" if changes.stdout else "") if head.returncode == 0 else None
