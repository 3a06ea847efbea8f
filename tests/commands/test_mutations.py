"""Damaged label files, search spaces, flags and variables are used or refused in one short line."""

import input_mutations
import pytest


@pytest.mark.parametrize(("count", "seed"), [(40, 5), pytest.param(300, 6, marks=pytest.mark.slow)])
def test_damaged_input_prints_no_traceback_and_no_page_and_loses_no_word(count, seed):
    outcome = input_mutations.try_mutations(count, seed)
    assert outcome.failures == []
    assert min(outcome.counts["refused"], outcome.counts["accepted"]) > count / 10


def test_the_mutations_notice_what_they_look_for(monkeypatch):
    """A command that raises, and one that prints a page."""
    outcome = input_mutations.Outcome()
    input_mutations.run_command("sweep", [None], outcome, "a flag that is no text")
    assert outcome.counts["tracebacks"] == 1
