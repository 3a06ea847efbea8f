"""The pages under docs/: their commands have the flags that they use, and the files that they name are there."""

import re
import shlex
from pathlib import Path

import pytest

from raygroup.cluster.__main__ import build_parser as cluster_flags
from raygroup.data.__main__ import build_parser as data_flags
from raygroup.evaluate import build_parser as evaluate_parser
from raygroup.runs.arguments import build_parser as runs_parser
from raygroup.sweep import build_parser as sweep_flags

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
PARSERS = {"sweep": sweep_flags, "runs": runs_parser, "cluster": cluster_flags, "data": data_flags, "evaluate": evaluate_parser}
COMMAND = re.compile(r"python -m raygroup\.(\w+) ([^\n`\"]*)")


def commands():
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            yield from ((page.name, module, rest.partition("#")[0]) for module, rest in COMMAND.findall(block))


def test_there_are_pages():
    assert {page.stem for page in PAGES} >= {"clusters", "data", "faults", "security"}


@pytest.mark.parametrize(("page", "module", "rest"), sorted(set(commands())))
def test_a_command_of_a_page_has_the_flags_that_it_uses(page, module, rest):
    PARSERS[module]().parse_args(shlex.split(rest))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_that_a_page_names_are_there(page):
    for name in re.findall(r"`((?:cluster|tests|raygroup|docs|benchmarks)/[\w./-]+\.\w+)`", page.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), name
