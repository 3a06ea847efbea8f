import ast
import dataclasses

import pytest

from raygroup.config import Grouping, Heads, Pretraining, Training, Trial, trial_id
from raygroup.errors import ConfigError
from raygroup.search_space import SHIPPED, Sweep, find, hypothesis, load

SPACES = sorted(path for path in SHIPPED[0].glob("*.py") if path.stem != "__init__")
SWEEPS = [path for path in SPACES if path.stem != "pretrain"]


def refused(call, *values, **named):
    with pytest.raises(ConfigError) as error:
        call(*values, **named)
    assert "\n" not in str(error.value)
    return str(error.value)


def space(folder, text, name="mine.py"):
    path = folder / name
    path.write_text(
        '"""Hypothesis: none."""\nfrom raygroup.config import *\nfrom raygroup.search_space import Sweep\n' + text, encoding="utf-8"
    )
    return str(path)


def test_a_sweep_is_every_point_of_the_grid_with_every_seed_in_the_order_declared():
    sweep = Sweep(name="s", grid={"grouping.base_coefficient": (0.0, 0.1), "heads.count": (3, 5)}, seeds=(0, 7))
    points = [(t.grouping.base_coefficient, t.heads.count, t.seed) for _, t in sweep.trials()]
    assert points == [(0.0, 3, 0), (0.0, 3, 7), (0.0, 5, 0), (0.0, 5, 7), (0.1, 3, 0), (0.1, 3, 7), (0.1, 5, 0), (0.1, 5, 7)]


def test_a_label_says_what_varies_and_no_two_are_alike():
    labels = [label for label, _ in Sweep(name="s", grid={"grouping.base_coefficient": (0.0, 0.1)}, seeds=(0, 1)).trials()]
    assert labels[3] == "base_coefficient=0.1 seed=1"
    assert len(set(labels)) == 4


def test_a_sweep_without_a_grid_is_its_base_trial_with_every_seed():
    base = Trial(heads=Heads(count=2))
    assert [trial for _, trial in Sweep(name="s", trial=base, seeds=(0, 1)).trials()] == [base, base.replaced("seed", 1)]


def test_a_widened_sweep_keeps_the_ids_of_the_trials_it_had():
    def ids(sweep):
        return {trial_id(sweep.name, trial, "data") for _, trial in sweep.trials()}

    narrow = Sweep(name="s", grid={"grouping.base_coefficient": (0.0, 0.1)})
    wide = dataclasses.replace(narrow, grid={"grouping.base_coefficient": (0.0, 0.05, 0.1)}, seeds=(0, 1))
    assert ids(narrow) < ids(wide)
    assert (len(ids(narrow)), len(ids(wide))) == (2, 6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "cache"}, "name is 'cache': it must be another name: this folder of a storage path holds prepared words and features"),
        ({"grid": {"grouping.base_coeficient": (0.1,)}}, "no field 'grouping.base_coeficient'; grouping has: method"),
        ({"grid": {"grouping.base_coefficient": (0.1, -1.0)}}, "grouping.base_coefficient is -1.0: it must be a number from 0"),
        ({"grid": {"grouping.base_coefficient": 0.1}}, "grid['grouping.base_coefficient'] is 0.1: it must be a tuple of values"),
        ({"grid": {"grouping.base_coefficient": ()}}, "grid['grouping.base_coefficient'] is (): it must be a tuple of values"),
        ({"grid": {"seed": (0, 1)}}, "grid is 'seed': it must be given as 'seeds'"),
        ({"seeds": ()}, "seeds is (): it must be whole numbers, each once"),
        ({"seeds": (1, 1)}, "seeds is (1, 1): it must be whole numbers, each once"),
        ({"name": "My Sweep"}, "name is 'My Sweep': it must be lower-case letters, digits, _ and -"),
        ({"name": "../up"}, "name is '../up': it must be lower-case letters, digits, _ and -"),
        ({"sedes": (1,)}, "no field 'sedes'; Sweep has: name, trial, grid, seeds"),
    ],
)
def test_a_sweep_that_cannot_be_run_is_refused_when_it_is_declared(settings, message):
    assert refused(Sweep, **({"name": "s"} | settings)).startswith(message)


