"""A small part of the damage that ``mutations.py`` does to labels and archives."""

from pathlib import Path

import mutations
import numpy as np
import pytest


@pytest.mark.parametrize("name", [*mutations.LINES, *mutations.WHOLE_FILES])
def test_every_damaged_line_is_read_or_reported(tmp_path, name):
    counts = mutations.read_damaged_lines(np.random.default_rng(1), name, 200, tmp_path)
    assert counts["read"] > 0
    assert counts["reported"] > 0


@pytest.mark.slow
def test_every_damaged_archive_is_read_or_refused_and_loses_no_file_silently(tmp_path):
    random = np.random.default_rng(2)
    outcomes = set()
    for number in range(120):
        path = Path(tmp_path / "archive")
        damage_kind = mutations.write_archive(random, path, mutations.KINDS[number % len(mutations.KINDS)])
        outcomes.add(mutations.read_damaged_archive(path, damage_kind))
    assert outcomes == {"read", "reported", "refused"}
