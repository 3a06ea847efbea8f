"""Find the raygroup commands in a cluster file, and check that their parsers accept them."""

import argparse
import contextlib
import io
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from raygroup.cluster.rules.keys import closest_name
from raygroup.errors import ConfigError
from raygroup.runtime.planning.clusters.cluster_file import ClusterFile
from raygroup.runtime.planning.finding import Finding

ParserOf = Callable[[str], argparse.ArgumentParser | None]
"""Returns the parser of a command such as ``sweep``, or None if there is no such command."""
_MODULE = "raygroup."
_OPERATORS = set("();<>|&")


@dataclass(frozen=True)
class Command:
    """One raygroup command in a cluster file."""

    at: str
    """The place of its text in the file."""
    name: str
    words: tuple[str, ...]
    """Its arguments."""


def find_commands(cluster: ClusterFile) -> tuple[list[Command], list[Finding]]:
    """Return the commands of the file, and a finding for every text that a shell cannot read."""
    commands, findings = [], []
    for at, text in cluster.document.texts():
        if not re.search(r"-m raygroup\.", text):
            continue
        try:
            commands += [Command(at, name, tuple(words)) for name, words in _commands_in(text)]
        except ValueError as error:
            findings.append(Finding(at, f"a shell cannot read the command: {error}", "the closing quotation mark"))
    return commands, findings


def check_command(command: Command, parser_of: ParserOf, names: Sequence[str]) -> tuple[argparse.Namespace | None, list[Finding]]:
    """Parse a command. Returns its options, or None if they cannot be parsed, and what is wrong with it.

    ``names`` are those of all commands.
    """
    parser = parser_of(command.name)
    if parser is None:
        return None, [Finding(command.at, f"there is no command raygroup.{command.name}", closest_name(command.name, dict.fromkeys(names)))]
    see_help = f"a flag of python -m raygroup.{command.name} --help"
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            options, unknown = parser.parse_known_args(command.words)
    except ConfigError as error:
        return None, [Finding(command.at, str(error), see_help)]
    except SystemExit:
        return None, [Finding(command.at, "the command would print its help and run nothing", "leave --help out")]
    findings = []
    for flag in [word for word in unknown if word.startswith("-")]:
        right = "leave it out: running the command again resumes it" if flag == "--resume" else see_help
        findings.append(Finding(command.at, f"the {command.name} command has no flag {flag}", right))
    if unknown and not findings:
        findings.append(Finding(command.at, f"the {command.name} command does not take {unknown[0]!r}", see_help))
    return options, findings


def _commands_in(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the arguments of every command in a shell line, also in those that the line quotes."""
    words = _shell_words(text)
    for number, word in enumerate(words):
        if number and words[number - 1] == "-m" and word.startswith(_MODULE):
            arguments = words[number + 1 :]
            end = next((index for index, argument in enumerate(arguments) if set(argument) <= _OPERATORS), len(arguments))
            yield word.removeprefix(_MODULE), arguments[:end]
        elif f"-m {_MODULE}" in word:
            yield from _commands_in(word)


def _shell_words(text: str) -> list[str]:
    words = shlex.shlex(text, posix=True, punctuation_chars=True)
    words.whitespace_split, words.commenters = True, ""
    return [word for word in words if word]
