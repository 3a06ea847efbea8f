import ast
import dataclasses

import pytest

from raygroup.config import Finetuning, Grouping, Heads, Loss, Pretraining, Training, Trial, trial_id
from raygroup.errors import ConfigError
from raygroup.paper import TABLE_2_STEPS
from raygroup.search_space import SHIPPED, Sweep, find, hypothesis, load
from raygroup.spotter_config import Detector

SPACES = sorted(path for path in SHIPPED[0].glob("*.py") if path.stem != "__init__")
SWEEPS = [path for path in SPACES if not path.stem.startswith("pretrain")]


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
        (
            {"grid": {"grouping.base_coeficient": (0.1,)}},
            "no field 'grouping.base_coeficient'; did you mean 'base_coefficient'? grouping has: method",
        ),
        ({"grid": {"grouping.base_coefficient": (0.1, -1.0)}}, "grouping.base_coefficient is -1.0: it must be a number from 0"),
        ({"grid": {"grouping.base_coefficient": 0.1}}, "grid['grouping.base_coefficient'] is 0.1: it must be a tuple of values"),
        ({"grid": {"grouping.base_coefficient": ()}}, "grid['grouping.base_coefficient'] is (): it must be a tuple of values"),
        ({"grid": {"seed": (0, 1)}}, "grid is 'seed': it must be given as 'seeds'"),
        ({"seeds": ()}, "seeds is (): it must be whole numbers, each once"),
        ({"seeds": (1, 1)}, "seeds is (1, 1): it must be whole numbers, each once"),
        ({"name": "My Sweep"}, "name is 'My Sweep': it must be lower-case letters, digits, _ and -"),
        ({"name": "../up"}, "name is '../up': it must be lower-case letters, digits, _ and -"),
        ({"sedes": (1,)}, "no field 'sedes'; did you mean 'seeds'? Sweep has: name, trial, grid, seeds"),
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
        (
            "x = 1\nsweep = Sweep(name='s', trial=Trial(heads=Heads(cuont=5)))\n",
            5,
            "no field 'cuont'; did you mean 'count'? Heads has: count",
        ),
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
    """The last name is set to one call, the others are constants; nothing is imported but the words it is written in."""
    docstring, *rest = ast.parse(path.read_text(encoding="utf-8")).body
    *before, definition = rest
    imports = [node for node in before if isinstance(node, ast.ImportFrom)]
    constants = [node.targets[0].id for node in before if isinstance(node, ast.Assign)]
    assert len(imports) + len(constants) == len(before)
    assert all(name.isupper() for name in constants)
    words = {"config", "paper", "searches.head_sizes", "spotter_config", "spotting_config", "search_space", "task_groups", "tasks"}
    assert {node.module for node in imports} <= {f"raygroup.{module}" for module in words}
    assert isinstance(definition, ast.Assign)
    assert isinstance(definition.value, ast.Call)


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_a_shipped_sweep_loads_is_named_after_its_file_and_declares_trials_that_differ(path):
    sweep = load(path.stem)
    assert sweep.name == path.stem
    trials = sweep.trials()
    starts = sweep.starts() if sweep.after else [None] * len(trials)
    ids = [(trial_id(sweep.name, trial, "data"), start) for (_, trial), start in zip(trials, starts, strict=True)]
    assert len(set(ids)) == len(ids) > 0


@pytest.mark.parametrize("name", ["pretrain", "pretrain_own", "pretrain_mlt19", "pretrain_spotter_reader"])
def test_stage_1_has_search_spaces_of_its_own(name):
    assert load(name, "pretraining", Pretraining).heads.count == 1


def test_the_detector_of_a_spotter_has_a_search_space():
    assert load("pretrain_detector", "detector", Detector).training.steps > 1000


def test_stage_1_of_table_3_has_the_size_of_its_heads():
    heads, table3 = load("pretrain_mlt19", "pretraining", Pretraining).heads, load("table3").trial.heads
    assert (heads.embed, heads.hidden) == (table3.embed, table3.hidden)


def test_own_words_of_stage_1_are_other_pictures_than_those_of_a_sweep():
    assert load("pretrain_own", "pretraining", Pretraining).words.seed != Trial().words.seed


def test_other_weights_change_nothing_else_in_a_sweep_and_a_grid_of_weights_is_refused():
    sweep = Sweep(name="mine", grid={"heads.count": (1, 2)}, seeds=(0, 1))
    changed = sweep.with_weights("mine.safetensors")
    assert {trial.weights.file for _, trial in changed.trials()} == {"mine.safetensors"}
    assert [label for label, _ in changed.trials()] == [label for label, _ in sweep.trials()]
    with pytest.raises(ConfigError, match="--weights laptop: the search space mine varies weights.file itself"):
        Sweep(name="mine", grid={"weights.file": ("laptop",)}).with_weights("laptop")


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


