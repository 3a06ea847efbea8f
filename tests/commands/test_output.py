"""What commands print suits every terminal, and a reader that leaves ends them quietly."""

import json
import os
import subprocess
import sys

import pytest

TEXT = "\u0915\u093e \U0001f600 \u00e9 \udcff"
"""Devanagari, a sign beyond the first plane, an accent, and a byte of a file name that is not UTF-8."""
PRINT = f"""
import sys
from raygroup.terminal import console, print_json, print_line, run_command
text = {ascii(TEXT)}
def work():
    if sys.argv[1] == "json":
        print_json({{text: [text]}})
    elif sys.argv[1] == "error":
        raise OSError(text)
    else:
        print_line(console(), text)
        print(text, file=sys.stderr)
sys.exit(run_command(work))
"""
ENCODINGS = ["ascii", "latin-1", "cp1252", "utf-8"]


def run_script(kind, encoding, script=PRINT, **streams):
    environment = os.environ | {"PYTHONIOENCODING": f"{encoding}:strict"}
    return subprocess.run([sys.executable, "-c", script, kind], capture_output=not streams, check=False, env=environment, **streams)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_characters_that_a_terminal_cannot_show_are_escaped_and_json_stays_json(encoding):
    lines = run_script("lines", encoding)
    assert lines.returncode == 0, lines.stderr
    assert lines.stdout == TEXT.encode(encoding, "backslashreplace") + b"\n" == lines.stderr
    printed = run_script("json", encoding)
    assert printed.returncode == 0, printed.stderr
    assert json.loads(printed.stdout.decode(encoding)) == {TEXT: [TEXT]}
    assert run_script("error", encoding).stderr == b"raygroup: " + TEXT.encode(encoding, "backslashreplace") + b"\n"


MANY_LINES = """
import sys
from raygroup.terminal import console, print_line, run_command
def work():
    for number in range(100_000):
        print_line(console(), f"line {number}")
sys.exit(run_command(work))
"""


@pytest.mark.parametrize("script", [MANY_LINES, "import sys; from raygroup.sweep import main; sys.exit(main(['--help']))"])
def test_a_reader_that_leaves_ends_a_command_quietly(script):
    """As ``| head -1`` does. The pipe has no reader before the command prints."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run([sys.executable, "-c", script], stdout=writer, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writer)
    assert ended.stderr == b""
    assert ended.returncode in (0, 130)


def test_a_closed_standard_output_is_no_error():
    script = "import sys; from raygroup.__main__ import main; sys.exit(main([]))"
    ended = subprocess.run(["sh", "-c", f'"{sys.executable}" -c "{script}" >&-'], stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output_is_one_line():
    with open("/dev/full", "w") as full:
        ended = subprocess.run([sys.executable, "-c", MANY_LINES], stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.stderr.count(b"\n") == 1
    assert b"No space left on device" in ended.stderr
    assert ended.returncode == 2
