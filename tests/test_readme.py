"""Every command and every script of the README and of the quickstart page does what it says, at a small size."""

import importlib.util
import re
import runpy
import zipfile
from pathlib import Path

import pytest
from given_words import write_folder
from page_commands import commands, run_page_command
from tiny_sweep import space

from raygroup.task_groups import all_groups

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = README, (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8"), (ROOT / "docs" / "reproduction.md").read_text()
SCENES_COMMAND = (
    "python -m raygroup.data render scenes --scenes 200 --split test --characters 600,ar=40,bn=40,zh=160,hi=40,ja=100,ko=80,la=52 "
    "--max-characters 8 --words-per-task 300"
)
NOT_RUN_HERE = {
    "pip install torch --index-url https://download.pytorch.org/whl/cpu", "pip install .", "pip install -e '.[dev]'",
    'pytest -n 2 --dist loadscope -m "not slow"', "tensorboard --logdir runs/quickstart",
    SCENES_COMMAND, "python -m raygroup.reproduce table5 --scenes scenes",
}  # fmt: skip
"""Installations, the suite itself, a program that serves until it is ended, and 200 scenes, which tests/end_to_end has fewer of."""


ALL_COMMANDS = list(dict.fromkeys(command for page in PAGES for command in commands(page)))
RAYGROUP_COMMANDS = [command for command in ALL_COMMANDS if command.startswith("python -m raygroup") and command not in NOT_RUN_HERE]
PYTHON_BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with my_words, and small search spaces under the names of the bundled ones, which raygroup looks up first."""
    folder = tmp_path_factory.mktemp("newcomer")
    write_folder(folder / "my_words")
    spaces = folder / "search_spaces"
    spaces.mkdir()
    for name in ("quickstart", "smoke"):
        space(spaces, name=name, steps=10)
    space(spaces, name="quickstart_control", steps=10, grouping="control=True")
    space(spaces, name="table2_laptop", steps=10, grid='{"heads.count": (2, 3)}', seeds="(0, 1)")
    _write_stages(spaces)
    (spaces / "pretrain.py").write_text(
        "from raygroup.config import Pretraining, Words\n"
        "words = Words(words_per_task=4, unseen_per_task=2, renders=1)\n"
        "pretraining = Pretraining(words=words, steps=2, head_steps=2, batch=8)\n"
    )
    _write_archives(folder)
    return folder


WORDS = "Words(tasks=('ar', 'hi', 'la'), characters=(20, 20, 20), words_per_task=8, unseen_per_task=3, renders=1)"


def _write_stages(spaces):
    """Write small sweeps of three stages, and one of planted twins."""
    first = (
        f"Pretraining(words={WORDS}, start='laptop', steps=0, head_steps=3, batch=8, heads=Heads(count=1, start='independent', hidden=8))"
    )
    grid = '{"heads.count,grouping.method": ((1, "gumbel"), (2, "gumbel"), (3, "one-per-task"))}'
    second = f"Trial(words={WORDS}, heads=Heads(hidden=8), training=Training(steps=4, batch=8))"
    third = "Finetuning(training=Training(steps=4, batch=8))"
    planted = WORDS.replace("renders=1", "renders=1, parts=(2, 1, 1)")
    groups = all_groups(("ar-1", "ar-2", "hi", "la"))
    banks = (
        f"grouping=Grouping(method='cover', groups={groups}, base_coefficient=0.0), "
        "loss=Loss(grouping=0.0, task=0.0), training=Training(steps=4, batch=8)"
    )
    sweeps = {
        "stage1_small": f"trial={first}",
        "stage2_small": f"trial={second}, after=load('stage1_small'), grid={grid}",
        "stage3_small": f"trial={third}, after=load('stage2_small')",
        "table5_groupings_laptop": f"trial={second}, after=load('stage1_small'), grid={grid}",
        "table5_laptop": f"trial={third}, after=load('table5_groupings_laptop')",
        "oracle_planted": f"trial=Trial(words={planted}, heads=Heads(count={len(groups)}, start='independent'), {banks}), seeds=(0, 1)",
        "evidence_planted": f"trial=Trial(words={planted}, heads=Heads(count=1), training=Training(steps=4, batch=8, evidence='gradients', "
        "evidence_every=2, evidence_words=4))",
        "learned_groupings": f"trial=Trial(words={planted}, heads=Heads(count=2), training=Training(steps=4, batch=8)), seeds=(5, 6)",
        "planted": f"trial=Trial(words={planted}, heads=Heads(count=2), training=Training(steps=4, batch=8))",
    }
    for name, settings in sweeps.items():
        imports = "from raygroup.config import Finetuning, Grouping, Heads, Loss, Pretraining, Training, Trial, Words\n"
        imports += "from raygroup.search_space import Sweep, load\n"
        (spaces / f"{name}.py").write_text(f'"""Hypothesis: none."""\n{imports}sweep = Sweep(name="{name}", {settings})\n')


def _write_archives(folder):
    """Write gt.zip and images.zip in MLT19's layout, and sub.zip, a submission that finds every word."""
    fixtures = Path(__file__).parent / "data" / "scenes" / "mlt19"
    with (
        zipfile.ZipFile(folder / "gt.zip", "w") as truths,
        zipfile.ZipFile(folder / "sub.zip", "w") as submission,
        zipfile.ZipFile(folder / "images.zip", "w") as images,
    ):
        for path in sorted(fixtures.glob("gt/*.txt")):
            lines = [line.split(",", 9) for line in path.read_text(encoding="utf-8").splitlines()]
            number = path.stem.removeprefix("tr_")
            truths.writestr(f"gt_{number}.txt", "\n".join(",".join(line) for line in lines))
            submission.writestr(f"res_{number}.txt", "\n".join(",".join([*line[:8], "0.9000", line[9]]) for line in lines))
        for path in sorted(fixtures.glob("images/*.jpg")):
            images.write(path, path.name)
    (folder / "photograph.jpg").write_bytes(min(fixtures.glob("images/*.jpg")).read_bytes())


def test_every_command_is_run_below_or_named_as_run_elsewhere():
    assert set(ALL_COMMANDS) == set(RAYGROUP_COMMANDS) | NOT_RUN_HERE


def test_ci_installs_and_tests_as_the_readme_says():
    script = (ROOT / ".ci" / "run").read_text()
    assert "pip install --quiet -e '.[dev]'\n" in script
    assert '\npytest -n 2 --dist loadscope -m "not slow"\n' in script


@pytest.mark.parametrize("command", RAYGROUP_COMMANDS)
def test_the_command_runs(command, folder, monkeypatch, capsys):
    """Without Ray. tests/runtime runs the sweep on Ray."""
    monkeypatch.chdir(folder)
    assert run_page_command(command) == 0, capsys.readouterr().err
    assert capsys.readouterr().out


def test_the_python_of_the_readme_runs(folder, monkeypatch, capsys):
    (block,) = PYTHON_BLOCKS
    assert len([line for line in block.splitlines() if line.strip()]) <= 10
    script = folder / "readme.py"
    script.write_text(block.replace("words_per_task=60)", "words_per_task=8, unseen_per_task=2)").replace("steps=60", "steps=4"))
    monkeypatch.chdir(folder)
    runpy.run_path(str(script), run_name="__main__")
    assert "'unseen_accuracy': " in capsys.readouterr().out


def example(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", ROOT / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_first_sweep_and_its_pictures(tmp_path):
    result = example("first_sweep").main(str(tmp_path / "runs"), steps=4)
    assert set(result.groupings) == {"base_coefficient=0.0 seed=0", "base_coefficient=0.2 seed=0"}
    pictures = example("pictures").main(str(tmp_path / "runs"), "first_sweep", str(tmp_path / "images"))
    assert [path.name for path in pictures] == ["assignment.png", "words.png"]
    assert all(path.stat().st_size > 10_000 for path in pictures)


def test_own_words_are_scored_by_task(tmp_path):
    scores = example("own_words").main(str(tmp_path), steps=4).task_scores()
    assert set(scores["task"].to_pylist()) == {"latin", "numbers"}


def test_the_pictures_of_the_readme_are_there_and_small():
    names = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert len(names) == 3
    for name in names:
        assert 10_000 < (ROOT / name).stat().st_size < 200_000, name
