"""Makes the folder of the tests importable, so that they share ``synthetic_storage``, and an object store known to all of them.

A finished trial and its packages are made once for all tests that read with them. No test may change them.
"""

import os
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
