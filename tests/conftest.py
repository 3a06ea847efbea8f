"""Makes the folder of the tests importable, so that they share ``synthetic_storage``, and an object store known to all of them.

A finished trial and its packages are made once for all tests that read with them. No test may change them.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from s3_server import bucket, object_store  # noqa: F401

if TYPE_CHECKING:
    from finished_trial import FinishedTrial

if "PYTEST_XDIST_WORKER" in os.environ:  # the processes of pytest share the cores, so each gets one thread
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def finished_trial(tmp_path_factory: pytest.TempPathFactory) -> "FinishedTrial":
    from finished_trial import write_trial  # it imports torch, which most tests do not need

    return write_trial(tmp_path_factory.mktemp("finished") / "runs")


@pytest.fixture(scope="session")
def plain_package(finished_trial: "FinishedTrial", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package without ONNX files."""
    from raygroup.export.exporter import export_trial

    return export_trial(finished_trial.folder, tmp_path_factory.mktemp("plain") / "package", onnx=False).folder


@pytest.fixture(scope="session")
def onnx_package(finished_trial: "FinishedTrial", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with ONNX files. Writing it takes half a minute, so tests that need it are slow."""
    from raygroup.export.exporter import export_trial

    pytest.importorskip("onnxscript", reason="needs raygroup[export]")
    return export_trial(finished_trial.folder, tmp_path_factory.mktemp("onnx") / "package", beams=3).folder


@pytest.fixture
def no_system_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Only the fonts of packages count, and those that the test adds, whatever this machine has."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    from raygroup.figures import font_families
    from raygroup.words.rendering import fonts

    system = set(findSystemFonts())
    caches = (font_families.font_families, font_families._other_families)
    monkeypatch.setattr(fontManager, "ttflist", [entry for entry in fontManager.ttflist if entry.fname not in system])
    monkeypatch.setattr(font_families, "_system_font_files", frozenset)
    monkeypatch.setattr(fonts, "_system_fonts", tuple)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()
