"""The weights of a bank, prepared for reading.

Products with each head's own matrix run in oneDNN if that is faster. Shapes: g heads, r rows of
each head, i inputs, o outputs.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import Kernels
from raygroup.model.kernels.products import prepack_weights

_ROWS_WORTH_PACKING = 4
"""Fewest rows of a head for which oneDNN is faster."""


class Linear:
    """A linear layer of each head.

    The matrix is (g, i, o), and the bias (g, o).
    """

    def __init__(self, matrix: Tensor, bias: Tensor, prepacked: list[Tensor] | None) -> None:
        """``prepacked`` is the result of ``prepack_weights``."""
        self.matrix, self.bias, self.prepacked = matrix, bias[:, None], prepacked

    def of_heads(self, heads: Tensor) -> "Linear":
        prepacked = None if self.prepacked is None else [self.prepacked[number] for number in heads.tolist()]
        return Linear(self.matrix[heads], self.bias[heads, 0], prepacked)

    def __call__(self, rows: Tensor, addend: Tensor | None = None) -> Tensor:
        """Multiply rows (g, r, i) and return (g, r, o). ``addend`` (g, r, o) replaces the bias."""
        addend = self.bias if addend is None else addend
        if self.prepacked is None or rows.shape[1] < _ROWS_WORTH_PACKING:
            return torch.baddbmm(addend, rows, self.matrix)
        product = rows.new_empty(*rows.shape[:2], self.matrix.shape[2])
        for head_rows, weights, head_addend, out in zip(rows, self.prepacked, addend, product, strict=True):
            torch.add(F.linear(head_rows.to_mkldnn(), weights).to_dense(), head_addend, out=out)
        return product

    def in_parts(self, rows: Tensor) -> list[Tensor]:
        """Return the product as parts along the heads. This saves the copy that joins them."""
        if self.prepacked is None or rows.shape[1] < _ROWS_WORTH_PACKING:
            return [self(rows)]
        biases = (bias[0].to_mkldnn() for bias in self.bias)
        return [
            F.linear(head_rows.to_mkldnn(), weights, bias).to_dense()[None]
            for head_rows, weights, bias in zip(rows, self.prepacked, biases, strict=True)
        ]


class DecoderWeights(NamedTuple):
    """The weights of a decoder step. The first axis is the head."""

    embedding: Tensor
    score: Tensor
    word_gates: Linear
    """From a character's embedding to its share of the GRU's input gates."""
    query_and_state: Linear
    """From the state to the attention's query and the GRU's recurrent gates."""
    context: Linear
    """From the attended features to their share of the GRU's input gates."""
    output: Linear
    """From the state to logits."""

    def of_heads(self, heads: Tensor) -> "DecoderWeights":
        return DecoderWeights(self.embedding[heads], self.score[heads], *(linear.of_heads(heads) for linear in self[2:]))


def prepare_weights(bank: HeadBank, form: Kernels) -> DecoderWeights:
    """Collect a bank's weights for reading. Some are copies, others share the bank's memory."""
    cell = bank.cell()
    # Embedding to gates is one product, since nothing nonlinear lies between the two layers.
    word_bias = torch.baddbmm(bank.gate_bias[:, None], bank.word_bias[:, None], bank.gate_word)[:, 0]
    state_bias = F.pad(cell.state_bias, (bank.hidden, 0))
    context_bias = torch.zeros_like(cell.state_bias)
    pairs = (
        (bank.word.bmm(bank.gate_word), word_bias), (cell.query_and_state, state_bias), (cell.context, context_bias),
        (bank.output, bank.output_bias),
    )  # fmt: skip
    layers = [
        Linear(matrix.detach(), bias.detach(), prepack_weights(matrix.detach()) if form.products == "onednn" else None)
        for matrix, bias in pairs
    ]
    return DecoderWeights(bank.embedding.detach(), bank.score.detach(), *layers)
