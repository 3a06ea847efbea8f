import numpy as np
import pytest
from shared_fixtures import reference

from raygroup.training.spotter.box_targets import BACKGROUND, IGNORED, TEXT, box_targets, sample_proposals


def test_labels_and_deltas_are_those_of_the_reference():
    _, arrays = reference("box_post")
    targets = box_targets(arrays["t_proposals"], arrays["t_gt"], arrays["t_gt_labels"] == IGNORED)
    kept = targets.labels != IGNORED
    np.testing.assert_array_equal(arrays["t_proposals"][kept], arrays["t_sub_boxes"])
    np.testing.assert_array_equal(targets.labels[kept], arrays["t_sub_labels"])
    np.testing.assert_allclose(targets.deltas[kept], arrays["t_sub_reg"], rtol=1e-5, atol=1e-5)


def test_an_image_without_words_is_background():
    targets = box_targets(np.array([[0, 0, 9, 9]], np.float32), np.zeros((0, 4), np.float32), np.zeros(0, bool))
    assert targets.labels.tolist() == [BACKGROUND]
    assert targets.deltas.tolist() == [[0, 0, 0, 0]]


def test_half_an_overlap_is_enough():
    # 10 x 10 pixels, of which the word has 5 x 10
    proposal = np.array([[0, 0, 9, 9]], np.float32)
    assert box_targets(proposal, np.array([[0, 0, 4, 9]], np.float32), np.array([False])).labels.tolist() == [TEXT]
    assert box_targets(proposal, np.array([[0, 0, 3, 9]], np.float32), np.array([False])).labels.tolist() == [BACKGROUND]


@pytest.mark.parametrize(("words", "others", "drawn_words", "drawn_others"), [(200, 600, 128, 384), (10, 600, 10, 502), (200, 20, 128, 20)])
def test_at_most_a_quarter_of_the_drawn_proposals_shows_text(words, others, drawn_words, drawn_others):
    labels = np.array([TEXT] * words + [BACKGROUND] * others + [IGNORED] * 50)
    drawn = labels[sample_proposals(labels, np.random.default_rng(0))]
    assert ((drawn == TEXT).sum(), (drawn == BACKGROUND).sum(), len(drawn)) == (drawn_words, drawn_others, drawn_words + drawn_others)
