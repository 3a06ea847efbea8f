"""Zips of ground truth and submissions for tests, and the pairs that the official MLT19 scripts have scored."""

import json
import zipfile
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[2] / "shared" / "fixtures" / "mlt19"


def write_zip(path, files):
    """A zip of these names and texts (or bytes), in this order."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def official_pairs():
    """Names of the pairs, such as ``4_0``; one that skips where they are not there."""
    stems = sorted(path.name.removesuffix("_expected.json") for path in FIXTURES.glob("*_expected.json"))
    return stems or [pytest.param("", marks=pytest.mark.skip(reason=f"no pairs scored by the official scripts at {FIXTURES}"))]


def official_pair(stem):
    """(task, ground truth, submission, what the official script found)."""
    expected = json.loads((FIXTURES / f"{stem}_expected.json").read_text(encoding="utf-8"))
    return int(stem[0]), FIXTURES / f"{stem}_gt.zip", FIXTURES / f"{stem}_sub.zip", expected
