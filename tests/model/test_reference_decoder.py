"""The bank against the numbers of the reference network: losses, every gradient, and what it reads; in each form it can compute in."""

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
"""Tolerance of the convolution's gradient, where it is not that of all others."""


def small() -> tuple[HeadBank, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """decoder_small: 52 classes, H 32, E 20; the bank, its weights by the reference's names, all numbers."""
    _, numbers = reference("decoder_small")
    weights = {name[2:]: value for name, value in numbers.items() if name.startswith("W.")}
    bank = HeadBank(1, 52, features=16, positions=(8, 32), embed=20, hidden=32, convolve=True)
    put_reference(bank, 0, weights)
    return bank, weights, numbers


def distance(mine: torch.Tensor, theirs: np.ndarray) -> float:
    """Largest difference over largest value."""
    return float(np.abs(mine.detach().numpy() - theirs).max() / np.abs(theirs).max())


def characters(rows: list[list[int]], end: int) -> list[list[int]]:
    """Without ends and the fixtures' padding of -1."""
    return [[character for character in row if 0 <= character < end] for row in rows]


@pytest.mark.parametrize("form", EXACT)
def test_the_loss_and_every_gradient_are_the_references(form):
    bank, weights, numbers = small()
    drawn, _ = reference_batch(planes("dec.x", 6, 16), numbers["word_targets"])
    each = torch.full((1, len(drawn.characters)), 0.5 / 6)
    total, nll = bank.losses(drawn.words, drawn.inputs, drawn.characters, drawn.active, each, FORMS[form])
    assert total.item() == pytest.approx(float(numbers["loss"]), rel=1e-6)
    assert nll.sum().item() == pytest.approx(numbers["nll"].sum(), rel=1e-6)
    total.sum().backward()
    gradients = reference_gradients(bank, 0, weights)
    for name, expected in numbers.items():
        if name.startswith("G."):
            tolerance = CONVOLUTION.get(form, 1e-5) if "encoder.0.weight" in name else 1e-5
            assert distance(gradients[name[2:]], expected) < tolerance, name


def test_words_that_weigh_differently_give_the_references_weighted_loss():
    bank, _, numbers = small()
    drawn, order = reference_batch(planes("dec.x", 6, 16), numbers["word_targets"])
    weights = (0.5 / 6 * torch.from_numpy(numbers["language_weights"]))[order][drawn.owners]
    total, _ = bank.losses(drawn.words, drawn.inputs, drawn.characters, drawn.active, weights[None])
    assert total.item() == pytest.approx(float(numbers["loss_weighted"]), rel=1e-6)


def test_the_gradient_of_the_planes_is_the_references_whatever_the_form():
    for form in EXACT:
        bank, _, numbers = small()
        words = planes("dec.x", 6, 16).requires_grad_()
        drawn, _ = reference_batch(words, numbers["word_targets"])
        each = torch.full((1, len(drawn.characters)), 0.5 / 6)
        bank.losses(drawn.words, drawn.inputs, drawn.characters, drawn.active, each, FORMS[form])[0].sum().backward()
        expected = numbers["grad_x_slice"]
        mine = words.grad[:, ::5, 1::8, ::4]
        assert mine.shape == expected.shape
        assert distance(mine, expected) < 1e-5


@pytest.mark.parametrize("form", EXACT)
def test_greedy_and_beam_read_the_references_strings_with_its_confidence(form):
    bank, _, numbers = small()
    words, head = planes("dec.x", 6, 16), torch.zeros(6, dtype=torch.long)
    read = Reader(bank, FORMS[form]).greedy(words, head, 32)
    assert characters(read.classes.tolist(), 51) == characters(numbers["greedy"].tolist(), 51)
    read = Reader(bank, FORMS[form]).beam(words, head, 32)
    assert characters(read.classes.tolist(), 51) == characters(numbers["beam"].tolist(), 51)
    assert np.allclose(read.confidence.numpy(), numbers["beam_seq_score"], atol=1e-5)
    assert np.allclose(read.product.numpy(), numbers["beam_top2_products"][:, 0], rtol=1e-4)


@pytest.mark.parametrize("form", ["plain", "winograd"])
def test_at_full_size_loss_gradient_norms_and_strings_are_the_references(form):
    """decoder_full_any: 256 features, 9,002 classes, E 200, H 256; tolerance 1e-4 (its README)."""
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
    drawn, _ = reference_batch(words, numbers["word_targets"])
    each = torch.full((1, len(drawn.characters)), 0.5 / 2)
    total, _ = bank.losses(drawn.words, drawn.inputs, drawn.characters, drawn.active, each, FORMS[form])
    assert total.item() == pytest.approx(float(numbers["loss"]), rel=1e-6)
    total.sum().backward()
    for name, gradient in reference_gradients(bank, 0, weights).items():
        assert float(gradient.norm()) == pytest.approx(float(numbers[f"Gnorm.{name}"]), rel=1e-4), name
    reader = Reader(bank, FORMS[form])
    for read, theirs in ((reader.greedy, "greedy"), (reader.beam, "beam")):
        found = read(words, torch.zeros(2, dtype=torch.long), 32)
        assert characters(found.classes.tolist(), 9001) == characters(numbers[theirs].tolist(), 9001)
    assert np.allclose(found.confidence.numpy(), numbers["beam_seq_score"], rtol=1e-4)


def grouped() -> tuple[HeadBank, dict[str, dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """predictor_grouped_small: four heads of three sizes behind a 2x2 transposed convolution, seven tasks."""
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
"""The eight words with a label: ar la zh bn ko, a symbol that counts as hi, ja la."""


@pytest.mark.parametrize("form", EXACT)
def test_heads_of_different_sizes_in_one_bank_give_each_the_references_loss_and_gradients(form):
    bank, heads, numbers = grouped()
    r_tm = torch.from_numpy(numbers["W.language_grouper.lang_head_weights"]).requires_grad_()
    p_tm = task_model_probabilities(r_tm, torch.from_numpy(numbers["gumbel_noise"]))
    p_wm = word_model_probabilities(torch.eye(7)[TASK_OF_WORD], p_tm)
    drawn, order = reference_batch(word_planes(numbers)[:8], numbers["word_targets"][:8])
    weights = (0.5 / 8 * (p_wm + 0.2))[order].T[:, drawn.owners]
    total, _ = bank.losses(drawn.words, drawn.inputs, drawn.characters, drawn.active, weights, FORMS[form])
    expected = [numbers[f"loss.loss_seq_{name}"] for name in heads]
    assert np.allclose(total.detach().numpy(), expected, rtol=1e-5)
    (total.sum() + grouping_loss(p_tm)).backward()
    assert distance(r_tm.grad, numbers["G.language_grouper.lang_head_weights"]) < 1e-5
    for number, (name, mine) in enumerate(heads.items()):
        for key, gradient in reference_gradients(bank, number, mine).items():
            tolerance = CONVOLUTION.get(form, 1e-5) if "encoder.0.weight" in key else 1e-5
            assert distance(gradient, numbers[f"G.seq_{name}.{key}"]) < tolerance, (name, key)


def test_words_routed_to_heads_of_different_sizes_read_the_references_strings():
    bank, _, numbers = grouped()
    read = Reader(bank).beam(word_planes(numbers), torch.from_numpy(numbers["eval.head_id"]), 32)
    assert characters(read.classes.tolist(), 51) == characters(numbers["eval.seq"].tolist(), 51)
    assert np.allclose(read.confidence.numpy(), numbers["eval.seq_score"], atol=1e-5)
