"""Builds record the git commit. Everything else about the package is in pyproject.toml."""

import runpy
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

PROVENANCE = Path("raygroup/runtime/attempt/provenance.py")
record_commit = runpy.run_path(str(PROVENANCE))["record_commit"]


class BuildWithCommit(build_py):
    """Write the commit beside the module that reads it. A checkout that is installed in place asks git itself."""

    def run(self) -> None:
        """Build, then write the commit."""
        super().run()
        if not self.editable_mode:
            record_commit(PROVENANCE.parent, Path(self.build_lib) / PROVENANCE.parent)


class SourcesWithCommit(sdist):
    """Write the commit into a source archive, because a wheel may be built from it later."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        """Copy the sources, then write the commit."""
        super().make_release_tree(base_dir, files)
        record_commit(PROVENANCE.parent, Path(base_dir) / PROVENANCE.parent)


setup(cmdclass={"build_py": BuildWithCommit, "sdist": SourcesWithCommit})
