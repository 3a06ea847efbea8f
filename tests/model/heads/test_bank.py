"""Test the head bank in every form and with heads of different sizes.

Losses and gradients are compared with the released algorithm, written out as a loop.
"""

import copy
import os
from pathlib import Path

import pytest
import torch
from baselines.looped import LoopedHead
from torch import Tensor, nn

from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import FORMS, choose_kernels, cpu_forms
from raygroup.paper import TABLE_4
from raygroup.training.label_batches import Batch, make_batch

CLASSES = 12
EQUAL = ("factored", "winograd")
"""Forms whose numbers equal those of ``plain`` to 1e-5 of the largest."""


def make_bank(heads: int, columns: int = 5, **sizes: object) -> HeadBank:
    bank = HeadBank(heads, CLASSES, **{"features": 6, "positions": (1, columns), "embed": 4, "hidden": 8} | sizes)
    for head in range(heads):
        bank.initialise(head, torch.Generator().manual_seed(head))
        for name, _ in bank.named_parameters():
            if name.endswith("bias"):
                noise = torch.randn(bank.head_parameter(name, head).shape, generator=torch.Generator().manual_seed(9 + head))
                bank.set_head_parameter(name, head, 0.3 * noise)
    return bank


def make_convolved_bank(heads: int, **sizes: object) -> HeadBank:
    return make_bank(heads, features=6, positions=(2, 8), convolve=True, **sizes)


