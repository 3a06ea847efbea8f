"""Compare greedy and beam reading with the released algorithm, word by word.

The words end at different steps.
"""

import pytest
import torch
from baselines.looped import LoopedHead
from baselines.spelling import distinct_words, teach_to_end

from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.decoding import Reader, top_k
from raygroup.model.kernels.forms import FORMS

CLASSES, FEATURES, POSITIONS = 40, 6, (2, 8)
HEADS = torch.tensor([2, 0, 2, 2, 0, 1, 2, 0, 2, 1, 0, 2])


@pytest.fixture(scope="module")
def bank() -> HeadBank:
    random = torch.Generator().manual_seed(1)
    bank = HeadBank(4, CLASSES, features=FEATURES, positions=POSITIONS, embed=8, hidden=16, convolve=True)
    for head in range(4):
        bank.initialise(head, random)
    teach_to_end(bank, 5)
    return bank


@pytest.fixture(scope="module")
def words() -> torch.Tensor:
    return distinct_words(len(HEADS), FEATURES, (4, 16), torch.Generator().manual_seed(2))


def texts(classes: torch.Tensor) -> list[list[int]]:
    return [[character for character in row if character != CLASSES - 1] for row in classes.tolist()]


def read_as_released(bank: HeadBank, words: torch.Tensor, width: int) -> list[list[int]]:
    """Read each word alone with the released algorithm. A width of 0 reads greedily."""
    readings = []
    for word, head in zip(words, HEADS.tolist(), strict=True):
        looped = LoopedHead(CLASSES, FEATURES, 8, 16, POSITIONS).copy_from(bank, head)
        readings += looped.beam(word[None], width) if width else looped.greedy(word[None])
    return readings


@pytest.mark.parametrize("form", ["plain", "winograd"])
@pytest.mark.parametrize("width", [0, 1, 2, 6, 30])
def test_words_routed_to_heads_are_read_like_each_alone_by_the_released_algorithm(bank, words, width, form):
    expected = read_as_released(bank, words, width)
    assert len({len(text) for text in expected}) > 4, "words that all end together could be swapped unnoticed"
    assert len(set(map(tuple, expected))) > 9, "equal strings could be swapped unnoticed"
    reader = Reader(bank, FORMS[form])
    decoded = reader.beam(words, HEADS, 32, width) if width else reader.greedy(words, HEADS, 32)
    assert texts(decoded.classes) == expected


def test_beams_find_words_at_least_as_probable_as_a_greedy_reader_finds(bank, words):
    best, greedy = Reader(bank).beam(words, HEADS, 32), Reader(bank).greedy(words, HEADS, 32)
    without_class_0 = (greedy.classes != 0).all(1)
    assert (best.product >= greedy.product * (1 - 1e-5))[without_class_0].all()
    assert (best.classes != greedy.classes).any(1).sum() >= 2


def test_a_word_is_read_the_same_alone_and_beside_others(bank, words):
    together = Reader(bank).beam(words, HEADS, 32, 3)
    for place in (0, 5, 11):
        alone = Reader(bank).beam(words[place : place + 1], HEADS[place : place + 1], 32, 3)
        assert alone.classes[0].tolist() == together.classes[place].tolist()
        assert alone.confidence[0].item() == pytest.approx(together.confidence[place].item(), rel=1e-4)


@torch.no_grad()
def test_confidence_is_the_mean_probability_of_the_characters_and_the_end(bank, words):
    decoded = Reader(bank).greedy(words, HEADS, 32)
    place = int((decoded.classes != CLASSES - 1).sum(1).clamp(max=8).argmax())
    looped = LoopedHead(CLASSES, FEATURES, 8, 16, POSITIONS).copy_from(bank, int(HEADS[place]))
    encoded, hidden = looped.encode(words[place : place + 1]), torch.zeros(1, 16)
    previous, probabilities = 0, []
    while previous != CLASSES - 1:
        logits, hidden = looped.step(torch.tensor([previous]), hidden, encoded)
        probability, previous = (float(value) for value in logits.softmax(1).max(1))
        previous = int(previous)
        probabilities.append(probability)
    assert decoded.confidence[place].item() == pytest.approx(sum(probabilities) / len(probabilities), rel=1e-4)
    assert decoded.product[place].item() == pytest.approx(torch.tensor(probabilities, dtype=torch.float64).prod().item(), rel=1e-4)


def test_a_word_longer_than_the_limit_is_cut_there(bank, words):
    whole, shortened = Reader(bank).greedy(words, HEADS, 32), Reader(bank).greedy(words, HEADS, 3)
    assert [text[:3] for text in texts(whole.classes)] == texts(shortened.classes)
    assert (shortened.confidence > 0).all()


@pytest.mark.parametrize("positions", [(3, 8), (2, 5)])
def test_planes_of_any_even_size_are_read_alike_in_every_form(positions):
    bank = HeadBank(3, CLASSES, features=FEATURES, positions=positions, embed=8, hidden=16, convolve=True)
    for head in range(3):
        bank.initialise(head, torch.Generator().manual_seed(head))
    teach_to_end(bank, 5)
    rows, columns = 2 * positions[0], 2 * positions[1]
    words = distinct_words(len(HEADS), FEATURES, (rows, 16), torch.Generator().manual_seed(2))[..., :columns]
    plain, winograd = (Reader(bank, FORMS[form]).greedy(words, HEADS, 32) for form in ("plain", "winograd"))
    assert torch.equal(winograd.classes, plain.classes)
    assert torch.allclose(winograd.confidence, plain.confidence, rtol=1e-4)


def test_no_words_or_no_steps_give_empty_readings(bank, words):
    assert Reader(bank).greedy(words[:0], HEADS[:0], 32).classes.shape == (0, 32)
    assert Reader(bank).beam(words, HEADS, 0).classes.shape == (12, 0)


@pytest.mark.parametrize("width", [0, CLASSES])
def test_an_impossible_width_is_refused_with_the_valid_range(bank, words, width):
    with pytest.raises(ValueError, match=f"width is {width}: it must be from 1 to 39"):
        Reader(bank).beam(words, HEADS, 32, width)


@pytest.mark.parametrize("classes", [5, 64, 130, 1000, 9002])
def test_top_k_equals_topk_wherever_the_largest_values_are(classes):
    values = torch.rand(3, 2, classes, generator=torch.Generator().manual_seed(classes))
    values[0, 0, -1], values[1, 1, 0] = 2, 3
    for count in (1, 4):
        best, places = top_k(values, count)
        expected = values.topk(count)
        assert torch.equal(best, expected.values)
        assert torch.equal(places, expected.indices)