def test_table_2_has_two_to_seven_heads_with_three_seeds_each():
    for name in ("table2", "table2_laptop"):
        sweep = load(name)
        assert (sweep.grid, sweep.seeds) == ({"heads.count": (2, 3, 4, 5, 6, 7)}, (0, 1, 2))
    assert load("table2").trial.training.steps == TABLE_2_STEPS
    as_table3 = load("table2").trial.replaced("training.steps", 3000).replaced("heads.count", 5)
    assert as_table3.replaced("grouping.base_coefficient_changes", ()) == load("table3").trial


def test_the_tables_of_the_paper_come_after_stage_1_with_heads_of_its_size():
    for name in ("table2", "table3", "table5_groupings"):
        sweep = load(name)
        stage1, heads = sweep.after.trial.heads, sweep.trial.heads
        assert (stage1.embed, stage1.hidden) == (heads.embed, heads.hidden) == (200, 256)
    for name, size in {"table2_laptop": 16, "table3_laptop": 16, "stage2_small": 16, "table5_groupings_laptop": 32, "planted": 16}.items():
        sweep = load(name)
        assert (sweep.after.trial.heads.hidden, sweep.trial.heads.hidden) == (size, size)


def test_table_5_has_one_head_groups_and_one_head_per_task():
    for name in ("table5_groupings", "table5_groupings_laptop", "stage2_small"):
        arrangements = [(trial.heads.count, trial.grouping.method) for _, trial in load(name).trials()]
        assert dict.fromkeys(arrangements).keys() == {*((count, "gumbel") for count in range(1, 8)), (7, "one-per-task")}
    assert load("table5").after == load("table5_groupings")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("import sys\nsys.exit(0)\n", 5, "it ends Python by itself; a search space must define 'sweep = Sweep(...)'"),
        ("def main():\n    raise KeyboardInterrupt\nmain()\n", 5, "it raises KeyboardInterrupt; a search space must define"),
        ("sweep = Sweep(name='s', seeds=3)\n", 4, "seeds is 3: it must be a tuple of whole numbers, such as (0, 1)"),
        ("sweep = Sweep(name='s', grid=[1])\n", 4, 'grid is [1]: it must be a mapping, such as {"heads.count": (3, 5)}'),
        ("sweep = Sweep(name='s', grid={5: (1,)})\n", 4, "grid is 5: it must be a mapping from names of fields"),
        ("sweep = Sweep('s')\n", 4, "Sweep takes its fields by name, such as Sweep(name=...)"),
        ("sweep = Sweep(seeds=(1,))\n", 4, "Sweep needs the field 'name'"),
        ("sweep = Sweep(name='s', trial=Trail())\n", 4, "name 'Trail' is not defined; did you mean 'Trial'?"),
        ("1 / 0\n", 4, "ZeroDivisionError: division by zero"),
        ("raise ValueError('a\\nb' * 500)\n", 4, "ValueError: a ba b"),
        ("sweep = Sweep(name='s', seeds=range(10_000_000))\n", 4, "seeds has 10,000,000 values: it must have at most 1,000,000"),
        (
            "sweep = Sweep(name='s', seeds=range(100_000), grid={'heads.count': range(1, 101)})\n",
            4,
            "s: grid and seeds make 10,000,000 trials: a sweep has at most 100,000",
        ),
    ],
)
def test_whatever_a_search_space_does_is_answered_in_one_line_with_its_place(tmp_path, monkeypatch, text, line, message):
    path = space(tmp_path, text)
    assert refused(load, path).startswith(f"{path}:{line}: {message}")
    assert len(refused(load, path)) - len(path) < 300
    monkeypatch.chdir(tmp_path)
    assert refused(load, "mine.py").startswith(f"mine.py:{line}: {message}")


