"""Heads with trained location tables, compared with the reference's."""

import numpy as np
import pytest
import torch
from reference_head import planes, reference_batch
from shared_fixtures import reference

from raygroup.model.grouping import task_model_probabilities, word_model_probabilities
from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.decoding import Reader
from raygroup.model.heads.location_tables import LocatedHeadBank, fold_location_tables
from raygroup.model.heads.loop_reader import GreedyLoop
from raygroup.model.heads.pruning import prune_head, stack_heads
from raygroup.model.spotter.reference_names import head_parameters, reference_head_weights

SIZES = {"features": 5, "positions": (2, 3), "embed": 4, "hidden": 6, "convolve": True}


def fill(bank, head, weights):
    for name, value in head_parameters({name: torch.from_numpy(value) for name, value in weights.items()}).items():
        bank.set_head_parameter(name, head, value)


def gradients(bank, head):
    return reference_head_weights({name: bank.head_parameter(name, head, value.grad) for name, value in bank.named_parameters()})


def distance(value, expected):
    return float(np.abs(value.detach().numpy() - expected).max() / np.abs(expected).max())


def drawn_bank(kind=LocatedHeadBank, seed=0):
    bank = kind(1, 9, **SIZES)
    bank.initialise(0, torch.Generator().manual_seed(seed))
    return bank


def test_the_loss_and_all_gradients_equal_the_references_those_of_the_tables_included():
    _, numbers = reference("decoder_small")
    bank = LocatedHeadBank(1, 52, features=16, positions=(8, 32), embed=20, hidden=32, convolve=True)
    fill(bank, 0, {name[2:]: value for name, value in numbers.items() if name.startswith("W.")})
    batch, _ = reference_batch(planes("dec.x", 6, 16), numbers["word_targets"])
    each = torch.full((1, len(batch.characters)), 0.5 / 6)
    total, _ = bank.losses(batch.words, batch.inputs, batch.characters, batch.active, each)
    assert total.item() == pytest.approx(float(numbers["loss"]), rel=1e-6)
    total.sum().backward()
    for name, gradient in gradients(bank, 0).items():
        assert distance(gradient, numbers[f"G.{name}"]) < 1e-5, name


def test_heads_of_different_sizes_with_tables_have_the_references_losses_gradients_and_readings():
    about, numbers = reference("predictor_grouped_small")
    sizes = [about["hidden_embed"][name] for name in about["enabled"]]
    hidden, embed = zip(*sizes, strict=True)
    bank = LocatedHeadBank(4, 52, features=16, positions=(8, 32), hidden=hidden, embed=embed, convolve=True)
    for number, name in enumerate(about["enabled"]):
        prefix = f"W.seq_{name}."
        fill(bank, number, {key.removeprefix(prefix): value for key, value in numbers.items() if key.startswith(prefix)})
    weight, bias = (torch.from_numpy(numbers[f"W.conv5_mask.{name}"]) for name in ("weight", "bias"))
    words = torch.nn.functional.conv_transpose2d(planes("pred.x", 9, 16, (32, 32)), weight, bias, stride=2).relu()
    p_tm = task_model_probabilities(
        torch.from_numpy(numbers["W.language_grouper.lang_head_weights"]), torch.from_numpy(numbers["gumbel_noise"])
    )
    p_wm = word_model_probabilities(torch.eye(7)[[0, 5, 6, 1, 4, 2, 3, 5]], p_tm)
    batch, order = reference_batch(words[:8], numbers["word_targets"][:8])
    weights = (0.5 / 8 * (p_wm + 0.2))[order].T[:, batch.owners]
    total, _ = bank.losses(batch.words, batch.inputs, batch.characters, batch.active, weights)
    assert np.allclose(total.detach().numpy(), [numbers[f"loss.loss_seq_{name}"] for name in about["enabled"]], rtol=1e-5)
    total.sum().backward()
    for number, name in enumerate(about["enabled"]):
        for key, gradient in gradients(bank, number).items():
            assert distance(gradient, numbers[f"G.seq_{name}.{key}"]) < 1e-5, (name, key)
    decoded = Reader(bank).beam(words, torch.from_numpy(numbers["eval.head_id"]), 32)
    assert np.allclose(decoded.confidence.numpy(), numbers["eval.seq_score"], atol=1e-5)


def test_a_head_counts_its_tables_as_parameters():
    assert drawn_bank().num_parameters(0) - drawn_bank(HeadBank).num_parameters(0) == 3 * 3 + 2 * 2


def test_new_tables_are_one_hot_so_the_head_equals_one_without_tables():
    words = torch.randn(2, 5, 4, 6)
    located, plain = drawn_bank().encode(words), drawn_bank(HeadBank).encode(words)
    assert torch.allclose(located[1], plain[1], atol=1e-6)


def test_folded_tables_give_the_same_readings():
    bank, words, heads = drawn_bank(), torch.randn(3, 5, 4, 6), torch.zeros(3, dtype=torch.long)
    with torch.no_grad():
        for table in (bank.column_table, bank.row_table):
            table.normal_()
    folded = fold_location_tables(bank)
    assert type(folded) is HeadBank
    decoded, expected = (Reader(each).beam(words, heads, 6, 3) for each in (folded, bank))
    assert torch.equal(decoded.classes, expected.classes)
    assert torch.allclose(decoded.product, expected.product, rtol=1e-4)


def test_a_bank_without_tables_is_folded_already():
    bank = drawn_bank(HeadBank)
    assert fold_location_tables(bank) is bank


def test_a_pruned_head_keeps_its_tables_and_a_stack_folds_them():
    bank = drawn_bank()
    with torch.no_grad():
        bank.column_table.normal_()
    pruned = prune_head(bank, 0, [1, 3])
    assert torch.equal(pruned.column_table, bank.column_table)
    stack = stack_heads([pruned, drawn_bank(HeadBank)])
    words = torch.randn(2, 5, 4, 6)
    assert torch.allclose(stack.encode(words)[1][:, 0], bank.encode(words)[1][:, 0], atol=1e-5)


def test_a_head_with_tables_is_not_written_to_onnx():
    with pytest.raises(ValueError, match="with a convolution with location tables: only one plain head"):
        GreedyLoop(drawn_bank(), 4)
