"""Every number on a command line has a range, and so has it in Python."""

import argparse

import pytest

from raygroup import evaluate, features, reproduce, sweep
from raygroup.cluster.__main__ import build_parser as cluster_parser
from raygroup.data.__main__ import build_parser as data_parser
from raygroup.data.__main__ import main as data_main
from raygroup.errors import ConfigError
from raygroup.export.__main__ import build_parser as export_parser
from raygroup.pretrain import __main__ as pretrain
from raygroup.read.__main__ import build_parser as read_parser
from raygroup.report.__main__ import build_parser as report_parser
from raygroup.runs.arguments import build_parser as runs_parser
from raygroup.runtime.placement import Placement
from raygroup.terminal import Parser
from raygroup.values import NumberRange

PARSERS = [
    module.build_parser for module in (sweep, features, pretrain, evaluate, reproduce)
] + [read_parser, report_parser, export_parser, data_parser, runs_parser, cluster_parser]  # fmt: skip


def all_parsers(parser):
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from all_parsers(child)


@pytest.mark.parametrize("build", PARSERS, ids=lambda build: build.__module__)
def test_no_flag_of_any_command_takes_a_number_without_a_range(build):
    for parser in all_parsers(build()):
        assert isinstance(parser, Parser)
        assert not [action.dest for action in parser._actions if action.type in (int, float)]


SWEEP = [
    ("--accumulate", "0", "'0' must be a whole number from 1 to 10,000"), ("--accumulate", "-3", "'-3' must be a whole number from 1"),
    ("--accumulate", "1.5", "'1.5' must be a whole number"), ("--stall-timeout=-5", "", "'-5' must be a number from 0"),
    ("--stall-timeout", "nan", "'nan' must be a number from 0"), ("--storage-patience", "inf", "'inf' must be a number from 0"),
    ("--bad-share", "1.5", "'1.5' must be a number from 0 to 1"), ("--bad-share", "5%", "'5%' must be a number from 0 to 1"),
    ("--device-memory-gb=-1", "", "'-1' must be a number above 0"), ("--budget", "nan", "'nan' must be a number from 0"),
    ("--workers", "0", "'0' must be a whole number from 1 to 10,000, or two such as 1-2"), ("--workers", "4-2", "'4-2' must be"),
    ("--workers", "\u00b2", "'\u00b2' must be a whole number from 1"), ("--accumulate", "9" * 5000, "must be a whole number from 1"),
]  # fmt: skip


@pytest.mark.parametrize(("flag", "value", "message"), SWEEP)
def test_a_number_out_of_range_is_refused_before_any_work(flag, value, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert sweep.main(["smoke", "--local", flag, *([value] if value else [])]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"raygroup: argument {flag.partition('=')[0]}: ")
    assert message in error
    assert error.count("\n") == 1
    assert len(error) < 300
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import", "x", "--workers", "0"], "argument --workers: '0' must be a whole number from 1"),
        (["import", "x", "--crop-height", "0"], "argument --crop-height: '0' must be a whole number from 8"),
        (["render", "x", "--seed=-1"], "argument --seed: '-1' must be a whole number from 0"),
        (["render", "x", "--curved", "1.5"], "argument --curved: '1.5' must be a number from 0 to 1"),
        (["render", "x", "--words", "5-2"], "argument --words: '5-2' must be two numbers"),
    ],
)
def test_the_numbers_of_data_have_ranges_too(arguments, message, capsys):
    assert data_main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"raygroup: {message}")


@pytest.mark.parametrize(
    "setting",
    [
        {"accumulate": 0}, {"stall_timeout_s": -5.0}, {"stall_timeout_s": float("nan")}, {"storage_patience_s": float("inf")},
        {"device_memory_gb": -1.0}, {"workers": (0, 1)}, {"workers": (3, 2)}, {"accumulate": True}, {"accumulate": "2"},
    ],
)  # fmt: skip
def test_the_python_twin_has_the_same_ranges(setting):
    with pytest.raises(ConfigError, match="^--"):
        Placement(**setting)
    with pytest.raises(ConfigError, match="^--budget is -1"):
        sweep.run_sweep("smoke", budget=-1.0)
    with pytest.raises(ConfigError, match="^--bad-share is 5: it must be a number from 0 to 1"):
        sweep.run_sweep("smoke", bad_share=5)


def test_a_range_names_its_ends():
    assert str(NumberRange(0, 1e9)) == "a number from 0 to 1,000,000,000"
    assert str(NumberRange(0, 60, open_low=True)) == "a number above 0 and at most 60"
    assert 0 not in NumberRange(0, 60, open_low=True)
    not_a_number = float("nan")
    assert not_a_number not in NumberRange(0, 1)
