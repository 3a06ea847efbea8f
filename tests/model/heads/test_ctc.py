"""CTC heads: losses against all paths and torch's own, one word and one head at a time, and reading against a loop."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from raygroup.model.heads import ctc
from raygroup.model.heads.ctc import CtcBank
from raygroup.model.heads.ctc_paths import BLANK, best_path, path_nll, spell
from raygroup.model.kernels.forms import FORMS
from raygroup.training.label_batches import make_batch

CLASSES = 6
"""Blank, four characters and the end."""
END = CLASSES - 1


def batch_of(*words, longest_first=True):
    """Return the labels of words, given as the classes of their characters."""
    words = sorted(words, key=len, reverse=True) if longest_first else words
    lengths = np.array([len(word) + 1 for word in words], np.int32)
    targets = np.zeros((len(words), int(lengths.max(initial=1))), np.int32)
    for row, word in enumerate(words):
        targets[row, : len(word) + 1] = [*word, END]
    return make_batch(torch.zeros(len(words), 0), targets, lengths)


def bank_of(heads=2, columns=5, hidden=None, features=4, dtype=torch.float64):
    rows = 1 if hidden is None else 2
    bank = CtcBank(heads, CLASSES, features=features, positions=(rows, columns), hidden=hidden)
    for head in range(heads):
        bank.initialise(head, torch.Generator().manual_seed(head))
    with torch.no_grad():
        for number, parameter in enumerate(bank.parameters()):
            parameter.add_(0.3 * noise(*parameter.shape, seed=20 + number, dtype=torch.float32))
    return bank.to(dtype)


def noise(*shape, seed=1, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def inputs_of(bank, words, seed=1):
    """Return what a bank reads: word features, or planes."""
    if bank.hidden is None:
        return noise(words, bank.grid.columns, bank.features, seed=seed)
    return noise(words, bank.features, 2 * bank.grid.rows, 2 * bank.grid.columns, seed=seed)


def logits_of_one_head(bank, word, head):
    """Return the logits (l, c) of one word, with plain layers."""
    if bank.hidden is None:
        return word @ bank.output[head] + bank.output_bias[head]
    planes = F.relu(F.conv2d(word[None], bank.convolution[head], bank.convolution_bias[head], padding=1))
    pooled = F.max_pool2d(planes, 2)[0]  # (h, rows, columns)
    columns = torch.stack([torch.cat([pooled[:, row, column] for row in range(pooled.shape[1])]) for column in range(pooled.shape[2])])
    return F.relu(columns @ bank.column[head] + bank.column_bias[head]) @ bank.output[head] + bank.output_bias[head]


def spelled_by(path):
    """Return the word that a path spells."""
    return [number for number, _ in itertools.groupby(path) if number != BLANK]


def test_the_likelihood_of_a_word_is_the_sum_over_all_paths_that_spell_it():
    logits = noise(1, 4, 1, 3)
    probabilities = logits.softmax(-1)[0, :, 0]
    for word in ([], [1], [2, 1], [1, 1], [1, 2, 1]):
        paths = (path for path in itertools.product(range(3), repeat=4) if spelled_by(path) == word)
        expected = sum(float(torch.stack([probabilities[place, number] for place, number in enumerate(path)]).prod()) for path in paths)
        nll = path_nll(logits, spell(torch.tensor([[*word, 3]]), 3))
        assert float(nll) == pytest.approx(-np.log(expected), rel=1e-12), word


@pytest.mark.parametrize("hidden", [None, 3])
@pytest.mark.parametrize("form", ["plain", "winograd"])
@pytest.mark.parametrize("block_bytes", [2**28, 1])
def test_losses_equal_those_of_each_word_and_head_alone(hidden, form, block_bytes, monkeypatch):
    monkeypatch.setattr(ctc, "_LOGITS_BYTES", block_bytes)
    bank, words = bank_of(hidden=hidden), [[1, 2, 3], [4, 4], [2, 1], [3]]
    labels, weights = batch_of(*words), noise(4, 2, seed=3).abs()
    features, leaves = inputs_of(bank, 4), list(bank.parameters())
    expected = weights.new_zeros(2)
    for number, word in enumerate(words):
        for head in range(2):
            log_p = logits_of_one_head(bank, features[number], head).log_softmax(-1)[:, None]
            nll = F.ctc_loss(log_p, torch.tensor([word]), torch.tensor([bank.grid.columns]), torch.tensor([len(word)]), reduction="sum")
            expected[head] = expected[head] + weights[number, head] * nll / len(word)
    total = bank.word_losses(features, labels, weights, FORMS[form])
    assert torch.allclose(total, expected, rtol=1e-10)
    factors = torch.tensor([1.0, 0.3], dtype=torch.float64)
    pairs = zip(torch.autograd.grad(total @ factors, leaves), torch.autograd.grad(expected @ factors, leaves), strict=True)
    assert all(torch.allclose(gradient, other, rtol=1e-8, atol=1e-10) for gradient, other in pairs)


@pytest.mark.parametrize("hidden", [None, 2])
@pytest.mark.parametrize("block_bytes", [2**28, 1])
def test_gradients_equal_finite_differences(hidden, block_bytes, monkeypatch):
    monkeypatch.setattr(ctc, "_LOGITS_BYTES", block_bytes)
    bank, labels = bank_of(columns=3, hidden=hidden, features=2), batch_of([1, 2, 1], [3, 3], [4])
    features, weights = inputs_of(bank, 3).requires_grad_(), noise(3, 2, seed=3).abs().requires_grad_()
    names = [name for name, _ in bank.named_parameters()]

    def losses(features, weights, *values):
        parameters = {f"bank.{name}": value for name, value in zip(names, values, strict=True)}
        return torch.func.functional_call(_Losses(bank, labels), parameters, (features, weights))

    leaves = tuple(parameter.detach().clone().requires_grad_() for parameter in bank.parameters())
    assert torch.autograd.gradcheck(losses, (features, weights, *leaves))


class _Losses(torch.nn.Module):
    """Losses as a function of all parameters."""

    def __init__(self, bank, labels):
        super().__init__()
        self.bank, self.labels = bank, labels

    def forward(self, features, weights):
        return self.bank.word_losses(features, self.labels, weights)


@pytest.mark.parametrize("hidden", [None, 3])
def test_a_word_that_is_too_long_has_no_loss_and_no_gradient(hidden):
    bank = bank_of(columns=4, hidden=hidden)
    labels = batch_of([1, 2, 3, 4, 1], [1, 2, 2, 3], [1, 1, 1], [1, 2, 3, 4], [2, 2, 1], [3])
    spellable = bank.spellable(labels)
    assert spellable.tolist() == [False, False, True, False, True, True]  # longest first: 12341, 1223, 1234, 111, 221, 3
    features, weights = inputs_of(bank, 6).requires_grad_(), torch.ones(6, 2, dtype=torch.float64, requires_grad=True)
    nll = path_nll(bank.logits(features), spell(labels.targets, END))
    assert (nll.isfinite() == spellable[:, None]).all()
    total = bank.word_losses(features, labels, weights)
    total.sum().backward()
    lengths = torch.tensor([4, 3, 1])[:, None]
    assert torch.allclose(total, (nll[spellable] / lengths).sum(0))
    assert all(parameter.grad.isfinite().all() for parameter in bank.parameters())
    assert (features.grad.flatten(1).abs().sum(1) > 0).tolist() == (weights.grad.abs().sum(1) > 0).tolist() == spellable.tolist()


def test_words_without_a_label_are_left_out():
    labels = make_batch(torch.zeros(2, 0), np.array([[1, END], [0, 0]], np.int32), np.array([2, 0], np.int32))
    assert bank_of().spellable(labels).tolist() == [True, False]


def test_unsupported_characters_are_blanks():
    spelling = spell(torch.tensor([[1, 0, 1, 0, END], [0, 2, 2, END, 0], [0, END, 0, 0, 0]]), END)
    assert spelling.classes[:, :3].tolist() == [[1, 1, 0], [2, 2, 0], [0, 0, 0]]
    assert spelling.lengths.tolist() == [2, 2, 0]
    assert spelling.positions.tolist() == [3, 3, 0]
    bank, features = bank_of(), noise(1, 5, 4)
    with_unsupported, without = (bank.word_losses(features, batch_of(word), torch.ones(1, 2)) for word in ([1, 0, 2], [1, 2]))
    assert torch.allclose(3 * with_unsupported, 2 * without)  # an unsupported character counts in the word's length alone


@pytest.mark.parametrize("hidden", [None, 3])
def test_no_words_have_a_zero_loss_that_reaches_all_weights(hidden):
    bank, weights = bank_of(hidden=hidden), torch.ones(0, 2, dtype=torch.float64, requires_grad=True)
    total = bank.word_losses(inputs_of(bank, 0), batch_of(), weights)
    total.sum().backward()
    assert total.tolist() == [0, 0]
    assert all(parameter.grad is not None and not parameter.grad.any() for parameter in bank.parameters())


def read_in_a_loop(logits):
    """Return the best path's characters and their mean probability."""
    characters, probabilities, before = [], [], BLANK
    for row in logits.detach().softmax(-1):
        number = int(row.argmax())
        if number not in (BLANK, before):
            characters.append(number)
            probabilities.append(float(row[number]))
        before = number
    return characters, float(np.mean(probabilities)) if probabilities else 0.0


