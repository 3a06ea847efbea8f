"""A storage path that is being worked on, as a folder and in an object store."""

from pathlib import Path

import pytest
from busy_storage import Busy, uploaded, write_busy

from raygroup.files.places import place


@pytest.fixture(params=["folder", "object store"])
def busy(request: pytest.FixtureRequest, tmp_path: Path) -> Busy:
    made = write_busy(tmp_path / "runs")
    if request.param == "folder":
        return made
    storage = uploaded(tmp_path / "runs", place(f"{request.getfixturevalue('bucket')}/runs"))
    trials_of = (storage / "half" / folder.name for folder in (made.failed, made.running, made.silent, made.waiting))
    return Busy(storage, *trials_of)
