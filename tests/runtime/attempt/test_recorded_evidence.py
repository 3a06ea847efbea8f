"""A trial leaves its evidence on tasks behind: each step once, also after a resume, and bit for bit as undisturbed."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from pack_sessions import declare_plan, folders, train_and_stop

from raygroup.errors import HistoryError
from raygroup.history.reader import attempt_files, column_values, read_history, same_evidence
from raygroup.history.task_evidence import read_task_evidence, same_task_evidence
from raygroup.runtime.attempt.worker import run_pack
from raygroup.storage.checkpoint_index import sound_steps
from raygroup.storage.layout import EVIDENCE
from raygroup.strategies.gathered import gathered_evidence
from raygroup.tables.sweep_result import read_sweep

LOOKAHEAD = {"steps": 40, "grid": '{"training.evidence,training.evidence_every": (("lookahead", 3),)}'}


@pytest.fixture
def undisturbed(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path, name="undisturbed", **LOOKAHEAD)
    assert run_pack(folders(plan), prepared) == {}
    return plan.jobs[0].folder


def test_a_resumed_trial_has_the_evidence_of_an_undisturbed_one(undisturbed, prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path, **LOOKAHEAD)
    train_and_stop(plan, prepared, 28)
    (folder,) = folders(plan)
    half = read_task_evidence(folder)
    assert half["step"].to_pylist() == list(range(3, 21, 3)), "records reach the file every ten steps, and with checkpoints"
    assert run_pack([folder], prepared) == {}
    whole, expected = read_task_evidence(folder), read_task_evidence(undisturbed)
    assert whole["step"].to_pylist() == list(range(3, 40, 3))
    assert same_task_evidence(whole, expected)
    assert not same_task_evidence(whole, half)
    assert same_evidence(read_history(folder), read_history(undisturbed))
    metadata = json.loads(pq.read_schema(folder / "task_evidence.parquet").metadata[b"raygroup"])
    assert (metadata["evidence"], metadata["every"], metadata["tasks"]) == ("lookahead", 3, ["ar", "hi", "la"])
    assert attempt_files(folder, EVIDENCE) == [], "the attempts are gone once their rows are sealed"


def test_a_checkpoint_vouches_for_the_evidence_up_to_it(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path, **LOOKAHEAD)
    train_and_stop(plan, prepared, 25)
    (folder,) = folders(plan)
    assert sound_steps(folder) == {10, 20}
    (path,) = attempt_files(folder, EVIDENCE)
    content = bytearray(path.read_bytes())
    content[-200] ^= 1
    path.write_bytes(content)
    assert 20 not in sound_steps(folder)


def test_results_of_trials_give_evidence_for_strategies(undisturbed, prepared):
    (trial,) = read_sweep("undisturbed", prepared).trials
    table = trial.task_evidence
    evidence = gathered_evidence([table])
    assert evidence.tasks == ("ar", "hi", "la")
    assert np.allclose(np.diagonal(evidence.cosines), 1)
    assert set(evidence.parts) == {"cosines", "lookahead"}
    seconds = column_values(table["gradients_s"]).sum()
    assert 0 < evidence.costs_s["cosines"] == pytest.approx(seconds, rel=1e-6)
    assert evidence.costs_s["lookahead"] > evidence.costs_s["cosines"]


def test_a_trial_without_evidence_says_so(finished):
    folder = next(finished.glob("tiny/*/history.parquet")).parent
    with pytest.raises(HistoryError, match="no evidence on tasks: training.evidence of the trial is 'none'"):
        read_task_evidence(folder)
