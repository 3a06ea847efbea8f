"""Features along a word's rectangle are those of the places that the rectangle covers."""

import torch

from raygroup.model.spotter.word_adapter import GRID, WordAdapter
from raygroup.model.spotter.word_sampling import sample_rectangles

WHOLE = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def coordinates(height, width):
    """Return a map of two channels: the x and the y of each pixel's centre."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return torch.stack([x, y])[None].float()


def test_the_whole_map_at_its_own_size_is_the_map():
    features = torch.randn(1, 3, 4, 6)
    sampled = sample_rectangles(features, WHOLE[None], torch.ones(1), torch.tensor([0]), (4, 6))
    assert torch.allclose(sampled, features, atol=1e-6)


def test_columns_run_from_the_beginning_of_a_turned_word_to_its_end():
    # the word is written upwards: it begins at the bottom left of the map's middle half
    turned = torch.tensor([[0.25, 0.75], [0.25, 0.25], [0.75, 0.25], [0.75, 0.75]])
    sampled = sample_rectangles(coordinates(8, 8), turned[None], torch.ones(1), torch.tensor([0]), (2, 4))[0]
    assert torch.allclose(sampled[1], torch.tensor([5.5, 4.5, 3.5, 2.5]).expand(2, 4), atol=1e-5)  # y
    assert torch.allclose(sampled[0], torch.tensor([[3.0], [5.0]]).expand(2, 4), atol=1e-5)  # x


def test_a_word_that_fills_half_of_the_columns_is_followed_by_zeros():
    sampled = sample_rectangles(coordinates(4, 8), WHOLE[None], torch.tensor([0.5]), torch.tensor([0]), (1, 8))[0, 0, 0]
    assert torch.allclose(sampled, torch.tensor([1.0, 3.0, 5.0, 7.0, 0.0, 0.0, 0.0, 0.0]), atol=1e-5)


def test_each_word_is_sampled_from_its_own_map():
    features = torch.arange(3.0)[:, None, None, None].expand(3, 1, 4, 4) + 1
    images = torch.tensor([2, 0, 2])
    shared = sample_rectangles(features, WHOLE.expand(3, 4, 2), torch.ones(3), images, (1, 1)).flatten()
    own = sample_rectangles(features, WHOLE.expand(3, 4, 2), torch.ones(3), None, (1, 1)).flatten()
    assert shared.tolist() == [3.0, 1.0, 3.0]
    assert own.tolist() == [1.0, 2.0, 3.0]


def test_no_words_give_no_features_that_still_reach_the_map():
    features = torch.randn(1, 3, 4, 6, requires_grad=True)
    sampled = sample_rectangles(features, torch.zeros(0, 4, 2), torch.zeros(0), torch.zeros(0, dtype=torch.long), (8, 48))
    sampled.sum().backward()
    assert sampled.shape == (0, 3, 8, 48)
    assert features.grad is not None


def test_an_adapter_gives_the_word_trunks_shape():
    adapter = WordAdapter(12, "rectangles")
    assert adapter(torch.randn(2, 12, *GRID)).shape == (2, 24, 256)
    assert adapter(torch.randn(0, 12, *GRID)).shape == (0, 24, 256)