def test_a_search_space_is_found_here_first_then_among_the_shipped_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find("quickstart").parent == SHIPPED[0]
    (tmp_path / "search_spaces").mkdir()
    space(tmp_path / "search_spaces", "sweep = Sweep(name='here')", "quickstart.py")
    assert load("quickstart").name == "here"


def test_a_name_that_is_not_there_is_answered_with_those_that_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = refused(find, "quikstart")
    assert message.startswith("no search space 'quikstart'; there are: ")
    assert all(path.stem in message for path in SPACES)
    assert refused(find, "absent.py") == "no search space file absent.py"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("sweep = Sweep(name='s'\nother = 1\n", 4, ""),
        ("x = 1\nsweep = Sweep(name='s', trial=Trial(heads=Heads(cuont=5)))\n", 5, "no field 'cuont'; Heads has: count"),
        ("sweep = Sweep(name='s', grid={'heads.count': (0,)})\n", 4, "heads.count is 0: it must be a whole number from 1"),
        ("\n\nimport no_such_module_at_all\n", 6, "No module named 'no_such_module_at_all'"),
        ("sweep = undefined\n", 4, "name 'undefined' is not defined"),
    ],
)
def test_a_search_space_that_does_not_load_names_file_and_line(tmp_path, text, line, message):
    path = space(tmp_path, text)
    assert refused(load, path).startswith(f"{path}:{line}: {message}")


def test_a_search_space_without_a_sweep_says_what_it_must_define(tmp_path):
    path = space(tmp_path, "swep = Sweep(name='s')\n")
    assert refused(load, path) == f"{path}: must define 'sweep = Sweep(...)'"
    assert refused(load, path, "pretraining", Pretraining) == f"{path}: must define 'pretraining = Pretraining(...)'"


def test_there_are_search_spaces():
    assert {"quickstart", "quickstart_control", "table3", "smoke", "one_head", "one_per_task", "pretrain"} <= {path.stem for path in SPACES}


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_a_shipped_search_space_is_at_most_thirty_lines_with_what_is_expected_of_it_in_front(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 30
    assert any(word in hypothesis(path.stem) for word in ("Hypothesis", "Expected:"))


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_a_shipped_search_space_is_pure_data(path):
    """One name is set, to one call; nothing is imported but the words it is written in."""
    docstring, *rest = ast.parse(path.read_text(encoding="utf-8")).body
    *imports, definition = rest
    assert {node.module for node in imports} <= {"raygroup.config", "raygroup.search_space", "raygroup.tasks"}
    assert isinstance(definition, ast.Assign)
    assert isinstance(definition.value, ast.Call)


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_a_shipped_sweep_loads_is_named_after_its_file_and_declares_trials_that_differ(path):
    sweep = load(path.stem)
    assert sweep.name == path.stem
    ids = [trial_id(sweep.name, trial, "data") for _, trial in sweep.trials()]
    assert len(set(ids)) == len(ids) > 0


def test_stage_1_has_a_search_space_of_its_own():
    assert load("pretrain", "pretraining", Pretraining).heads.count == 1


def test_quickstart_and_table3_ask_the_papers_question_and_the_control_asks_it_of_noise():
    for name in ("quickstart", "quickstart_control", "table3"):
        sweep = load(name)
        assert sweep.grid == {"grouping.base_coefficient": (0.0, 0.1, 0.2, 0.3, 0.4)}
        assert sweep.trial.heads.count == 5
    quick, control = load("quickstart").trial, load("quickstart_control").trial
    assert dataclasses.replace(control, grouping=Grouping()) == quick
    assert control.grouping == Grouping(control=True)
    assert quick.training == Training(steps=600)
    assert load("table3").trial.training.steps == 3000
    assert load("table3").seeds == (0, 1, 2)
