"""``python -m raygroup.reproduce`` prints our tables beside the paper's and never trains."""

import json
import subprocess
import sys

import pytest
from synthetic_storage import write_storage

from raygroup.reproduce import main


@pytest.fixture
def storage(tmp_path):
    return write_storage(tmp_path / "runs")


def test_table_3_shows_ours_beside_the_papers_and_the_control(storage, capsys):
    assert main(["table3", "--storage-path", str(storage)]) == 0
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


def test_figures_go_beside_the_sweep_or_into_the_out_folder(storage, tmp_path):
    assert main(["table3", "--storage-path", str(storage), "--out", str(tmp_path / "out")]) == 0
    assert not (storage / "small" / "figures").exists()
    assert json.loads((tmp_path / "out" / "table3.json").read_text())["sweep"] == "small"
    assert main(["table3", "--storage-path", str(storage)]) == 0
    assert (storage / "small" / "figures" / "table3.png").is_file()


def test_json_is_the_table_as_one_object(storage, capsys):
    assert main(["table3", "--storage-path", str(storage), "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["table"], table["sweep"]) == (3, "small")
    assert [row["base_coefficient"] for row in table["rows"]] == [0.0, 0.2]


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


def test_reproducing_imports_neither_torch_nor_ray(storage, tmp_path):
    code = "import sys; from raygroup.reproduce import main; main(sys.argv[1:]); assert not {'torch', 'ray'} & set(sys.modules)"
    command = [sys.executable, "-c", code, "table3", "--storage-path", str(storage), "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
