"""Bahdanau attention of many heads over word features: score . tanh(key + query), forward and backward, in each of its forms.

Shapes: w words, m heads, l positions, h hidden. What a form calls *activated* is tanh(x), or sigmoid(2x) with
tanh(x) = 2 sigmoid(2x) - 1: the scores are then ``gain`` . activated but for a constant, which the softmax over positions removes.
"""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class Energies:
    """Scores of one set of keys (w, m, l, h) under changing queries, and the gradients that flow back through them.

    Works in two arrays of the keys' size that serve every step; what a step leaves is its scores alone. Dot products along ``h`` are
    written as a product and a sum, which on a processor take a third of the time of a batched matrix product with one column.
    """

    def __init__(self, keys: Tensor, score: Tensor, form: str) -> None:
        self.keys, self.score, self.form = keys, score, form
        self.steepness = 1 if form == "tanh" else 2
        arrays = 0 if form == "compiled" else len(keys)
        self._activated, self._other = (torch.empty_like(keys[:arrays]) for _ in range(2))

    def scores(self, queries: Tensor) -> Tensor:
        """(w, m, l) of the first w words under ``queries`` (w, m, h)."""
        gain = self.steepness * self.score
        if self.form == "compiled":
            scores: Tensor = _compiled(_scores)(self.keys[: len(queries)], queries, gain)
            return scores
        return torch.mul(self._activate(queries), gain[:, None], out=self._other[: len(queries)]).sum(-1)

    def backward(self, queries: Tensor, of_scores: Tensor, of_keys: Tensor) -> tuple[Tensor, Tensor]:
        """Adds a step to ``of_keys``, which lacks the factor ``score`` that all steps share; gradients of the queries (w, m, h), which
        lack it too, and of the score (m, h)."""
        w, m, length = of_scores.shape
        of_scores = of_scores * self.steepness
        if self.form == "compiled":
            found: tuple[Tensor, Tensor] = _compiled(_gradients)(self.keys[:w], queries, of_scores, of_keys[:w])
            return found
        activated = self._activate(queries)
        slope = self._slopes(activated).view(w * m, length, -1)
        rows = of_scores.view(w * m, 1, length)
        of_score = rows.bmm(activated.view(w * m, length, -1)).view(w, m, -1).sum(0)
        rows = rows * self.steepness
        of_keys[:w].addcmul_(slope.view_as(activated), rows.view(w, m, length, 1))
        return rows.bmm(slope).view(w, m, -1), of_score

    def _activate(self, queries: Tensor) -> Tensor:
        """The activated energies of a step, in the array that is used again at the next."""
        w, out = len(queries), self._activated[: len(queries)]
        if self.form == "tanh":
            return torch.add(self.keys[:w], queries[:, :, None], out=out).tanh_()
        return torch.add(2 * queries[:, :, None], self.keys[:w], alpha=2, out=out).sigmoid_()

    def _slopes(self, activated: Tensor) -> Tensor:
        """How steep the activation is where it stands: 1 - tanh^2, or sigmoid (1 - sigmoid)."""
        out = self._other[: len(activated)]
        if self.form == "tanh":
            return torch.mul(activated, activated, out=out).neg_().add_(1)
        return torch.addcmul(activated, activated, activated, value=-1, out=out)


def _scores(keys: Tensor, queries: Tensor, gain: Tensor) -> Tensor:
    return (torch.sigmoid(2 * (keys + queries[:, :, None])) * gain[:, None]).sum(-1)


def _gradients(keys: Tensor, queries: Tensor, of_scores: Tensor, of_keys: Tensor) -> tuple[Tensor, Tensor]:
    activated = torch.sigmoid(2 * (keys + queries[:, :, None]))
    through = activated * (1 - activated) * (2 * of_scores[..., None])
    of_keys += through
    return through.sum(2), (activated * of_scores[..., None]).sum((0, 2))


@functools.cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled once a process, for any number of words (the first call takes a minute where nothing is cached)."""
    return torch.compile(function, dynamic=True)
