"""``python -m raygroup.reproduce`` prints our tables beside the paper's and never trains."""

import json
import subprocess
import sys

import pyarrow as pa
import pytest
from arranged_sweeps import write_arrangements, write_stage3
from grouping_sweeps import write_head_counts, write_sized_heads
from synthetic_storage import write_storage

from raygroup.figures.table_files import write_table3_pictures
from raygroup.reproduce import main, table3


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    """Return a storage path with two epsilons at two seeds, to read only."""
    return write_storage(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def one_seed(tmp_path):
    """Return a storage path with one trial of each kind. Their pictures are drawn faster."""
    return write_storage(tmp_path / "runs", seeds=(0,))


def test_table_3_shows_ours_beside_the_papers_and_the_control(storage, tmp_path, capsys):
    assert main(["table3", "--storage-path", str(storage), "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    rows = [line.split() for line in out.splitlines()]
    assert ["0.2", "5", "2"] in [row[:3] for row in rows]
    assert ["control", "-", "2"] in [row[:3] for row in rows]
    assert "ar+ko | bn | zh | hi+ja | la" in out
    assert "its groups come from Gumbel noise and Eq. (9) alone" in out
    assert "cannot say which languages belong together" in out
    for split in ("new renders of training words", "words never trained on"):
        for routing in ("classifier", "true task"):
            assert f"Words read, {split}, routed by the {routing}" in out
    assert not (storage / "small" / "figures").exists()
    assert [row["base_coefficient"] for row in json.loads((tmp_path / "table3.json").read_text())["rows"]] == [0.0, 0.2]


def test_figures_go_beside_the_sweep_and_json_is_the_table_as_one_object(one_seed, capsys):
    assert main(["table3", "--storage-path", str(one_seed), "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["table"], table["sweep"]) == (3, "small")
    folder = one_seed / "small" / "figures"
    assert json.loads((folder / "table3.json").read_text()) == table
    assert (folder / "table3.png").is_file()


@pytest.mark.slow
def test_pictures_are_counted_as_they_are_drawn(one_seed, tmp_path, capsys):
    counts = []
    write_table3_pictures(table3(one_seed), tmp_path, lambda done, total: counts.append((done, total)))
    assert counts == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert main(["table3", "--storage-path", str(one_seed), "--out", str(tmp_path)]) == 0
    assert "3 trials drawn" in capsys.readouterr().out


def test_without_a_sweep_the_command_that_makes_one_is_named(tmp_path, capsys):
    assert main(["table3", "--storage-path", str(tmp_path)]) == 2
    assert "'python -m raygroup.sweep --storage-path" in capsys.readouterr().err


def test_a_misspelt_sweep_lists_those_there_are(storage, capsys):
    assert main(["table3", "--storage-path", str(storage), "--sweep", "smal"]) == 2
    assert capsys.readouterr().err == f"raygroup: no sweep 'smal' in {storage}; there are: small, small_control\n"


def test_table_2_stands_beside_the_papers_and_its_files_lie_beside_the_sweep(tmp_path, capsys):
    write_head_counts(tmp_path, counts=(2, 3), seeds=(0, 1))
    assert main(["table2", "counts", "--storage-path", str(tmp_path), "--settle", "5"]) == 0
    out = capsys.readouterr().out
    assert "Groups and their occurrences, beside the paper's" in out
    assert "no significance is claimed" in out
    folder = tmp_path / "counts" / "figures"
    names = {path.name for path in folder.iterdir()}
    assert names >= {"table2.json", "table2.md", "table2.html", "table2.tex", "table2.arrow", "table2-heads.arrow", "table2-runs.arrow"}
    assert names >= {"co-assignment.png", "co-assignment-2.png", "co-assignment-3.png", "sharpening.png"}
    with pa.ipc.open_file(folder / "table2.arrow") as file:
        rows = file.read_all()
    assert rows["occurrences"].type == pa.int64()
    assert sum(count for count in rows["occurrences"].to_pylist() if count) > 0
    assert main(["table2", "--sweep", "counts", "--storage-path", str(tmp_path), "--json", "--settle", "5"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((folder / "table2.json").read_text())


def test_table_4_shows_the_papers_numbers_with_no_sweep_and_writes_nothing_then(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["table4"]) == 0
    assert "Ours is missing: no storage path runs" in capsys.readouterr().out
    assert not [*tmp_path.iterdir()]
    write_sized_heads(tmp_path / "runs")
    assert main(["table4", "sizes"]) == 0
    assert "Our heads and the tasks that they got" in capsys.readouterr().out
    folder = tmp_path / "runs" / "sizes" / "figures"
    assert {"table4-heads.arrow", "head-sizes.png"} <= {path.name for path in folder.iterdir()}


def test_table_5_shows_arrangements_and_stage_3_and_writes_files_and_a_picture(tmp_path, capsys):
    write_arrangements(tmp_path)
    write_stage3(tmp_path, "arranged", "fine", lambda trial: 4)
    assert main(["table5", "--storage-path", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    rows = [line.split() for line in out.splitlines()]
    assert ["Grouped", "(2", "heads)", "2", "grouping", "2"] in [row[:6] for row in rows]
    assert "Stage 3 minus stage 2 on unseen words" in out
    folder = tmp_path / "arranged" / "figures"
    assert {path.name for path in folder.iterdir()} >= {
        "table5.json",
        "table5.md",
        "table5-words.arrow",
        "table5-stages.arrow",
        "size-accuracy.png",
    }
    with pa.ipc.open_file(folder / "table5-words.arrow") as file:
        assert file.read_all()["unseen_accuracy_mean"].to_pylist() == [37.5, 100, 37.5, 100, 37.5, 100]
    assert main(["table5", "arranged", "--storage-path", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((folder / "table5.json").read_text())


def test_without_a_sweep_of_arrangements_table_5_says_why_each_does_not_fit(storage, capsys):
    assert main(["table5", "--storage-path", str(storage)]) == 2
    assert "has no finished sweep for Table 5: small has only one arrangement of heads" in capsys.readouterr().err


@pytest.mark.slow
def test_all_makes_what_can_be_made_and_says_why_the_rest_is_missing(one_seed, tmp_path, capsys):
    assert main(["all", "--storage-path", str(one_seed), "--out", str(tmp_path / "all"), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert set(values) == {"table3", "table4", "not_made"}
    assert "has no finished sweep for Table 2" in values["not_made"]["table2"]
    assert "has no finished sweep for Table 5" in values["not_made"]["table5"]
    assert {path.name for path in (tmp_path / "all").iterdir()} >= {"table3.md", "table3.arrow", "table4.html"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["table2", "one", "--sweep", "other"], "two sweeps are named, one and other: name one"),
        (["all", "one"], "all: each table has a sweep of its own, so none can be named"),
        (["table3", "--settle", "5"], "--settle 5: only table2 uses it"),
        (["table2", "--settle", "0"], "argument --settle: '0' must be a whole number from 1"),
    ],
)
def test_arguments_without_a_meaning_are_refused(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_an_output_folder_that_cannot_be_written_is_named(storage, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["table3", "--storage-path", str(storage), "--out", str(tmp_path / "file")]) == 2
    assert f"--out {tmp_path / 'file'}: cannot be written" in capsys.readouterr().err


def test_reproducing_imports_neither_torch_nor_ray(one_seed, tmp_path):
    code = "import sys; from raygroup.reproduce import main; assert main(sys.argv[1:]) == 0; assert not {'torch', 'ray'} & set(sys.modules)"
    command = [sys.executable, "-c", code, "table3", "--storage-path", str(one_seed), "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
