"""The held-out loss of words under every head, from heads whose probabilities are known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from raygroup.config import Heads, Training, Trial
from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import FORMS
from raygroup.model.task_classifier import TaskClassifiers
from raygroup.training.label_batches import encode_labels
from raygroup.training.packs.trained_trial import TrainedTrial
from raygroup.training.packs.training_data import TrainingData
from raygroup.training.word_nll import word_nll
from raygroup.words.charset import Charset
from raygroup.words.feature_shards import write_features
from raygroup.words.feature_store import FeatureStore

CHARSET = Charset(("a", "b", "c"))
LABELS = ["a", "cab", "bb", "az"]
"""No head can write the ``z``."""
FLAT, PLANES = (6, 8), (6, 4, 8)


def trained_trial(folder, shape, heads, form="plain", sizes=None):
    """Return a trial whose heads have random weights of the given sizes, and four words of random features."""
    random = np.random.default_rng(0)
    write_features(folder / "features.arrow", shape, [random.standard_normal((4, *shape)).astype(np.float16)], {})
    targets, lengths = encode_labels(LABELS, CHARSET)
    p_wt = np.eye(2, dtype=np.float32)[[0, 1, 0, 1]]
    data = TrainingData(FeatureStore(folder / "features.arrow"), targets, lengths, p_wt, np.arange(4), ("hi", "la"), CHARSET)
    planes = len(shape) == 3
    bank = HeadBank(
        heads, CHARSET.num_classes, features=shape[0] if planes else shape[1], positions=(2, 4) if planes else (1, shape[0]),
        embed=4, hidden=sizes or 8, convolve=planes,
    ).requires_grad_(False)  # fmt: skip
    for head in range(heads):
        bank.initialise(head, torch.Generator().manual_seed(head))
    trial = Trial(heads=Heads(count=heads), training=Training(steps=1))
    classifier = TaskClassifiers(1, 2, bank.features).requires_grad_(False)
    return TrainedTrial(trial, data, bank, classifier, torch.zeros(2, heads), "cpu", FORMS[form])


def test_a_head_that_knows_nothing_costs_the_logarithm_of_the_number_of_classes(tmp_path):
    """There are five classes: begin, a, b, c and the end."""
    trained = trained_trial(tmp_path, FLAT, 2)
    trained.bank.output[0].zero_()
    nll = word_nll(trained, np.arange(3))
    np.testing.assert_allclose(nll[:, 0], np.log(5), rtol=1e-5)
    assert (abs(nll[:, 1] - np.log(5)) > 0.001).all()


def test_a_word_costs_the_mean_over_its_characters_and_its_end(tmp_path):
    """The odds of ``a`` are 3 to 1 against each other class, so p(a) = 3/7 and p of the others is 1/7."""
    trained = trained_trial(tmp_path, FLAT, 1)
    trained.bank.output.zero_()
    trained.bank.output_bias[0, 1] = np.log(3)
    a, other = -np.log(3 / 7), -np.log(1 / 7)
    nll = word_nll(trained, np.array([2, 0, 1]))
    np.testing.assert_allclose(nll[:, 0], [other, (a + other) / 2, (a + 3 * other) / 4], rtol=1e-5)


def test_a_word_that_no_head_can_write_has_no_loss(tmp_path):
    nll = word_nll(trained_trial(tmp_path, FLAT, 2), np.arange(4))
    assert np.isnan(nll[3]).all()
    assert np.isfinite(nll[:3]).all()
    assert word_nll(trained_trial(tmp_path, FLAT, 2), np.arange(0)).shape == (0, 2)


@pytest.mark.parametrize(("shape", "form"), [(FLAT, "winograd"), (PLANES, "plain"), (PLANES, "winograd"), (PLANES, "factored")])
def test_words_cost_the_same_alone_and_together_in_every_form(tmp_path, shape, form):
    trained = trained_trial(tmp_path, shape, 3, form, sizes=(8, 4, 6))
    together = word_nll(trained, np.arange(3))
    alone = np.concatenate([word_nll(replace(trained, kernels=FORMS["plain"]), np.array([row])) for row in range(3)])
    np.testing.assert_allclose(together, alone, atol=2e-5)


@pytest.mark.parametrize("most", [1, 2, 5])
def test_words_cost_the_same_in_small_passes(tmp_path, monkeypatch, most):
    trained = trained_trial(tmp_path, FLAT, 2)
    whole = word_nll(trained, np.arange(4))
    monkeypatch.setattr("raygroup.training.word_nll._READ_AT_ONCE", most)
    np.testing.assert_allclose(word_nll(trained, np.arange(4)), whole, rtol=1e-5)
