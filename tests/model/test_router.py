"""The router of a package sends words where ``grouping.route`` sends them."""

import pytest
import torch

from raygroup.model.grouping import route
from raygroup.model.router import Router
from raygroup.model.task_classifier import TaskClassifiers


@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_words_go_to_the_head_that_route_chooses_counted_without_idle_heads(mode):
    random = torch.Generator().manual_seed(5)
    classifier = TaskClassifiers(1, 3, 6, hidden=8).requires_grad_(False)
    classifier.initialise(0, random)
    words = 4 * torch.randn(40, 8, 6, generator=random)
    r_tm = torch.tensor([[0.0, 3.0, 0.1, 1.0], [0.0, 1.0, 0.3, 2.0], [0.0, 2.5, 0.2, 2.0]])
    p_wt, heads = Router(classifier, r_tm, [1, 3], mode)(words)
    assert torch.equal(p_wt, classifier(words)[0].softmax(-1))
    assert torch.equal(torch.tensor([1, 3])[heads], route(p_wt, r_tm, mode))
    assert set(heads.tolist()) == {0, 1}
