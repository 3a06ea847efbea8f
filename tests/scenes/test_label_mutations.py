"""A small share of what ``mutations.py`` does to labels and archives."""

from pathlib import Path

import mutations
import numpy as np
import pytest


@pytest.mark.parametrize("name", [*mutations.LINES, *mutations.WHOLE])
def test_every_damaged_line_is_read_or_told_of(tmp_path, name):
    counts = mutations.read_damaged_lines(np.random.default_rng(1), name, 200, tmp_path)
    assert counts["read"] > 0
    assert counts["told"] > 0


def test_every_damaged_archive_is_read_or_refused_and_loses_no_file_without_a_word(tmp_path):
    random = np.random.default_rng(2)
    found = set()
    for number in range(120):
        path = Path(tmp_path / "archive")
        how = mutations.archive(random, path, mutations.KINDS[number % len(mutations.KINDS)])
        found.add(mutations.read_damaged_archive(path, how))
    assert found == {"read", "told of", "refused"}
