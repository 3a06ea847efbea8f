"""Text from files cannot steer the terminal, and every command prints through ``raygroup.terminal``."""

import ast
import json
from pathlib import Path

import pytest
from rich.text import Text

import raygroup
from raygroup.errors import ConfigError
from raygroup.terminal import console, print_json, print_line, print_table, print_warning, run_command, show_controls, table

ESCAPES = "\x1b]0;owned\x07\x1b[31mred\x9b2J\r\x7f\u202e"
"""Sets the title, the colour, clears the screen, returns to the start of the line, and turns the direction."""
SHOWN = r"\u001b]0;owned\u0007\u001b[31mred\u009b2J\u000d\u007f\u202e"


def rows():
    cells = table(ESCAPES)
    cells.add_row(ESCAPES.replace("[", r"\["))
    return cells


PRINTERS = {
    "a line": lambda: print_line(console(), ESCAPES),
    "a table": lambda: print_table(console(), ESCAPES, rows()),
    "a styled text": lambda: console().print(Text(f"{ESCAPES}", style="bold")),
    "a warning": lambda: print_warning(ESCAPES),
    "an error": lambda: run_command(lambda: refuse(ESCAPES)),
    "JSON": lambda: print_json({"label": ESCAPES}),
}


def refuse(message):
    raise ConfigError(message)


@pytest.mark.parametrize("kind", PRINTERS)
def test_control_characters_are_shown_and_not_sent(kind, capsys):
    PRINTERS[kind]()
    printed = "".join(capsys.readouterr())
    assert not [character for character in ESCAPES if not character.isprintable() and character in printed]
    assert r"\u001b" in printed


def test_escapes_replace_only_what_controls_a_terminal():
    assert show_controls(ESCAPES) == SHOWN
    harmless = "two\nlines\tand a tab, हिन्दी with a joiner \u200d, ar\u0627\u0628, \U0001f600"
    assert show_controls(harmless) == harmless


def test_printed_json_has_the_text_unchanged(capsys):
    print_json({"label": ESCAPES})
    assert json.loads(capsys.readouterr().out) == {"label": ESCAPES}


def test_only_the_terminal_module_makes_consoles_and_prints():
    """``Console(quiet=True)`` prints nothing. The cluster commands print JSON in ASCII, and logs of Ray are files."""
    package = Path(raygroup.__file__).parent
    calls = {
        f"{path.relative_to(package)}: {ast.unparse(node)}"
        for path in sorted(package.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "Console")
    }
    exempt = ("terminal.py", "cluster/", "runtime/on_ray/")
    assert sorted(call for call in calls if "Console(quiet=True)" not in call and not call.startswith(exempt)) == []
