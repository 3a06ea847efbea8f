"""The last lines of a sweep, on a terminal and elsewhere."""

import io

from rich.console import Console

from raygroup.runtime.shown_trial import _print_readings

READINGS = {"bn": "সরাসরি   তথ্য   অনেক   কয়েক", "la": "one   two   three   four   five   six   seven"}


def printed(width, *, terminal):
    out = io.StringIO()
    _print_readings(Console(file=out, width=width, force_terminal=terminal, no_color=True, color_system=None), READINGS)
    return out.getvalue().splitlines()


def test_rows_of_words_end_between_words_under_their_column_and_have_no_blanks_at_their_end():
    lines = printed(30, terminal=True)
    assert lines == [
        "task  truth, and the reading where it differs",
        f"bn    {READINGS['bn']}",
        "la    one   two   three   four",
        "      five   six   seven",
    ]


def test_in_a_file_each_task_has_one_line():
    assert printed(30, terminal=False)[1:] == [f"bn    {READINGS['bn']}", f"la    {READINGS['la']}"]
