"""Test forms and packs on a GPU against the plain form.

Numbers agree except for rounding. These tests are skipped on machines without a GPU.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pack_fixtures import DIFFERENT_TRIALS, make_data, make_universal

from raygroup.config import Grouping, Loss
from raygroup.model.kernels.forms import FORMS
from raygroup.training.packs.pack import Pack
from raygroup.training.word_nll import word_nll
from raygroup.trunks import FEATURE_SHAPE
from raygroup.words.charset import Charset

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
CHARSET = Charset(tuple(chr(0x4E00 + place) for place in range(62)))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    labels = ["".join(CHARSET.characters[k : k + 2 + k % 5]) for k in range(48)]
    return make_data(tmp_path_factory.mktemp("features"), FEATURE_SHAPE, labels, CHARSET)


@pytest.fixture(scope="module")
def universal():
    return make_universal(CHARSET)


@pytest.mark.parametrize("form", ["plain", "factored", "winograd", "graphs"])
def test_a_form_on_a_gpu_agrees_with_the_plain_one_on_a_cpu_over_the_first_steps(form, data, universal):
    on_cpu = Pack(DIFFERENT_TRIALS, data, universal)
    on_gpu = Pack(DIFFERENT_TRIALS, data, universal, "cuda", FORMS[form])
    expected, rows = (pack.split_records([pack.advance() for _ in range(20)]) for pack in (on_cpu, on_gpu))
    for trial_rows, expected_rows in zip(rows, expected, strict=True):
        assert np.allclose(trial_rows, expected_rows, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("form", ["plain", "winograd", "graphs"])
@pytest.mark.parametrize(
    "grouping", [Grouping(heads_per_word=2), Grouping(assignment="loss"), Grouping(assignment="loss", heads_per_word=2)]
)
def test_drawn_heads_and_r_tm_by_losses_agree_on_a_gpu_and_a_cpu_over_the_first_steps(grouping, form, data, universal):
    loss = Loss(grouping=0.0 if grouping.assignment == "loss" else 1.0)
    trials = [replace(trial, grouping=grouping, loss=loss) for trial in DIFFERENT_TRIALS]
    on_cpu, on_gpu = Pack(trials, data, universal), Pack(trials, data, universal, "cuda", FORMS[form])
    expected, rows = (pack.split_records([pack.advance() for _ in range(20)]) for pack in (on_cpu, on_gpu))
    for trial_rows, expected_rows in zip(rows, expected, strict=True):
        assert np.allclose(trial_rows, expected_rows, rtol=1e-3, atol=1e-4)


def test_a_trial_on_a_gpu_has_the_same_numbers_alone_and_in_a_pack(data, universal):
    pack = Pack(DIFFERENT_TRIALS, data, universal, "cuda")
    together = pack.split_records([pack.advance() for _ in range(20)])
    for number, trial in enumerate(DIFFERENT_TRIALS):
        single = Pack([trial], data, universal, "cuda")
        (alone,) = single.split_records([single.advance() for _ in range(20)])
        assert np.allclose(together[number], alone, rtol=1e-3, atol=1e-4)


def test_held_out_losses_of_a_gpu_are_those_of_a_cpu(data, universal):
    rows = np.arange(48)
    losses = [word_nll(Pack(DIFFERENT_TRIALS, data, universal, device).trained_trial(1), rows) for device in ("cpu", "cuda")]
    assert np.allclose(*losses, rtol=1e-3, atol=1e-4)
