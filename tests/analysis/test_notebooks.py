"""The notebooks run on small histories, draw, import neither torch nor ray, and are committed without outputs."""

from pathlib import Path

import nbformat
import pytest
from arranged_sweeps import write_arrangements, write_stage3
from grouping_sweeps import write_head_counts, write_sized_heads
from nbclient import NotebookClient
from synthetic_storage import fail_trial, start_trial, trials, walk, write_attempt, write_storage, write_sweep

from raygroup.errors import ConfigError
from raygroup.storage.sweeps import read_sweeps
from raygroup.tables.notebook_inputs import notebook_sweep

ANALYSIS = Path(__file__).parents[2] / "analysis"
NOTEBOOKS = sorted(path.name for path in ANALYSIS.glob("*.ipynb"))
NO_TRAINING = "import sys\nassert not {'torch', 'ray'} & set(sys.modules), 'a notebook reads records, it does not train'"


def run(name: str, storage: Path, monkeypatch: pytest.MonkeyPatch, sweep: str | None = None) -> list[dict]:
    """All outputs of a notebook run on a storage path."""
    monkeypatch.setenv("RAYGROUP_STORAGE", str(storage))
    if sweep:
        monkeypatch.setenv("RAYGROUP_SWEEP", sweep)
    notebook = nbformat.read(ANALYSIS / name, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(NO_TRAINING))
    NotebookClient(notebook, timeout=400, kernel_name="python3").execute()
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def pictures(outputs: list[dict]) -> int:
    return sum("image/png" in output.get("data", {}) for output in outputs)


def text(outputs: list[dict]) -> str:
    return "".join(output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs)


@pytest.fixture
def storage(tmp_path):
    return write_storage(tmp_path / "runs")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_are_kept_without_outputs(name):
    notebook = nbformat.read(ANALYSIS / name, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


@pytest.mark.slow
def test_table_3_draws_the_table_every_assignment_and_a_sheet_of_words(storage, monkeypatch):
    outputs = run("table3.ipynb", storage, monkeypatch)
    assert pictures(outputs) == 1 + 6 + 1
    assert "ar+ko | bn | zh | hi+ja | la" in text(outputs)


@pytest.mark.slow
def test_table_2_draws_how_often_tasks_share_a_head_and_how_p_tm_sharpens(tmp_path, monkeypatch):
    write_head_counts(tmp_path / "runs", counts=(2, 3), seeds=(0, 1))
    outputs = run("table2.ipynb", tmp_path / "runs", monkeypatch)
    assert pictures(outputs) == 1 + 2 + 1
    assert "The paper's printed table (18 runs) cannot be right" in text(outputs)


@pytest.mark.slow
def test_table_4_draws_the_heads_that_tasks_got(tmp_path, monkeypatch):
    write_sized_heads(tmp_path / "runs")
    outputs = run("table4.ipynb", tmp_path / "runs", monkeypatch)
    assert pictures(outputs) == 1
    assert "Our heads and the tasks that they got" in text(outputs)


@pytest.mark.slow
def test_table_5_draws_accuracy_against_size_and_what_stage_3_gains(tmp_path, monkeypatch):
    write_arrangements(tmp_path / "runs")
    write_stage3(tmp_path / "runs", "arranged", "fine", lambda trial: 3)
    outputs = run("table5.ipynb", tmp_path / "runs", monkeypatch)
    assert pictures(outputs) == 1
    assert "Stage 3 minus stage 2 on unseen words" in text(outputs)


def test_a_sweep_shows_times_and_why_a_trial_failed(storage, monkeypatch):
    declared = trials((0.1,), control=False)
    write_sweep(storage, "half", declared, done=False)
    failed = read_sweeps(storage)[0].trials[0]
    start_trial(failed.folder, "half", *declared[0])
    write_attempt(failed.folder, 1, walk(declared[0][1])[:20], declared[0][1], 1)
    fail_trial(failed.folder, "integrated loss is nan", 20)
    outputs = run("sweep.ipynb", storage, monkeypatch, "half")
    assert pictures(outputs) == 1
    assert "step 20: integrated loss is nan" in text(outputs)
    assert "not started" in text(outputs)


def test_a_sweep_stands_beside_another(storage, monkeypatch):
    monkeypatch.setenv("RAYGROUP_COMPARE", "small_control")
    assert "pair agreement, mean over seeds" in text(run("sweep.ipynb", storage, monkeypatch, "small"))


def test_notebooks_find_the_folder_runs_beside_them_or_above(tmp_path, monkeypatch):
    monkeypatch.delenv("RAYGROUP_STORAGE", raising=False)
    (tmp_path / "analysis").mkdir()
    write_storage(tmp_path / "runs")
    for folder in (tmp_path, tmp_path / "analysis"):
        monkeypatch.chdir(folder)
        assert notebook_sweep().folder.resolve() == tmp_path / "runs" / "small_control"


def test_a_misspelt_sweep_of_a_notebook_lists_those_there_are(storage, monkeypatch):
    monkeypatch.setenv("RAYGROUP_STORAGE", str(storage))
    monkeypatch.setenv("RAYGROUP_SWEEP", "smal")
    with pytest.raises(ConfigError, match="RAYGROUP_SWEEP: no sweep 'smal' in .*; there are: small, small_control"):
        notebook_sweep()
