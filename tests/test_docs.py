"""The pages under docs/: their commands have the flags they use, and the files and links they name exist."""

import re
import shlex
from pathlib import Path

import pytest

from raygroup import evaluate, features, reproduce, sweep
from raygroup.choose.__main__ import build_parser as choose_parser
from raygroup.cluster.__main__ import build_parser as cluster_parser
from raygroup.data.__main__ import build_parser as data_parser
from raygroup.export.__main__ import build_parser as export_parser
from raygroup.pretrain import __main__ as pretrain
from raygroup.read.__main__ import build_parser as read_parser
from raygroup.report.__main__ import build_parser as report_parser
from raygroup.runs.arguments import build_parser as runs_parser
from raygroup.spot.__main__ import build_parser as spot_parser
from raygroup.weights.__main__ import build_parser as weights_parser

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
PARSERS = {
    "sweep": sweep.build_parser, "features": features.build_parser, "pretrain": pretrain.build_parser,
    "evaluate": evaluate.build_parser, "reproduce": reproduce.build_parser, "runs": runs_parser, "cluster": cluster_parser,
    "data": data_parser, "export": export_parser, "read": read_parser,
    "choose": choose_parser, "report": report_parser, "spot": spot_parser, "weights": weights_parser,
}  # fmt: skip
COMMAND = re.compile(r"python -m raygroup\.(\w+) ([^\n`\"]*)")


def commands():
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            yield from ((page.name, module, rest.partition("#")[0]) for module, rest in COMMAND.findall(block))


def test_there_are_pages():
    assert {page.stem for page in PAGES} >= {
        "index", "quickstart", "architecture", "python", "reproduction", "performance", "data", "clusters", "faults", "security", "history",
        "reading", "report",
    }  # fmt: skip


@pytest.mark.parametrize(("page", "module", "rest"), sorted(set(commands())))
def test_a_command_on_a_page_has_the_flags_it_uses(page, module, rest):
    PARSERS[module]().parse_args(shlex.split(rest))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_that_a_page_names_exist(page):
    for name in re.findall(r"`((?:cluster|tests|raygroup|docs|benchmarks)/[\w./-]+\.\w+)`", page.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=lambda page: page.stem)
def test_links_between_pages_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith("http")]
    assert not [link for link in local if not (page.parent / link).exists()]


def test_the_history_page_names_every_column():
    from raygroup.history.schema import COLUMNS
    from raygroup.scoring.predictions import SCHEMA

    text = (ROOT / "docs" / "history.md").read_text(encoding="utf-8")
    assert not [name for name in [*COLUMNS, *SCHEMA.names] if f"`{name}`" not in text]