@pytest.mark.parametrize("longest", [12, 3])
def test_the_best_path_equals_that_of_a_loop(longest):
    logits = 3 * noise(40, 12, 3)
    decoded = best_path(logits, longest, END)
    repeats = 0
    for word in range(40):
        characters, confidence = read_in_a_loop(logits[word])
        assert decoded.classes[word].tolist() == (characters + [END] * longest)[:longest]
        if len(characters) <= longest:
            assert float(decoded.confidence[word]) == pytest.approx(confidence, abs=1e-6)
        repeats += any(first == second for first, second in itertools.pairwise(characters))
    assert repeats > 0
    assert torch.allclose(decoded.product, logits.softmax(-1).amax(-1).prod(1))


def test_a_path_of_blanks_is_an_empty_word_without_confidence():
    logits = torch.zeros(1, 4, 3)
    logits[..., BLANK] = 5
    decoded = best_path(logits, 4, END)
    assert decoded.classes.tolist() == [[END] * 4]
    assert decoded.confidence.tolist() == [0]


@pytest.mark.parametrize("hidden", [None, 3])
@pytest.mark.parametrize("block_bytes", [2**28, 1])
def test_words_are_read_by_their_own_head(hidden, block_bytes, monkeypatch):
    monkeypatch.setattr(ctc, "_LOGITS_BYTES", block_bytes)
    bank = bank_of(heads=3, hidden=hidden)
    features, heads = 4 * inputs_of(bank, 7), torch.tensor([2, 0, 2, 2, 0, 2, 0])
    decoded = bank.read_words(features, heads, 6)
    for word, head in enumerate(heads.tolist()):
        characters, confidence = read_in_a_loop(logits_of_one_head(bank, features[word], head))
        assert decoded.classes[word].tolist() == (characters + [END] * 6)[:6]
        assert float(decoded.confidence[word]) == pytest.approx(confidence, abs=1e-6)


def test_ctc_heads_have_no_beams_and_word_features_have_one_row():
    with pytest.raises(ValueError, match="width is 3: it must be 1"):
        bank_of().read_words(noise(1, 5, 4), torch.zeros(1, dtype=torch.long), 6, 3)
    with pytest.raises(ValueError, match="word features must have one row"):
        CtcBank(1, CLASSES, features=4, positions=(2, 5))
