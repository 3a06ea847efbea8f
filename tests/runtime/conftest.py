import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_sweep import space

from raygroup import sweep


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage path with a finished tiny sweep, trained without Ray; not to be written to."""
    folder = tmp_path_factory.mktemp("finished")
    assert sweep.main([space(folder), "--local", "--storage-path", str(folder / "runs")]) == 0
    return folder / "runs"


@pytest.fixture
def prepared(finished: Path, tmp_path: Path) -> Iterator[Path]:
    """A storage path whose words and features are ready and whose trials are not."""
    (tmp_path / "runs").mkdir()
    shutil.copytree(finished / "cache", tmp_path / "runs" / "cache")
    return tmp_path / "runs"
