import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_sweep import space

from raygroup import sweep


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a storage path with a finished sweep, to read only. It was trained without Ray."""
    folder = tmp_path_factory.mktemp("finished")
    assert sweep.main([space(folder), "--local", "--storage-path", str(folder / "runs")]) == 0
    return folder / "runs"


@pytest.fixture
def prepared(finished: Path, tmp_path: Path) -> Iterator[Path]:
    """Yield a storage path with words and features, but no trials."""
    (tmp_path / "runs").mkdir()
    shutil.copytree(finished / "cache", tmp_path / "runs" / "cache")
    return tmp_path / "runs"
