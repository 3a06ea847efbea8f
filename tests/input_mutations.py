"""Damage what users give, and run the commands on it.

A damaged input must be used or refused in one short line, and no word may be lost silently.
``python tests/input_mutations.py --count 300 --seed 1`` tries this many; its last line is one JSON object.
"""

import argparse
import contextlib
import io
import json
import os
import random
import re
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from tiny_sweep import space

from raygroup.__main__ import command_module
from raygroup.errors import MAX_MESSAGE, ConfigError
from raygroup.words.importing.importer import import_user_words
from raygroup.words.importing.report import Report
from raygroup.words.word_store import open_word_store

NUM_WORDS = 24
TASKS = ("ar", "hi", "la")
TEXTS = {"ar": "سلام", "hi": "शब्द", "la": "Castle"}
SPICE = (
    b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", "\u200f".encode(), "\u2028".encode(), b"\r", b"\n", b"\r\n", b",", b"\t", b'"', b"'",
    b"\\", b" ", b"../", b"/", b"{", b"]", b"nan", b"9" * 400, b"###", b"\xed\xa0\x80", "😀".encode(), b"\x1b[31m", b"x" * 3000, b"",
)  # fmt: skip
VALUES = (
    "0", "-1", "3.7", "1e999", "nan", "None", "True", "'no'", "()", "(1,)", "[2.0]", "10**9", "10**400", "range(10**8)", "{}", "object()",
    "lambda: 0", "b'x'", "undefined", "1/0", "'x' * 10**4", "sys.exit(0)", "exit()", "__import__('no_such')", "Heads()", "-0.0", "{1: 2}",
)  # fmt: skip
FLAGS = (
    "--accumulate", "--stall-timeout", "--storage-patience", "--device-memory-gb", "--workers", "--budget", "--bad-share", "--cluster",
    "--words", "--fonts", "--storage-path", "--device", "--kernels", "--no-such-flag", "--json", "--local",
)  # fmt: skip
FLAG_VALUES = (
    "0", "-1", "-0", "1", "1.5", "1e400", "nan", "inf", "²", "９", "2-4", "4-2", "0-1", "", " ", "x" * 3000, "/nowhere", "s3://",
    "s3:///x", "ftp://x/y", "cpu", "cuda", "\udcff", "a\nb", "\x1b[31m", "--", "1_000", "0x10", "9" * 5000, "😀",
)  # fmt: skip
COMMANDS = {
    "sweep": ["smoke", "--dry-run"], "features": ["nowhere", "--dry-run"], "runs": ["list", "nowhere"], "runs.show": ["show", "nothing"],
    "evaluate": ["--protocol", "mlt19-task1", "--gt", "nowhere", "--submission", "nowhere"], "reproduce": ["table3"],
    "data": ["inspect", "nowhere"], "data.import": ["import", "nowhere"], "data.render": ["render", __file__],
    "pretrain": ["no_such_space"], "read": ["nowhere", "nothing.png"], "spot": ["nothing.png", "--model", "nowhere"],
    "cluster": ["check", "nowhere"], "choose": ["no_such_sweep"],
}  # fmt: skip
"""Command -> arguments with which it starts no work."""
VARIABLES = (
    "RAYGROUP_COPIES", "AWS_ENDPOINT_URL", "AWS_REGION", "COLUMNS", "LINES", "TERM", "HOME", "TMPDIR", "LANG", "NO_COLOR",
    "XDG_CACHE_HOME",
)  # fmt: skip


@dataclass
class Outcome:
    """The counts over all runs, and what failed."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def note(self, kind: str, about: str) -> None:
        self.counts[kind] += 1
        self.failures.append(f"{kind}: {about}")


def run_command(name: str, arguments: Sequence[str], outcome: Outcome, about: str) -> int:
    """Run a command in this process. Counts a traceback, and a refusal that is not one short line."""
    module = command_module(name.partition(".")[0])
    printed, errors = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
            exit_code: int = module.main(list(arguments))
    except BaseException:
        outcome.note("tracebacks", f"{about}: {name} {arguments}: {traceback.format_exc()[-1500:]}")
        return -1
    errors.flush()
    lines = errors.buffer.getvalue().decode("utf-8", "replace").splitlines()  # type: ignore[attr-defined]
    outcome.counts["refused" if exit_code else "accepted"] += 1
    message = lines[-1].removeprefix("raygroup: ").partition(". Everything recorded")[0] if lines else ""
    if exit_code and (len(lines) != 1 or len(message) > MAX_MESSAGE):
        outcome.note("long_refusals", f"{about}: {name} {arguments}: {len(lines)} lines, {len(message)} characters: {message[:400]}")
    return exit_code


def damaged(chance: random.Random, content: bytes) -> bytes:
    """Return bytes of which a few are changed, removed or repeated, or that have another encoding."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        at, length = chance.randrange(len(data) + 1), chance.randint(0, 12)
        data[at : at + chance.choice((0, length))] = chance.choice((chance.choice(SPICE), bytes(data[at : at + length])))
    if chance.random() < 0.05:
        return bytes(data).decode("utf-8", "replace").encode("utf-16")
    return bytes(data)


