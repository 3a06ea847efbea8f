"""Evidence from what trials gathered: the mean over steps, then over trials."""

import numpy as np
import pyarrow as pa
import pytest

from raygroup.errors import ConfigError
from raygroup.history.schema import task_evidence_schema
from raygroup.strategies.gathered import gathered_evidence

TASKS = ("hi", "la")


def table(grams, lookahead=None, tasks=TASKS, words=None):
    kind = "gradients" if lookahead is None else "lookahead"
    n = len(grams)
    columns = {
        "step": [10 * (row + 1) for row in range(n)],
        "words_t": [[1, 1]] * n,
        "nll_tm": [[1.0, 1.0]] * n,
        "gradient_words_t": words or [[1, 1]] * n,
        "gram_tt": grams,
        "inner_gram_tt": [[1.0, 0.0, 0.0, 1.0]] * n,
        "gradients_s": [0.5] * n,
    }
    if lookahead is not None:
        columns |= {"lookahead_tt": lookahead, "lookahead_s": [0.25] * n}
    return pa.table(columns, schema=task_evidence_schema(tasks, 1, kind, 10, {}))


def test_cosines_are_the_mean_over_steps_with_words_of_both_tasks_then_over_trials():
    first = table([[4.0, 3.0, 3.0, 9.0], [4.0, 0.0, 0.0, 0.0], [1.0, -0.5, -0.5, 1.0]])
    second = table([[1.0, 1.0, 1.0, 1.0]])
    evidence = gathered_evidence([first, second])
    assert evidence.cosines[0, 1] == evidence.cosines[1, 0] == pytest.approx(((3 / 6 - 0.5) / 2 + 1) / 2)
    assert evidence.cosines.diagonal().tolist() == [1, 1]
    assert evidence.costs_s == {"cosines": 2.0}
    assert evidence.lookahead is None
    assert gathered_evidence([first, second], inner=True).cosines[0, 1] == 0


def test_lookahead_leaves_out_steps_without_words_of_a_task():
    lookahead = [[0.2, 0.1, -0.1, 0.3], [0.0, 0.0, 0.0, 0.1]]
    evidence = gathered_evidence([table([[1.0, 0.5, 0.5, 1.0]] * 2, lookahead, words=[[2, 3], [0, 3]])])
    assert np.allclose(evidence.lookahead, [[0.2, 0.1], [-0.1, 0.2]])
    assert evidence.costs_s == {"cosines": 1.0, "lookahead": 1.5}


def test_evidence_that_is_missing_or_of_other_tasks_is_refused():
    sound = table([[1.0, 0.5, 0.5, 1.0]])
    with pytest.raises(ConfigError, match="no tables of evidence"):
        gathered_evidence([])
    with pytest.raises(ConfigError, match="evidence on ar, la cannot be joined with evidence on hi, la"):
        gathered_evidence([sound, table([[1.0, 0.5, 0.5, 1.0]], tasks=("ar", "la"))])
    with pytest.raises(ConfigError, match="no step has words of both hi and la"):
        gathered_evidence([table([[1.0, 0.0, 0.0, 0.0]])])
    losses = sound.drop_columns(["gradient_words_t", "gram_tt", "inner_gram_tt", "gradients_s"])
    losses = losses.replace_schema_metadata(task_evidence_schema(TASKS, 1, "losses", 10, {}).metadata)
    with pytest.raises(ConfigError, match="training.evidence of a trial is 'losses': it must be 'gradients' or 'lookahead'"):
        gathered_evidence([losses])
