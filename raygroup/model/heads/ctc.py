"""CTC heads, stacked in one module, as E2E-MLT and CRAFTS read words.

A CTC head gives the classes of every position at once. No character depends on the one before. The
first axis of every parameter is the head. Shapes: m heads, w words, l positions along the line, f
features, h hidden, c classes with the begin and the end class of the charset.
"""

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from raygroup.model.heads.beams import DecodedWords
from raygroup.model.heads.cell import Grid
from raygroup.model.heads.ctc_paths import Spelling, best_path, path_nll, spell
from raygroup.model.heads.word_heads import WordLabels
from raygroup.model.kernels.convolution import encode_planes, resize_planes
from raygroup.model.kernels.forms import PLAIN, Kernels
from raygroup.model.kernels.products import per_head_product, shared_input_product

_LOGITS_BYTES = 256 * 2**20
"""Most bytes of logits in one block of words."""


class CtcBank(nn.Module):
    """A bank of m CTC heads with one charset. It is a ``WordHeads``.

    Without ``hidden``, a head is one linear layer on word features (w, l, f). With it, the features
    are planes (w, f, 2 rows, 2 columns). They first pass the 3x3 convolution and pooling of the
    attention heads, and a layer joins the rows of each column, so l is the number of columns.

    Class 0 is the blank and stands for unsupported characters, too. The end class has no output.
    """

    convolution: nn.Parameter
    convolution_bias: nn.Parameter
    column: nn.Parameter
    column_bias: nn.Parameter
    output: nn.Parameter
    output_bias: nn.Parameter

    def __init__(self, heads: int, classes: int, *, features: int, positions: tuple[int, int], hidden: int | None = None) -> None:
        """``positions`` is (rows, columns). Raises ValueError for several rows without ``hidden``."""
        super().__init__()
        self.heads, self.classes, self.grid = heads, classes, Grid(*positions)
        self.features, self.hidden = features, hidden
        if hidden is None and self.grid.rows != 1:
            raise ValueError(f"positions are {positions}: word features must have one row")
        sizes = {"output": (hidden or features, classes - 1), "output_bias": (classes - 1,)}
        if hidden is not None:
            sizes |= {"convolution": (hidden, features, 3, 3), "convolution_bias": (hidden,)}
            sizes |= {"column": (self.grid.rows * hidden, hidden), "column_bias": (hidden,)}
        for name, size in sizes.items():
            self.register_parameter(name, nn.Parameter(torch.zeros(heads, *size)))

    @torch.no_grad()
    def initialise(self, head: int, random: torch.Generator) -> None:
        """Draw new weights for one head. They are uniform by the fan-in, and biases are zero."""
        for name, parameter in self.named_parameters():
            weight = torch.zeros(parameter.shape[1:])
            if not name.endswith("bias"):
                fan_in = weight[0].numel() if name == "convolution" else weight.shape[0]
                weight.uniform_(-(fan_in**-0.5), fan_in**-0.5, generator=random)
            parameter[head] = weight

    def logits(self, words: Tensor, form: Kernels = PLAIN, heads: slice = slice(None)) -> Tensor:
        """Return the logits of blank and characters, (w, l, m, c - 1). Planes may have any size."""
        bias = self.output_bias[heads]
        if self.hidden is None:
            return shared_input_product(words, self.output[heads], form.products) + bias
        planes = resize_planes(words, (2 * self.grid.rows, 2 * self.grid.columns))
        encoded = encode_planes(planes, self.convolution[heads], self.convolution_bias[heads], form.convolution)
        by_column = encoded.unflatten(1, self.grid).permute(0, 2, 3, 1, 4).flatten(3)  # type: ignore[no-untyped-call]
        columns = per_head_product(by_column, self.column[heads], form.products) + self.column_bias[heads]
        return per_head_product(columns.relu(), self.output[heads], form.products) + bias

    def spellable(self, labels: WordLabels) -> Tensor:
        """Return whether each word has a label that fits the positions, (w,) bool.

        A path needs a position for each character, and one for a blank between equal neighbours.
        """
        return (spell(labels.targets, self.classes - 1).positions <= self.grid.columns) & (labels.lengths > 0)

    def word_losses(self, words: Tensor, labels: WordLabels, weights: Tensor, form: Kernels = PLAIN) -> Tensor:
        """Return each head's weighted loss, (m,). Words that are not ``spellable`` have none.

        A word's loss is divided by the number of its characters, unsupported ones included. There is
        no end to count. A batch without words gives zeros that still reach every weight.
        """
        rows = self.spellable(labels).nonzero()[:, 0]
        nll_wm = self.word_nll(words[rows], spell(labels.targets[rows], self.classes - 1), form)
        return (weights[rows] / (labels.lengths[rows] - 1).clamp(min=1)[:, None] * nll_wm).sum(0)

    def word_nll(self, words: Tensor, spelling: Spelling, form: Kernels = PLAIN) -> Tensor:
        """Return -log p of each word under each head, (w, m).

        Logits of all words may not fit in memory. So words are taken in blocks, and a block's logits
        are computed again for its gradients.
        """
        block = self._words_per_block(words, self.heads)
        if len(words) <= block:
            return self._block_nll(words, spelling, form)
        parts = [slice(start, start + block) for start in range(0, len(words), block)]
        return torch.cat([
            checkpoint(self._block_nll, words[part], spelling.of_words(part), form, use_reentrant=False, preserve_rng_state=False)
            for part in parts
        ])  # fmt: skip

    @torch.no_grad()
    def read_words(self, words: Tensor, heads: Tensor, longest: int, width: int = 1, form: Kernels = PLAIN) -> DecodedWords:
        """Read each word by the best path of its head (w,). Raises ValueError if ``width`` is not 1."""
        if width != 1:
            raise ValueError(f"width is {width}: it must be 1, because CTC heads read by the best path")
        end = self.classes - 1
        decoded = DecodedWords.empty(len(words), longest, end, words.device)
        for head in heads.unique().tolist():  # type: ignore[no-untyped-call]
            rows = (heads == head).nonzero()[:, 0]
            for part in rows.split(self._words_per_block(words, 1)):
                logits = self.logits(words[part], form, slice(head, head + 1))[:, :, 0]
                decoded.set_words(part, best_path(logits, longest, end))
        return decoded

    def _block_nll(self, words: Tensor, spelling: Spelling, form: Kernels) -> Tensor:
        return path_nll(self.logits(words, form), spelling)

    def _words_per_block(self, words: Tensor, heads: int) -> int:
        return max(1, _LOGITS_BYTES // (self.grid.columns * heads * self.classes * words.element_size()))
