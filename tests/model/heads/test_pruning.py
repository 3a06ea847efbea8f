"""Pruned heads write what the whole head writes, restricted to their characters."""

import pytest
import torch

from raygroup.costs import pruned_head_parameters
from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.decoding import Reader
from raygroup.model.heads.pruning import prune_head, stack_heads

CLASSES, END = 40, 39
KEPT = [[2, 3, 7, 11, 30], [1, 2, 5, 8, 13, 21, 34], [4, 38]]


@pytest.fixture(scope="module")
def bank():
    """Three heads, of which one is smaller."""
    random = torch.Generator().manual_seed(1)
    bank = HeadBank(3, CLASSES, features=6, positions=(1, 8), embed=(5, 8, 8), hidden=(12, 16, 16)).requires_grad_(False)
    for head in range(3):
        bank.initialise(head, random)
    bank.output.mul_(8)
    bank.output_bias[:, END] = 1
    return bank


@pytest.fixture(scope="module")
def words():
    return 3 * torch.randn(50, 8, 6, generator=torch.Generator().manual_seed(2))


def restricted(bank, head, kept):
    """The whole head, whose other characters have no probability."""
    others = [number for number in range(1, END) if number not in kept]
    masked = HeadBank(3, CLASSES, features=6, positions=(1, 8), embed=(5, 8, 8), hidden=(12, 16, 16)).requires_grad_(False)
    masked.load_state_dict(bank.state_dict())
    masked.output_bias[head, others] = -1e30
    return Reader(masked)


def texts(classes, end, kept):
    """Strings in the classes of the whole head."""
    return [[([0, *kept])[number] for number in row if number != end] for row in classes.tolist()]


@pytest.mark.parametrize("head", range(3))
def test_weights_that_stay_keep_their_bits(bank, head):
    pruned, rows = prune_head(bank, head, KEPT[head]), [0, *KEPT[head], END]
    assert torch.equal(pruned.output[0], bank.head_parameter("output", head)[:, rows])
    assert torch.equal(pruned.output_bias[0], bank.head_parameter("output_bias", head)[rows])
    assert torch.equal(pruned.embedding[0], bank.head_parameter("embedding", head)[rows])
    others = [name for name, _ in bank.named_parameters() if name not in ("output", "output_bias", "embedding")]
    assert all(torch.equal(pruned.get_parameter(name)[0], bank.head_parameter(name, head)) for name in others)


def test_a_pruned_head_has_a_row_of_embedding_and_output_less_for_each_lost_character(bank):
    lost = CLASSES - 2 - len(KEPT[1])
    assert bank.num_parameters(1) - prune_head(bank, 1, KEPT[1]).num_parameters(0) == lost * (8 + 16 + 1)


@pytest.mark.parametrize("head", range(3))
def test_a_pruned_head_writes_the_strings_of_the_whole_head_restricted_to_its_characters(bank, words, head):
    pruned, whole = prune_head(bank, head, KEPT[head]), restricted(bank, head, KEPT[head])
    places, own = torch.full((50,), head), torch.zeros(50, dtype=torch.long)
    for alone, before in (
        (Reader(pruned).greedy(words, own, 9), whole.greedy(words, places, 9)),
        (Reader(pruned).beam(words, own, 9, 3), whole.beam(words, places, 9, 3)),
    ):
        assert texts(alone.classes, len(KEPT[head]) + 1, KEPT[head]) == texts(before.classes, END, list(range(1, END)))
        assert torch.allclose(alone.confidence, before.confidence, atol=1e-6)


def test_stacked_heads_write_what_each_writes_alone(bank, words):
    pruned = [prune_head(bank, head, KEPT[head]) for head in range(3)]
    stacked, places = stack_heads(pruned), torch.arange(50) % 3
    together = Reader(stacked).beam(words, places, 9, 3)
    for head in range(3):
        chosen = places == head
        alone = Reader(pruned[head]).beam(words[chosen], torch.zeros(int(chosen.sum()), dtype=torch.long), 9, 3)
        ends = (stacked.classes - 1, len(KEPT[head]) + 1)
        assert texts(together.classes[chosen], ends[0], KEPT[head]) == texts(alone.classes, ends[1], KEPT[head])
        assert torch.allclose(together.confidence[chosen], alone.confidence, atol=1e-6)


@pytest.mark.parametrize("characters", [[0, 3], [END], [3, 3], [-1], [99]])
def test_only_characters_can_be_kept_each_once(bank, characters):
    with pytest.raises(ValueError, match="different classes from 1 to 38"):
        prune_head(bank, 0, characters)


@pytest.mark.parametrize("head", range(3))
def test_logits_of_kept_characters_keep_their_bits(bank, head):
    """A logit is one dot product, so it does not depend on the characters beside it."""
    pruned, rows = prune_head(bank, head, KEPT[head]), [0, *KEPT[head], END]
    state = torch.randn(20, bank.hiddens[head], generator=torch.Generator().manual_seed(3))

    def logits(weights, bias):
        columns = [state @ column.contiguous() for column in weights[: bank.hiddens[head]].unbind(1)]
        return torch.stack(columns, 1) + bias

    whole = logits(bank.head_parameter("output", head), bank.head_parameter("output_bias", head))
    assert torch.equal(logits(pruned.head_parameter("output", 0), pruned.head_parameter("output_bias", 0)), whole[:, rows])


def test_a_pruned_head_has_the_weights_that_the_formula_of_table_4_counts(bank):
    for head, kept in enumerate(KEPT):
        pruned = prune_head(bank, head, kept)
        assert pruned.num_parameters(0) == pruned_head_parameters(bank.embeds[head], bank.hiddens[head], len(kept), (8, 6))
