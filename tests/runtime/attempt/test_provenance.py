"""The commit behind a trial's numbers, in a checkout and in an installed package."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PRINT_COMMIT = "from raygroup.runtime.attempt.provenance import git_commit; print(git_commit())"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def run(command: list[str], folder: Path) -> str:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def git(folder: Path, *arguments: str) -> str:
    return run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments], folder)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout of a package that has only the module with the commit, and raygroup's setup.py."""
    folder = tmp_path / "checkout"
    package = folder / "raygroup" / "runtime" / "attempt"
    package.mkdir(parents=True)
    shutil.copy(ROOT / "setup.py", folder)
    shutil.copy(ROOT / "raygroup" / "runtime" / "attempt" / "provenance.py", package)
    for path in (package, package.parent, package.parents[1]):
        (path / "__init__.py").touch()
    names = '["raygroup", "raygroup.runtime", "raygroup.runtime.attempt"]'
    (folder / "pyproject.toml").write_text(f'[project]\nname = "raygroup"\nversion = "1"\n[tool.setuptools]\npackages = {names}\n')
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "all")
    return folder


def commit_in(folder: Path) -> str:
    """Return the commit that the package in a folder reports."""
    return run([sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, '.'); {PRINT_COMMIT}"], folder)


def test_a_build_records_the_commit_of_its_checkout(checkout, tmp_path):
    head = git(checkout, "rev-parse", "HEAD")
    assert commit_in(checkout) == head
    run([sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tmp_path / "built")], checkout)
    assert commit_in(tmp_path / "built") == head


def test_a_build_of_changed_files_says_so(checkout, tmp_path):
    (checkout / "raygroup" / "__init__.py").write_text("# changed")
    run([sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tmp_path / "built")], checkout)
    assert commit_in(tmp_path / "built") == git(checkout, "rev-parse", "HEAD") + "+"


def test_a_build_from_a_source_archive_records_the_commit_of_the_archive(checkout, tmp_path):
    run([sys.executable, "setup.py", "-q", "sdist", "--dist-dir", str(tmp_path)], checkout)
    (archive,) = tmp_path.glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path / "unpacked", filter="data")
    (sources,) = (tmp_path / "unpacked").iterdir()
    run([sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tmp_path / "built")], sources)
    assert commit_in(tmp_path / "built") == git(checkout, "rev-parse", "HEAD")


def test_code_outside_git_that_was_never_built_has_no_commit(checkout, tmp_path):
    shutil.copytree(checkout / "raygroup", tmp_path / "copy" / "raygroup")
    assert commit_in(tmp_path / "copy") == "None"