def test_ctrl_c_while_a_search_space_loads_stays_an_interruption(tmp_path):
    path = space(tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nfor _ in range(1000): pass\n")
    with pytest.raises(KeyboardInterrupt):
        load(path)


def test_a_search_space_may_begin_with_a_byte_order_mark_as_windows_writes_it(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text('"""Expected: ä."""\nfrom raygroup.search_space import Sweep\nsweep = Sweep(name="s")\n', encoding="utf-8-sig")
    assert load(str(path)).name == "s"
    assert hypothesis(str(path)) == "Expected: ä."


def test_a_search_space_in_another_encoding_than_utf_8_is_named(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text('sweep = "x"\n', encoding="utf-16")
    assert refused(load, str(path)).startswith(str(path))


def test_values_may_be_ranges_and_arrays_of_numpy_and_are_the_same_trials():
    np = pytest.importorskip("numpy")
    plain = Sweep(name="s", grid={"heads.count": (3, 4), "grouping.base_coefficient": (0.0, 0.5)}, seeds=(0, 1))
    other = Sweep(name="s", grid={"heads.count": range(3, 5), "grouping.base_coefficient": np.linspace(0, 0.5, 2)}, seeds=np.arange(2))
    assert other == plain
    assert [trial_id("s", trial, "d") for _, trial in other.trials()] == [trial_id("s", trial, "d") for _, trial in plain.trials()]


def test_fields_that_share_a_key_vary_together():
    points = ((1, "gumbel"), (7, "one-per-task"))
    sweep = Sweep(name="s", grid={"heads.count,grouping.method": points, "heads.embed": (8, 16)})
    assert [(trial.heads.count, trial.grouping.method, trial.heads.embed) for _, trial in sweep.trials()] == [
        (1, "gumbel", 8), (1, "gumbel", 16), (7, "one-per-task", 8), (7, "one-per-task", 16),
    ]  # fmt: skip
    assert sweep.trials()[0][0] == "count=1 method=gumbel embed=8 seed=0"


def test_values_that_are_right_only_together_may_share_a_key():
    groups = (("ar", "bn"), ("zh", "hi", "ja", "ko", "la"))
    sweep = Sweep(name="s", grid={"heads.count,grouping.method,grouping.groups": ((2, "explicit", groups),)})
    ((label, trial),) = sweep.trials()
    assert trial.grouping.groups == groups
    assert label == "count=2 method=explicit groups=ar+bn|zh+hi+ja+ko+la seed=0"


def test_a_shared_key_with_too_few_values_is_refused():
    message = refused(Sweep, name="s", grid={"heads.count,grouping.method": ((1,),)})
    assert message == "grid['heads.count,grouping.method'] is (1,): it must be a tuple of 2 values, one for each of the fields"


GROUPED = Sweep(name="grouped", grid={"heads.count": (2, 3)}, seeds=(0, 1))


def test_stage_3_has_a_trial_for_each_of_stage_2_and_each_point_of_its_own_grid():
    sweep = Sweep(name="tuned", trial=Finetuning(), after=GROUPED, grid={"training.steps": (10, 20)})
    trials = sweep.trials()
    assert sweep.num_trials == len(trials) == 8
    assert [trials[0][0], trials[1][0], trials[7][0]] == [
        "count=2 seed=0 steps=10", "count=2 seed=0 steps=20", "count=3 seed=1 steps=20",
    ]  # fmt: skip
    assert sweep.starts() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [(trial.heads.count, trial.seed, trial.training.steps) for _, trial in trials][6] == (3, 1, 10)


def test_a_trial_of_stage_2_comes_after_each_trial_of_stage_1():
    before = Sweep(name="stage1", trial=Pretraining())
    sweep = Sweep(name="s", after=before, grid={"heads.count": (2, 3)})
    assert sweep.starts() == [0, 0]
    assert [label for label, _ in sweep.trials()] == ["count=2 seed=0", "count=3 seed=0"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trial": Finetuning()}, "s: a Finetuning needs the sweep of stage 2 that it goes on from: set after=Sweep(...)"),
        (
            {"after": GROUPED},
            "s: a Trial cannot come after the Trial of grouped: stages are Trial after Pretraining, Finetuning after Trial",
        ),
        ({"after": "grouped"}, "after is 'str': it must be a Sweep, or load('NAME') of a search space"),
        ({"name": "grouped", "trial": Finetuning(), "after": GROUPED}, "after is 'grouped': it must be a sweep of another name"),
        ({"trial": Finetuning(), "after": GROUPED, "seeds": (1,)}, "seeds is (1,): it must be left out"),
    ],
)
def test_a_stage_that_cannot_come_after_another_is_refused(settings, message):
    assert refused(Sweep, **({"name": "s"} | settings)).startswith(message)


def test_a_bank_whose_heads_go_on_comes_after_grouped_trials_but_not_after_a_bank():
    cover = Grouping(method="cover", groups=(("ar",),), base_coefficient=0.0)
    later = Trial(heads=Heads(count=1, start="trained"), grouping=cover, loss=Loss(grouping=0.0, task=0.0))
    sweep = Sweep(name="later", trial=later, after=GROUPED)
    assert sweep.adds_tasks
    assert sweep.with_weights("mine.safetensors").after.trial.weights.file == "mine.safetensors"
    tuned = Sweep(name="tuned", trial=Finetuning(), after=GROUPED)
    assert Sweep(name="later", trial=later, after=tuned).num_trials == tuned.num_trials
    bank = Sweep(name="bank", trial=later.replaced("heads.start", "universal"))
    message = "later: a bank with heads.start 'trained' cannot come after bank, whose trials are banks of group heads"
    assert refused(Sweep, name="later", trial=later, after=bank) == message


def test_other_weights_replace_stage_1_and_reach_stage_2_of_a_sweep_of_stage_3():
    stage2 = Sweep(name="grouped", after=Sweep(name="stage1", trial=Pretraining()))
    stage3 = Sweep(name="tuned", trial=Finetuning(), after=stage2).with_weights("mine.safetensors")
    assert stage3.after.after is None
    assert stage3.after.trial.weights.file == "mine.safetensors"
