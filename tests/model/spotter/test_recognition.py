import numpy as np
import pytest
import torch
from small_spotter import small_bank

from raygroup.model.heads.ctc import CtcBank
from raygroup.model.heads.decoding import Reader
from raygroup.model.spotter.mask_head import PLANE_GRID
from raygroup.model.spotter.recognition import BankLabels, RecognitionHeads
from raygroup.training.label_batches import make_batch

ACTIVE = (2, 2, 1)
"""Two words, of three and of two characters."""


def labels(seed, classes):
    random = torch.Generator().manual_seed(seed)
    return BankLabels(*(torch.randint(classes, (5,), generator=random) for _ in range(2)))


def test_heads_of_several_banks_have_the_losses_that_they_have_alone():
    first, second = small_bank(2, 12, 4), small_bank(1, 20, 4, seed=9)
    planes, weights = torch.randn(2, 4, 64, 64), torch.rand(3, 5)
    bank_labels = [labels(1, 12), labels(2, 20)]
    total, nll = RecognitionHeads([first, second]).losses(planes, bank_labels, ACTIVE, weights)
    for bank, label, rows in ((first, bank_labels[0], slice(0, 2)), (second, bank_labels[1], slice(2, 3))):
        expected, expected_nll = bank.losses(planes, label.inputs, label.characters, ACTIVE, weights[rows])
        assert torch.equal(total[rows], expected)
        assert torch.equal(nll[rows], expected_nll)


def test_planes_get_gradients_from_every_bank():
    planes = torch.randn(2, 4, 64, 64, requires_grad=True)
    heads = RecognitionHeads([small_bank(2, 12, 4), small_bank(1, 20, 4, seed=9)])
    total, _ = heads.losses(planes, [labels(1, 12), labels(2, 20)], ACTIVE, torch.ones(3, 5))
    total.sum().backward()
    assert planes.grad.abs().sum() > 0
    assert all(parameter.grad.abs().sum() > 0 for name, parameter in heads.named_parameters() if not name.endswith("attention_bias"))


def test_words_are_read_by_their_own_head_in_its_own_charset():
    banks = [small_bank(2, 12, 4), small_bank(1, 20, 4, seed=9)]
    planes, heads = torch.randn(4, 4, 64, 64), torch.tensor([2, 0, 1, 2])
    words = RecognitionHeads(banks).read(planes, heads, longest=6, width=3)
    for word, (bank, head) in enumerate([(1, 0), (0, 0), (0, 1), (1, 0)]):
        alone = Reader(banks[bank]).beam(planes[word : word + 1], torch.tensor([head]), 6, 3)
        expected = [number if number < banks[bank].classes - 1 else -1 for number in alone.classes[0].tolist()]
        assert words.classes[word].tolist() == expected
        assert torch.allclose(words.confidence[word], alone.confidence[0], atol=1e-6)


def test_no_words_are_read_as_no_words():
    words = RecognitionHeads([small_bank(1, 12, 4)]).read(torch.zeros(0, 4, 64, 64), torch.zeros(0, dtype=torch.long), 6)
    assert words.classes.shape == (0, 6)


def small_ctc_bank():
    bank = CtcBank(2, 12, features=4, positions=PLANE_GRID, hidden=8)
    for head in range(2):
        bank.initialise(head, torch.Generator().manual_seed(head))
    return bank


def batch_of_two():
    """Two words with their ends, of three and of two characters, for a charset of 12 classes."""
    return make_batch(torch.zeros(2, 0), np.array([[4, 4, 7, 11], [2, 9, 11, 0]], np.int32), np.array([4, 3], np.int32))


def test_attention_decoders_and_ctc_heads_share_words():
    decoders, ctc, planes, weights = small_bank(1, 12, 4), small_ctc_bank(), torch.randn(2, 4, 64, 64), torch.rand(2, 3)
    heads, batch = RecognitionHeads([decoders, ctc]), batch_of_two()
    total = heads.word_losses(planes, [batch, batch], weights)
    by_character = (weights[:, :1] / batch.lengths[:, None])[batch.owners].T
    expected, _ = decoders.losses(planes, batch.inputs, batch.characters, batch.active, by_character)
    assert torch.allclose(total[:1], expected)
    assert torch.equal(total[1:], ctc.word_losses(planes, batch, weights[:, 1:]))
    read, chosen = heads.read(planes, torch.tensor([2, 0]), longest=6, width=1), ctc.read_words(planes[:1], torch.tensor([1]), 6)
    assert read.classes[0].tolist() == [number if number < 11 else -1 for number in chosen.classes[0].tolist()]
    assert read.confidence[0] == chosen.confidence[0]


def test_a_word_that_one_bank_cannot_write_is_not_spellable():
    ctc, batch = small_ctc_bank(), batch_of_two()
    ctc.grid = ctc.grid._replace(columns=2)
    assert RecognitionHeads([small_bank(1, 12, 4), ctc]).spellable([batch, batch]).tolist() == [False, True]
    assert RecognitionHeads([small_bank(1, 12, 4)]).spellable([batch]).tolist() == [True, True]


def test_ctc_heads_have_no_losses_of_characters():
    with pytest.raises(ValueError, match="use word_losses"):
        RecognitionHeads([small_ctc_bank()]).losses(torch.randn(2, 4, 64, 64), [labels(1, 12)], ACTIVE, torch.ones(2, 5))
