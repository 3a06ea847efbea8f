"""``python -m raygroup.reproduce`` prints our tables beside the paper's and never trains."""

import json
import subprocess
import sys

import pytest
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


@pytest.mark.parametrize("table", ["table2", "table4", "table5"])
def test_a_table_that_cannot_be_made_yet_says_what_it_needs(table, capsys):
    assert main([table]) == 2
    assert f"raygroup: {table} cannot be rebuilt: it needs " in capsys.readouterr().err


def test_an_output_folder_that_cannot_be_written_is_named(storage, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["table3", "--storage-path", str(storage), "--out", str(tmp_path / "file")]) == 2
    assert f"--out {tmp_path / 'file'}: cannot be written" in capsys.readouterr().err


def test_reproducing_imports_neither_torch_nor_ray(one_seed, tmp_path):
    code = "import sys; from raygroup.reproduce import main; assert main(sys.argv[1:]) == 0; assert not {'torch', 'ray'} & set(sys.modules)"
    command = [sys.executable, "-c", code, "table3", "--storage-path", str(one_seed), "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
