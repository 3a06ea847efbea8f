"""Compare the bank with the reference network in every form.

Losses, all gradients and readings are compared.
"""

import numpy as np
import pytest
import torch
from reference_head import planes, put_reference, reference_batch, reference_gradients
from shared_fixtures import reference, reference_weights

from raygroup.model.grouping import task_model_probabilities, word_model_probabilities
from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.decoding import Reader
from raygroup.model.kernels.forms import FORMS
from raygroup.model.losses import grouping_loss

EXACT = ("plain", "factored", "winograd")
CONVOLUTION = {"winograd": 1e-3}
"""Tolerances of the convolution's gradient that differ from the usual one."""


def small() -> tuple[HeadBank, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the bank, the weights and all numbers of the fixture ``decoder_small``.

    It has 52 classes, H 32 and E 20. The weights have the reference's names.
    """
    _, numbers = reference("decoder_small")
    weights = {name[2:]: value for name, value in numbers.items() if name.startswith("W.")}
    bank = HeadBank(1, 52, features=16, positions=(8, 32), embed=20, hidden=32, convolve=True)
    put_reference(bank, 0, weights)
    return bank, weights, numbers


def distance(value: torch.Tensor, expected: np.ndarray) -> float:
    """Return the largest difference divided by the largest value."""
    return float(np.abs(value.detach().numpy() - expected).max() / np.abs(expected).max())


def characters(rows: list[list[int]], end: int) -> list[list[int]]:
    """Return the rows without ends and without the fixtures' padding of -1."""
    return [[character for character in row if 0 <= character < end] for row in rows]


@pytest.mark.parametrize("form", EXACT)
def test_the_loss_and_every_gradient_equal_the_references(form):
    bank, weights, numbers = small()
    batch, _ = reference_batch(planes("dec.x", 6, 16), numbers["word_targets"])
    each = torch.full((1, len(batch.characters)), 0.5 / 6)
    total, nll = bank.losses(batch.words, batch.inputs, batch.characters, batch.active, each, FORMS[form])
    assert total.item() == pytest.approx(float(numbers["loss"]), rel=1e-6)
    assert nll.sum().item() == pytest.approx(numbers["nll"].sum(), rel=1e-6)
    total.sum().backward()
    gradients = reference_gradients(bank, 0, weights)
    for name, expected in numbers.items():
        if name.startswith("G."):
            tolerance = CONVOLUTION.get(form, 1e-5) if "encoder.0.weight" in name else 1e-5
            assert distance(gradients[name[2:]], expected) < tolerance, name


def test_words_of_different_weights_give_the_references_weighted_loss():
    bank, _, numbers = small()
    batch, order = reference_batch(planes("dec.x", 6, 16), numbers["word_targets"])
    weights = (0.5 / 6 * torch.from_numpy(numbers["language_weights"]))[order][batch.owners]
    total, _ = bank.losses(batch.words, batch.inputs, batch.characters, batch.active, weights[None])
    assert total.item() == pytest.approx(float(numbers["loss_weighted"]), rel=1e-6)


def test_the_gradient_of_the_planes_equals_the_references_in_every_form():
    for form in EXACT:
        bank, _, numbers = small()
        words = planes("dec.x", 6, 16).requires_grad_()
        batch, _ = reference_batch(words, numbers["word_targets"])
        each = torch.full((1, len(batch.characters)), 0.5 / 6)
        bank.losses(batch.words, batch.inputs, batch.characters, batch.active, each, FORMS[form])[0].sum().backward()
        expected = numbers["grad_x_slice"]
        gradient = words.grad[:, ::5, 1::8, ::4]
        assert gradient.shape == expected.shape
        assert distance(gradient, expected) < 1e-5


@pytest.mark.parametrize("form", EXACT)
def test_greedy_and_beam_readings_and_confidences_equal_the_references(form):
    bank, _, numbers = small()
    words, head = planes("dec.x", 6, 16), torch.zeros(6, dtype=torch.long)
    decoded = Reader(bank, FORMS[form]).greedy(words, head, 32)
    assert characters(decoded.classes.tolist(), 51) == characters(numbers["greedy"].tolist(), 51)
    decoded = Reader(bank, FORMS[form]).beam(words, head, 32)
    assert characters(decoded.classes.tolist(), 51) == characters(numbers["beam"].tolist(), 51)
    assert np.allclose(decoded.confidence.numpy(), numbers["beam_seq_score"], atol=1e-5)
    assert np.allclose(decoded.product.numpy(), numbers["beam_top2_products"][:, 0], rtol=1e-4)


@pytest.mark.parametrize("form", ["plain", "winograd"])
def test_at_full_size_loss_gradient_norms_and_readings_equal_the_references(form):
    """Check the fixture ``decoder_full_any``: 256 features, 9,002 classes, E 200, H 256.

    Its README gives a tolerance of 1e-4.
    """
    about, numbers = reference("decoder_full_any")
    shapes = {
        "seq_encoder.0.weight": [256, 256, 3, 3], "seq_encoder.0.bias": [256], "seq_decoder.embedding.weight": [9002, 200],
        "seq_decoder.word_linear.weight": [256, 200], "seq_decoder.word_linear.bias": [256], "seq_decoder.attn.v": [256],
        "seq_decoder.attn.attn.weight": [256, 552], "seq_decoder.attn.attn.bias": [256], "seq_decoder.rnn.weight_ih": [768, 552],
        "seq_decoder.rnn.weight_hh": [768, 256], "seq_decoder.rnn.bias_ih": [768], "seq_decoder.rnn.bias_hh": [768],
        "seq_decoder.out.weight": [9002, 256], "seq_decoder.out.bias": [9002], "x_onehot.weight": [32, 32], "y_onehot.weight": [8, 8],
    }  # fmt: skip
    weights = reference_weights({f"full.{name}": shape for name, shape in shapes.items()})
    weights = {name.removeprefix("full."): value for name, value in weights.items()}
    bank = HeadBank(1, 9002, features=256, positions=(8, 32), embed=200, hidden=256, convolve=True)
    put_reference(bank, 0, weights)
    words = planes("full.x", 2, 256)
    batch, _ = reference_batch(words, numbers["word_targets"])
    each = torch.full((1, len(batch.characters)), 0.5 / 2)
    total, _ = bank.losses(batch.words, batch.inputs, batch.characters, batch.active, each, FORMS[form])
    assert total.item() == pytest.approx(float(numbers["loss"]), rel=1e-6)
    total.sum().backward()
    for name, gradient in reference_gradients(bank, 0, weights).items():
        assert float(gradient.norm()) == pytest.approx(float(numbers[f"Gnorm.{name}"]), rel=1e-4), name
    reader = Reader(bank, FORMS[form])
    for read, name in ((reader.greedy, "greedy"), (reader.beam, "beam")):
        decoded = read(words, torch.zeros(2, dtype=torch.long), 32)
        assert characters(decoded.classes.tolist(), 9001) == characters(numbers[name].tolist(), 9001)
    assert np.allclose(decoded.confidence.numpy(), numbers["beam_seq_score"], rtol=1e-4)


def grouped() -> tuple[HeadBank, dict[str, dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """Return the bank, weights and numbers of ``predictor_grouped_small``.

    It has four heads of three sizes behind a 2x2 transposed convolution, and seven tasks.
    """
    about, numbers = reference("predictor_grouped_small")
    sizes = [about["hidden_embed"][name] for name in about["enabled"]]
    bank = HeadBank(
        4, 52, features=16, positions=(8, 32), hidden=[hidden for hidden, _ in sizes], embed=[embed for _, embed in sizes], convolve=True
    )
    heads = {}
    for number, name in enumerate(about["enabled"]):
        prefix = f"W.seq_{name}."
        heads[name] = {key.removeprefix(prefix): value for key, value in numbers.items() if key.startswith(prefix)}
        put_reference(bank, number, heads[name])
    return bank, heads, numbers


def word_planes(numbers: dict[str, np.ndarray]) -> torch.Tensor:
    weight, bias = (torch.from_numpy(numbers[f"W.conv5_mask.{name}"]) for name in ("weight", "bias"))
    return torch.nn.functional.conv_transpose2d(planes("pred.x", 9, 16, (32, 32)), weight, bias, stride=2).relu()


TASK_OF_WORD = [0, 5, 6, 1, 4, 2, 3, 5]
"""Tasks of the eight words with a label: ar la zh bn ko, a symbol that counts as hi, ja la."""


@pytest.mark.parametrize("form", EXACT)
def test_heads_of_different_sizes_in_one_bank_have_the_references_losses_and_gradients(form):
    bank, heads, numbers = grouped()
    r_tm = torch.from_numpy(numbers["W.language_grouper.lang_head_weights"]).requires_grad_()
    p_tm = task_model_probabilities(r_tm, torch.from_numpy(numbers["gumbel_noise"]))
    p_wm = word_model_probabilities(torch.eye(7)[TASK_OF_WORD], p_tm)
    batch, order = reference_batch(word_planes(numbers)[:8], numbers["word_targets"][:8])
    weights = (0.5 / 8 * (p_wm + 0.2))[order].T[:, batch.owners]
    total, _ = bank.losses(batch.words, batch.inputs, batch.characters, batch.active, weights, FORMS[form])
    expected = [numbers[f"loss.loss_seq_{name}"] for name in heads]
    assert np.allclose(total.detach().numpy(), expected, rtol=1e-5)
    (total.sum() + grouping_loss(p_tm)).backward()
    assert distance(r_tm.grad, numbers["G.language_grouper.lang_head_weights"]) < 1e-5
    for number, (name, weights_of_head) in enumerate(heads.items()):
        for key, gradient in reference_gradients(bank, number, weights_of_head).items():
            tolerance = CONVOLUTION.get(form, 1e-5) if "encoder.0.weight" in key else 1e-5
            assert distance(gradient, numbers[f"G.seq_{name}.{key}"]) < tolerance, (name, key)


def test_words_routed_to_heads_of_different_sizes_are_read_as_by_the_reference():
    bank, _, numbers = grouped()
    decoded = Reader(bank).beam(word_planes(numbers), torch.from_numpy(numbers["eval.head_id"]), 32)
    assert characters(decoded.classes.tolist(), 51) == characters(numbers["eval.seq"].tolist(), 51)
    assert np.allclose(decoded.confidence.numpy(), numbers["eval.seq_score"], atol=1e-5)
