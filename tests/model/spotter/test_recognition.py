import torch
from small_spotter import small_bank

from raygroup.model.heads.decoding import Reader
from raygroup.model.spotter.recognition import BankLabels, RecognitionHeads

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
