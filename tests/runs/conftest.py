"""A storage path with sweeps in progress, as a folder and in an object store."""

from pathlib import Path

import pytest
from busy_storage import Busy, uploaded, write_busy

from raygroup.files.places import place


@pytest.fixture(params=["folder", pytest.param("object store", marks=pytest.mark.slow)])
def busy(request: pytest.FixtureRequest, tmp_path: Path) -> Busy:
    local = write_busy(tmp_path / "runs")
    if request.param == "folder":
        return local
    storage = uploaded(tmp_path / "runs", place(f"{request.getfixturevalue('bucket')}/runs"))
    trials_of = (storage / "half" / folder.name for folder in (local.failed, local.running, local.silent, local.waiting))
    return Busy(storage, *trials_of)
