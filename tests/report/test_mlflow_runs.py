"""Finished trials as MLflow runs: one for each trial, however often the report is written."""

import subprocess
import sys

import pytest
import synthetic_storage

from raygroup.report.__main__ import main

pytestmark = pytest.mark.slow  # MLflow takes many seconds to load


@pytest.fixture(autouse=True)
def store(monkeypatch):
    """Allow a folder as the store. MLflow's servers and databases are what users have."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.mark.filterwarnings("ignore")
def test_a_trial_is_one_run_however_often_it_is_logged(tmp_path, capsys):
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    synthetic_storage.write_sweep(tmp_path / "runs", "small", synthetic_storage.trials((0.0,), control=False))
    uri = (tmp_path / "mlruns").as_uri()
    arguments = ["small", "--storage-path", str(tmp_path / "runs"), "--mlflow", uri]
    assert main(arguments) == 0
    assert "2 new runs, 0 that were there" in capsys.readouterr().out
    assert main(arguments) == 0
    assert "0 new runs, 2 that were there" in capsys.readouterr().out
    client = MlflowClient(tracking_uri=uri)
    runs = client.search_runs([client.get_experiment_by_name("small").experiment_id])
    assert len(runs) == len({run.data.tags["raygroup.trial_id"] for run in runs}) == 2
    assert {run.data.params["seed"] for run in runs} == {"0", "1"}
    assert all(run.data.metrics["unseen_accuracy"] == pytest.approx(6 * 0.5 / 7) for run in runs)
    assert all(run.info.status == "FINISHED" for run in runs)
    assert [item.path for item in client.list_artifacts(runs[0].info.run_id)] == ["report.html"]


def test_without_mlflow_the_error_names_the_extra(tmp_path):
    synthetic_storage.write_sweep(tmp_path / "runs", "small", synthetic_storage.trials((0.0,), control=False), done=False)
    code = "import sys; sys.modules['mlflow'] = None; from raygroup.report.__main__ import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "small", "--storage-path", str(tmp_path / "runs"), "--mlflow", "http://127.0.0.1:9"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 2
    assert "pip install 'raygroup[mlflow]'" in outcome.stderr
    assert outcome.stderr.count("\n") == 1