def label_file(chance: random.Random) -> tuple[str, bytes, int]:
    """Return the name and the content of a label file, and the number of its lines before the first word."""
    rows = []
    for number in range(NUM_WORDS):
        task = TASKS[number % 3]
        rows.append(
            {"path": f"w{number}.png", "text": TEXTS[task] + "a" * (task == "la"), "task": task, "split": "train" if number % 4 else "val"}
        )
    kind = chance.choice(("csv", "tsv", "jsonl"))
    if kind == "jsonl":
        return f"labels.{kind}", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(), 0
    separator = "," if kind == "csv" else "\t"
    lines = [separator.join(row.values()) for row in rows]
    return f"labels.{kind}", ("\n".join([separator.join(rows[0]), *lines]) + "\n").encode(), 1


def try_labels(chance: random.Random, folder: Path, outcome: Outcome, about: str) -> None:
    """Damage a label file. Each of its lines must be a word that is kept or reported, unless the file is refused."""
    words = folder / "words"
    words.mkdir()
    name, content, header = label_file(chance)
    (words / name).write_bytes(damaged(chance, content))
    pixels = np.random.default_rng(chance.randrange(2**32)).integers(0, 256, (32, 96, 3), dtype=np.uint8)
    image = cv2.imencode(".png", pixels)[1].tobytes()
    for number in range(NUM_WORDS):
        (words / f"w{number}.png").write_bytes(image)
    arguments = [space(folder, grid="{}"), "--dry-run", "--words", str(words), "--storage-path", str(folder / "runs")]
    if run_command("sweep", arguments, outcome, about):
        return
    lines = [line for line in re.split(rb"\r\n|\r|\n", (words / name).read_bytes()) if line.strip()]
    try:
        import_user_words(words, TASKS, folder / "words.arrow", "data")
    except ConfigError:
        return
    except Exception:
        outcome.note("tracebacks", f"{about}: import of {name}: {traceback.format_exc()[-1500:]}")
        return
    report = Report.from_json(open_word_store(folder / "words.arrow").metadata.report)
    if report.kept + report.num_dropped != len(lines) - header:
        outcome.note("lost_words", f"{about}: {name}: {len(lines) - header} words in, {report.kept} kept, {report.num_dropped} reported")


def try_search_space(chance: random.Random, folder: Path, outcome: Outcome, about: str) -> None:
    """Damage a search space: a value, a name, or bytes."""
    path = Path(space(folder))
    text = path.read_text()
    kind = chance.choice(("value", "name", "line", "bytes"))
    if kind == "value":
        spots = [*re.finditer(r"(?<=[=(:] )[\w.\"]+|(?<==)[\w.\"]+|\{.*\}|\([^()]*\)", text)]
    elif kind == "name":
        spots = [*re.finditer(r"\b[A-Za-z_]{4,}\b", text)]
    else:
        spots = [*re.finditer(r"(?m)^.*$", text)]
    spot = chance.choice(spots)
    new = {
        "value": chance.choice(VALUES),
        "name": spot[0][:-2] + spot[0][:-3:-1],
        "line": chance.choice(("", f"import sys; {chance.choice(VALUES)}")),
    }
    text = text[: spot.start()] + new.get(kind, spot[0]) + text[spot.end() :]
    path.write_bytes(damaged(chance, text.encode()) if kind == "bytes" else text.encode())
    run_command("sweep", [str(path), "--dry-run", "--storage-path", str(folder / "runs")], outcome, f"{about} {spot[0]!r:.40}")


def try_flags(chance: random.Random, folder: Path, outcome: Outcome, about: str) -> None:
    """Give a command flags that it does not expect."""
    name = chance.choice((*COMMANDS, *["sweep"] * 6))
    arguments = [*COMMANDS[name]]
    for _ in range(chance.randint(1, 2)):
        flag, value = chance.choice(FLAGS), chance.choice(FLAG_VALUES)
        arguments += chance.choice(([flag, value], [f"{flag}={value}"], [value], [flag]))
    run_command(name, arguments, outcome, about)


def try_variables(chance: random.Random, folder: Path, outcome: Outcome, about: str) -> None:
    """Set environment variables to nonsense."""
    chosen = {chance.choice(VARIABLES): chance.choice(FLAG_VALUES) for _ in range(2)}
    with environment(chosen):
        for name in ("sweep", "runs"):
            run_command(name, [*COMMANDS[name], "--storage-path", str(folder)], outcome, f"{about} {chosen}")


@contextlib.contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


KINDS: tuple[Callable[[random.Random, Path, Outcome, str], None], ...] = (try_labels, try_search_space, try_flags, try_variables)


def try_mutations(count: int, seed: int) -> Outcome:
    """Try this many damaged inputs, of each kind in turn. The same seed gives the same inputs."""
    outcome, home = Outcome(), Path.cwd()
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        with tempfile.TemporaryDirectory(prefix="raygroup-mutations-") as folder:
            os.chdir(folder)
            try:
                kind(random.Random(f"{seed}-{number}"), Path(folder), outcome, f"{kind.__name__} {number}")
            finally:
                os.chdir(home)
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    outcome = try_mutations(options.count, options.seed)
    print("\n".join(outcome.failures))
    zero = dict.fromkeys(("tracebacks", "long_refusals", "lost_words"), 0)
    print(json.dumps({"seed": options.seed, **zero, **outcome.counts}))
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
