"""``python -m raygroup.evaluate`` prints one JSON object, one table, or one line of refusal."""

import json

import pyarrow.parquet as pq
import pytest
from scored_files import official_pair, official_pairs, write_zip

from raygroup.evaluate import PROTOCOLS, main
from raygroup.scoring.protocols import registry as protocols

BOX = "10,10,50,10,50,30,10,30"


@pytest.fixture
def pair(tmp_path):
    """The command's arguments for two words: one is read in another case, one is missed, and one detection is false."""
    truth = {"gt_img_00001.txt": f"{BOX},Latin,Castle\n210,10,250,10,250,30,210,30,Bangla,বাংলা"}
    detections = {"res_img_00001.txt": f"{BOX},0.9000,CASTLE\n400,10,450,10,450,30,400,30,0.2000,x"}
    paths = write_zip(tmp_path / "gt.zip", truth), write_zip(tmp_path / "sub.zip", detections)
    return ["--protocol", "mlt19-task4", "--gt", str(paths[0]), "--submission", str(paths[1])]


def test_json_holds_the_leaderboards_figures_and_the_case_sensitive_ones(pair, capsys):
    assert main([*pair, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert (scores["precision"], scores["recall"], scores["hmean"], scores["ap"]) == (0.5, 0.5, 0.5, 0.5)
    assert scores["one_minus_ned"] == pytest.approx(1 - 2 / 3)
    assert (scores["case_sensitive"]["precision"], scores["case_sensitive"]["recall"]) == (0, 0)
    assert scores["case_sensitive"]["one_minus_ned"] == pytest.approx(1 - (5 / 6 + 2) / 3)
    assert scores["scripts"]["Bangla"]["recall"] == 0
    assert scores["best_threshold"] == {"threshold": 0.9, "precision": 1, "recall": 0.5, "hmean": pytest.approx(2 / 3)}
    assert scores["reading"]["exact"]["accuracy"] == 0


def test_without_json_there_are_tables(pair, capsys):
    assert main(pair) == 0
    shown = capsys.readouterr().out
    assert "MLT19 task 4, end to end" in shown
    assert "upper-cased         50.00   50.00  50.00  50.00  33.33" in shown
    assert "highest H 66.67 with the detections of confidence 0.9000 and above" in shown
    assert "Bangla" in shown


def test_words_and_curve_are_written_to_the_named_files(pair, tmp_path, capsys):
    assert main([*pair, "--details", str(tmp_path / "words.parquet"), "--curve", str(tmp_path / "curve.csv")]) == 0
    assert pq.read_table(tmp_path / "words.parquet")["outcome"].to_pylist() == ["correct", "missed", "false"]
    assert len((tmp_path / "curve.csv").read_text().splitlines()) == 3


def test_a_lexicon_acts_before_the_scores(pair, tmp_path, capsys):
    (tmp_path / "words.txt").write_text("Castle\nCattle\n")
    assert main([*pair, "--json", "--lexicon", str(tmp_path / "words.txt")]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert (scores["precision"], scores["case_sensitive"]["precision"]) == (1, 1)
    assert main([*pair, "--json", "--lexicon", str(tmp_path / "words.txt"), "--max-edits", "any"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["detections"] == 2


def refused(arguments, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("raygroup: ")
    assert err.count("\n") == 1
    return err


def test_a_rejected_submission_is_one_line_with_file_and_line_and_exit_2(pair, tmp_path, capsys):
    write_zip(tmp_path / "sub.zip", {"res_img_00001.txt": f"{BOX},0.9,a\n{BOX},1e-05,a"})
    assert f"{tmp_path}/sub.zip/res_img_00001.txt:2: confidence is 1e-05: it must be" in refused(pair, capsys)


def test_other_bad_input_is_one_line_and_exit_2(pair, tmp_path, capsys):
    assert "must end in .parquet or .jsonl" in refused([*pair, "--details", "words.txt"], capsys)
    assert "none.zip" in refused([*pair[:3], str(tmp_path / "none.zip"), *pair[4:]], capsys)
    assert "none.txt" in refused([*pair, "--lexicon", str(tmp_path / "none.txt")], capsys)
    missing = str(tmp_path / "no folder" / "words.jsonl")
    assert "no folder" in refused([*pair, "--details", missing], capsys)
    task_1 = [
        "--protocol",
        "mlt19-task1",
        *pair[2:4],
        "--submission",
        str(write_zip(tmp_path / "1.zip", {"res_img_00001.txt": f"{BOX},0.9"})),
    ]
    assert "scores no texts" in refused([*task_1, "--lexicon", str(tmp_path / "none.txt")], capsys)


def test_a_curve_that_ends_in_png_is_a_picture(pair, tmp_path, capsys):
    assert main([*pair, "--curve", str(tmp_path / "curve.png")]) == 0
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    capsys.readouterr()
    assert "must end in .csv or .png" in refused([*pair, "--curve", str(tmp_path / "curve.pdf")], capsys)


def test_a_protocol_without_confidences_has_no_curve_and_no_best_threshold(tmp_path, capsys):
    truth = write_zip(tmp_path / "gt.zip", {"gt_img_1.txt": f"{BOX},word"})
    submission = write_zip(tmp_path / "sub.zip", {"res_img_1.txt": f"{BOX},word"})
    arguments = ["--protocol", "icdar15-e2e", "--gt", str(truth), "--submission", str(submission)]
    assert main([*arguments, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert (scores["hmean"], scores["ap"], scores["best_threshold"], scores["case_sensitive"]) == (1, None, None, None)
    assert "no confidences" in refused([*arguments, "--curve", str(tmp_path / "curve.csv")], capsys)
    assert not (tmp_path / "curve.csv").exists()


def test_no_words_and_no_detections_still_give_numbers(tmp_path, capsys):
    truth = write_zip(tmp_path / "gt.zip", {"gt_img_1.txt": ""})
    submission = write_zip(tmp_path / "sub.zip", {"res_img_1.txt": ""})
    for name in ("mlt19-task1", "mlt19-task3", "mlt19-task4"):
        arguments = ["--protocol", name, "--gt", str(truth), "--submission", str(submission)]
        assert main([*arguments, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["hmean"] == 0
        assert main(arguments) == 0
        capsys.readouterr()


def test_the_command_knows_every_protocol():
    assert set(protocols.PROTOCOLS) == set(PROTOCOLS)


@pytest.mark.parametrize("stem", official_pairs())
def test_exit_codes_are_the_official_scripts_acceptance(stem, capsys):
    task, truth, submission, expected = official_pair(stem)
    arguments = ["--protocol", f"mlt19-task{task}", "--gt", str(truth), "--submission", str(submission), "--json"]
    assert main(arguments) == (2 if "rejected" in expected else 0)