def batch_of(words: Tensor, lengths: list[int]) -> Batch:
    random = torch.Generator().manual_seed(4)
    longest = max(lengths, default=0)
    targets = torch.randint(1, CLASSES - 1, (len(lengths), longest), generator=random)
    return make_batch(words, targets.numpy().astype("int32"), torch.tensor(lengths).numpy().astype("int32"))


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def loss_and_gradients(
    bank: HeadBank, words: Batch, form: str = "plain", weights: Tensor | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    bank.zero_grad()
    weights = 1 + noise(bank.heads, len(words.characters)).abs() if weights is None else weights
    total, _ = bank.losses(words.words, words.inputs, words.characters, words.active, weights, FORMS[form])
    total.sum().backward()
    return total.detach(), {name: parameter.grad.clone() for name, parameter in bank.named_parameters()}


def is_close(value: Tensor, expected: Tensor, tolerance: float = 1e-5) -> bool:
    """Compare the largest difference with ``tolerance`` times the largest value."""
    return float((value - expected).abs().max()) <= tolerance * float(expected.abs().max()) + 1e-12


@pytest.mark.parametrize("row", TABLE_4, ids=lambda row: f"E{row.embed} H{row.hidden}")
def test_a_head_has_the_parameters_of_table_4_before_and_after_pruning(row):
    for classes, millions in ((9000, row.parameters_m), (row.num_characters, row.pruned_parameters_m)):
        with torch.device("meta"):
            bank = HeadBank(1, classes, features=256, positions=(8, 32), embed=row.embed, hidden=row.hidden, convolve=True)
        count = sum(parameter.numel() for parameter in bank.parameters())
        assert round(count / 1e6, 2) == millions


def test_the_seven_heads_of_table_4_keep_their_parameter_counts_in_one_bank():
    bank = HeadBank(
        7, 900, features=256, positions=(8, 32), embed=[row.embed for row in TABLE_4], hidden=[row.hidden for row in TABLE_4], convolve=True
    )
    for head, row in enumerate(TABLE_4):
        alone = HeadBank(1, 900, features=256, positions=(8, 32), embed=row.embed, hidden=row.hidden, convolve=True)
        assert bank.num_parameters(head) == sum(parameter.numel() for parameter in alone.parameters())


def plain_states(bank: HeadBank, head: int, word: Tensor, target: list[int]) -> Tensor:
    """Decode one word with one head, using torch's GRU cell."""
    p = {name: bank.head_parameter(name, head) for name, _ in bank.named_parameters()}
    h = p["score"].numel()
    cell = nn.GRUCell(p["gate_word"].shape[0] + p["gate_context"].shape[0], h)
    with torch.no_grad():
        cell.weight_ih.copy_(torch.cat([p["gate_word"], p["gate_context"]]).T)
        cell.weight_hh.copy_(p["gate_state"].T)
        cell.bias_ih.copy_(p["gate_bias"])
        cell.bias_hh.copy_(p["gate_state_bias"])
    rows, columns = bank.grid
    one_hot = torch.cat([torch.eye(columns).repeat(rows, 1), torch.eye(rows).repeat_interleave(columns, 0)], 1)
    encoded = torch.cat([word, one_hot], 1)
    attend = torch.cat([p["key"], p["place"]])
    state, previous, states = torch.zeros(h), 0, []
    for character in target:
        energy = torch.tanh(state @ p["query"] + encoded @ attend + p["attention_bias"]) @ p["score"]
        context = energy.softmax(0) @ encoded
        written = p["embedding"][previous] @ p["word"] + p["word_bias"]
        state = cell(torch.cat([written, context])[None], state[None])[0].detach()
        states.append(state)
        previous = character
    return torch.stack(states)


@pytest.mark.parametrize("form", ["plain", *EQUAL])
def test_stacked_heads_on_a_batch_of_mixed_lengths_equal_each_head_on_each_word_alone(form):
    bank, words = make_bank(3), batch_of(noise(4, 5, 6), [5, 3, 3, 1])
    states = bank.states(words.words, words.inputs, words.active, FORMS[form])
    for head in range(3):
        for word in range(4):
            alone = plain_states(bank, head, words.words[word], words.targets[word, : int(words.lengths[word])].tolist())
            assert torch.allclose(states[head, words.owners == word], alone, atol=1e-5)


@pytest.mark.parametrize("form", ["plain", *EQUAL])
def test_losses_and_gradients_equal_those_of_the_released_algorithm(form):
    """The released algorithm runs its heads in turn, with torch's autograd."""
    bank = make_bank(3, features=6, positions=(2, 16), convolve=True)
    words = batch_of(noise(5, 6, 4, 32).relu(), [6, 5, 3, 2, 2])
    weights = 0.5 + noise(5, 3, seed=2).abs()
    looped = [LoopedHead(CLASSES, 6, 4, 8, (2, 16)).copy_from(bank, head) for head in range(3)]
    padded = torch.full((5, 32), -1)
    for row, length in enumerate(words.lengths.tolist()):
        padded[row, :length] = words.targets[row, :length]
    expected = torch.stack([head.loss(words.words, padded, weights[:, number]) for number, head in enumerate(looped)])
    expected.sum().backward()
    by_character = (0.5 / 5 * weights.T)[:, words.owners]
    total, gradients = loss_and_gradients(bank, words, form, by_character)
    assert torch.allclose(total, expected.detach(), rtol=1e-6)
    for number, head in enumerate(looped):
        assert is_close(gradients["convolution"][number], head.convolution.weight.grad, 1e-3 if form == "winograd" else 1e-5)
        assert is_close(gradients["embedding"][number], head.embedding.weight.grad)
        assert is_close(gradients["output"][number].T, head.out.weight.grad)
        assert is_close(gradients["score"][number], head.score.grad)
        assert is_close(gradients["gate_state"][number].T, head.cell.weight_hh.grad)
        attention = torch.cat([gradients[name][number] for name in ("query", "key", "place")]).T
        assert is_close(attention, head.attention.weight.grad)


@pytest.mark.parametrize("form", EQUAL)
@pytest.mark.parametrize(
    "bank", [make_bank(3), make_convolved_bank(3), make_bank(3, embed=(4, 2, 3), hidden=(8, 8, 5))], ids=["shared", "convolved", "sizes"]
)
def test_every_form_gives_the_numbers_of_the_plain_one(form, bank):
    planes = noise(4, 6, 4, 16).relu() if bank.convolve else noise(4, 5, 6)
    words = batch_of(planes, [5, 3, 3, 1])
    total, gradients = loss_and_gradients(bank, words)
    other_total, other_gradients = loss_and_gradients(bank, words, form)
    assert torch.allclose(other_total, total, rtol=1e-6)
    for name, gradient in gradients.items():
        assert is_close(other_gradients[name], gradient, 1e-3 if name == "convolution" else 1e-5), name


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_the_compiled_form_gives_the_numbers_of_the_plain_one():
    bank, words = make_convolved_bank(2), batch_of(noise(4, 6, 4, 16).relu(), [5, 3, 3, 1])
    total, gradients = loss_and_gradients(bank, words)
    other_total, other_gradients = loss_and_gradients(bank, words, "compiled")
    assert torch.allclose(other_total, total, rtol=1e-6)
    assert all(is_close(other_gradients[name], gradient, 1e-3) for name, gradient in gradients.items())


def test_half_precision_comes_close_and_is_never_the_default():
    bank, words = make_convolved_bank(2), batch_of(noise(4, 6, 4, 16).relu(), [5, 3, 3, 1])
    total, gradients = loss_and_gradients(bank, words)
    other_total, other_gradients = loss_and_gradients(bank, words, "bf16")
    assert torch.allclose(other_total, total, rtol=1e-2)
    assert not torch.equal(other_total, total)
    assert all(is_close(other_gradients[name], gradient, 0.2) for name, gradient in gradients.items())
    assert choose_kernels("auto", "cpu").name != "bf16" != choose_kernels("auto", "cuda").name


def test_float64_gradients_equal_finite_differences():
    bank = make_bank(2).double()
    words = batch_of(noise(2, 5, 6).double(), [3, 2])
    weights = torch.ones(2, len(words.characters), dtype=torch.float64)
    _, gradients = loss_and_gradients(bank, words, weights=weights)
    for name in ("score", "query", "gate_context", "gate_state_bias", "embedding"):
        direction = torch.randn(bank.get_parameter(name).shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
        slopes = []
        for side in (1e-5, -1e-5):
            moved = copy.deepcopy(bank)
            with torch.no_grad():
                moved.get_parameter(name).add_(side * direction)
                slopes.append(moved.losses(words.words, words.inputs, words.characters, words.active, weights)[0].sum().item())
        assert (slopes[0] - slopes[1]) / 2e-5 == pytest.approx(float((gradients[name] * direction).sum()), rel=1e-5)


def test_gradients_reach_word_features_that_need_them():
    bank = make_bank(2).double()
    words = noise(2, 5, 6).double().requires_grad_()
    batch = batch_of(words, [3, 2])
    weights = torch.ones(2, len(batch.characters), dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda features: bank.losses(features, batch.inputs, batch.characters, batch.active, weights)[0], (words,), atol=1e-6
    )


@pytest.mark.parametrize("form", ["plain", *EQUAL])
@pytest.mark.parametrize(
    ("shape", "planes"),
    [
        ({"features": 256, "positions": (1, 24), "embed": 32, "hidden": 64}, (16, 24, 256)),
        ({"features": 64, "positions": (8, 32), "embed": 40, "hidden": 48, "convolve": True}, (4, 64, 16, 64)),
    ],
    ids=["laptop", "convolved"],
)
def test_the_heads_of_a_trial_have_the_same_bits_alone_and_beside_another_trial(form, shape, planes):
    torch.set_num_threads(1)
    both = make_bank(6, **shape)
    both.trials = 2
    words = batch_of(noise(*planes), [*range(8, 0, -1), *[1] * 8][: planes[0]])
    weights = noise(6, len(words.characters)).abs()
    total, gradients = loss_and_gradients(both, words, form, weights)
    for heads in (slice(0, 3), slice(3, 6)):
        alone = make_bank(3, **shape)
        for name, parameter in alone.named_parameters():
            parameter.data.copy_(both.get_parameter(name).data[heads])
        total_alone, gradients_alone = loss_and_gradients(alone, words, form, weights[heads])
        assert torch.equal(total_alone, total[heads])
        assert [name for name, gradient in gradients.items() if not torch.equal(gradient[heads], gradients_alone[name])] == []


def test_a_head_has_the_same_bits_beside_few_heads_and_beside_many():
    """So the head of a group in a bank of all groups is the head of that group in a grouping."""
    sizes = {"features": 256, "columns": 24, "embed": 16, "hidden": 16}
    many, few = make_bank(20, **sizes), make_bank(3, **sizes)
    for parameter, source in zip(few.parameters(), many.parameters(), strict=True):
        parameter.data.copy_(source.data[17:])
    batch = batch_of(noise(16, 24, 256), [9, 8, 8, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1])
    weights = noise(20, len(batch.characters)).abs()
    total, gradients = loss_and_gradients(many, batch, weights=weights)
    few_total, few_gradients = loss_and_gradients(few, batch, weights=weights[17:])
    for name, gradient in (gradients | {"total": total}).items():
        other = (few_gradients | {"total": few_total})[name]
        assert torch.equal(gradient[17:], other) if keeps_bits() else is_close(gradient[17:], other), name


def keeps_bits() -> bool:
    """Return True where products of any width round alike: measured on Intel processors with AVX-512, and not elsewhere."""
    try:
        return {"GenuineIntel", "avx512f"} <= set(Path("/proc/cpuinfo").read_text().split()) and "MKL_ENABLE_INSTRUCTIONS" not in os.environ
    except OSError:
        return False


def test_a_small_head_has_the_same_gradients_alone_and_padded_and_its_padding_has_none():
    sizes = {"embed": (4, 2, 3), "hidden": (8, 8, 5)}
    for shape, planes in ((make_bank, noise(4, 5, 6)), (make_convolved_bank, noise(4, 6, 4, 16).relu())):
        bank, words = shape(3, **sizes), batch_of(planes, [5, 3, 3, 1])
        weights = torch.ones(3, len(words.characters))
        total, gradients = loss_and_gradients(bank, words, "winograd", weights)
        for head in range(3):
            alone = shape(1, embed=sizes["embed"][head], hidden=sizes["hidden"][head])
            for name, _ in alone.named_parameters():
                alone.set_head_parameter(name, 0, bank.head_parameter(name, head))
            total_alone, gradients_alone = loss_and_gradients(alone, words, "winograd", weights[:1])
            assert torch.allclose(total_alone, total[head], rtol=1e-6)
            for name, gradient in gradients.items():
                assert is_close(bank.head_parameter(name, head, gradient), gradients_alone[name][0]), name
                padding = gradient.clone()
                padding[head][bank._head_index(name, head)] = 0
                assert not padding[head].any(), f"{name}: padding has a gradient"


def test_a_small_head_starts_with_the_same_weights_alone_and_padded():
    bank = make_bank(2, embed=(4, 3), hidden=(8, 5))
    alone = HeadBank(1, CLASSES, features=6, positions=(1, 5), embed=3, hidden=5)
    alone.initialise(0, torch.Generator().manual_seed(1))
    for name in ("embedding", "gate_word", "gate_context", "output", "score"):
        assert torch.equal(bank.head_parameter(name, 1), alone.get_parameter(name)[0])


def test_a_hidden_character_does_not_reach_the_decoder():
    bank, words = make_bank(1), batch_of(noise(1, 5, 6), [3])
    hidden = words.inputs_without([torch.tensor([[False, True, False]])])[0]
    changed = words.inputs.clone()
    changed[1] = words.inputs[1] % 9 + 1
    masked = torch.where(hidden == 0, hidden, changed)
    states = bank.states(words.words, words.inputs, words.active)
    assert torch.equal(bank.states(words.words, hidden, words.active), bank.states(words.words, masked, words.active))
    assert not torch.equal(bank.states(words.words, changed, words.active), states)


def test_heads_of_several_trials_each_hide_their_own_characters():
    bank, words = make_bank(2), batch_of(noise(2, 5, 6), [3, 2])
    masks = [torch.tensor([[False, True, False], [False, False, False]]), None]
    inputs = words.inputs_without(masks)
    states = bank.states(words.words, inputs, words.active)
    for head in range(2):
        assert torch.equal(states[head], bank.states(words.words, inputs[head], words.active)[head])
    assert not torch.equal(inputs[0], inputs[1])


@pytest.mark.parametrize("form", cpu_forms())
def test_a_batch_without_labelled_words_has_a_zero_loss_that_reaches_all_weights(form):
    for lengths in ([0, 0], []):
        for bank, planes in ((make_bank(2), noise(len(lengths), 5, 6)), (make_convolved_bank(2), noise(len(lengths), 6, 4, 16))):
            words = batch_of(planes, lengths)
            total, gradients = loss_and_gradients(bank, words, form)
            assert total.tolist() == [0, 0]
            assert all(not gradient.any() for gradient in gradients.values())


def test_words_without_a_label_change_nothing_for_the_others():
    bank, planes = make_bank(2), noise(3, 5, 6)
    weights = torch.ones(2, 5)
    with_others, gradients = loss_and_gradients(bank, batch_of(planes, [3, 2, 0]), weights=weights)
    alone, gradients_alone = loss_and_gradients(bank, batch_of(planes[:2], [3, 2]), weights=weights)
    assert torch.allclose(with_others, alone)
    assert all(is_close(gradient, gradients_alone[name]) for name, gradient in gradients.items())


def test_planes_of_another_size_are_resized_to_that_of_the_heads():
    bank = make_convolved_bank(1)
    planes = noise(2, 6, 16, 16)
    smaller = nn.functional.interpolate(planes, (4, 16), mode="bilinear", align_corners=False)
    assert torch.equal(bank.encode(planes)[0], bank.encode(smaller)[0])


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"embed": (4, 4)}, r"embed is \(4, 4\): it must be one whole number from 1, or one for each of the 3 heads"),
        ({"hidden": (8, 0, 8)}, r"hidden is \(8, 0, 8\): it must be"),
    ],
)
def test_sizes_that_cannot_be_stacked_are_named(sizes, message):
    with pytest.raises(ValueError, match=message):
        make_bank(3, **sizes)
