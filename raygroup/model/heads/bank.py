"""The recognition heads M_j, stacked in one module.

The first axis of every parameter is the head. Shapes: m heads, w words, l = rows x columns
positions, f features, h hidden, e embed, c classes, n characters of all words.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from raygroup.model.heads.cell import Cell, Grid
from raygroup.model.heads.cross_entropy import weighted_nll
from raygroup.model.heads.recurrence import DecoderOptions, decoder_states
from raygroup.model.heads.shapes import ALL_AXES, AXES, axis_sizes, size_per_head, unpadded_index
from raygroup.model.kernels.convolution import encode_planes, resize_planes
from raygroup.model.kernels.forms import PLAIN, Kernels
from raygroup.model.kernels.products import own_words_product, per_head_product, shared_input_product

BEGIN = 0
"""The class before the first character of a word.

It also stands for hidden and unsupported characters.
"""


class HeadBank(nn.Module):
    """A bank of m attention decoders.

    A decoder has an embedding, Bahdanau attention with one-hot positions, a GRU and an output
    layer. With ``convolve``, the features are planes (w, f, 2 rows, 2 columns), and they first pass
    the paper's 3x3 convolution and pooling (the head of Table 4). Without it they are (w, rows x
    columns, f) and are used as they are (laptop scale). ``embed`` and ``hidden`` are one size for
    all heads, or one for each head. Smaller heads are padded with zeros that stay zero. They are
    counted, initialised and trained as if alone.
    """

    convolution: nn.Parameter
    convolution_bias: nn.Parameter
    embedding: nn.Parameter
    word: nn.Parameter
    word_bias: nn.Parameter
    query: nn.Parameter
    key: nn.Parameter
    place: nn.Parameter
    attention_bias: nn.Parameter
    score: nn.Parameter
    gate_word: nn.Parameter
    gate_context: nn.Parameter
    gate_state: nn.Parameter
    gate_bias: nn.Parameter
    gate_state_bias: nn.Parameter
    output: nn.Parameter
    output_bias: nn.Parameter
    _score_mask: Tensor

    def __init__(
        self, heads: int, classes: int, *, features: int, positions: tuple[int, int],
        embed: int | Sequence[int], hidden: int | Sequence[int], convolve: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.heads, self.classes, self.convolve, self.grid = heads, classes, convolve, Grid(*positions)
        self.embeds, self.hiddens = size_per_head("embed", embed, heads), size_per_head("hidden", hidden, heads)
        self.features, self.hidden = features, max(self.hiddens)
        self.trials = 1  # number of trials that the heads belong to, in equal parts (see ``DecoderOptions``)
        self._padded_sizes = self._axis_sizes(max(self.embeds), self.hidden)
        for name, axes in AXES.items():
            if convolve or not name.startswith("convolution"):
                self.register_parameter(name, nn.Parameter(torch.zeros(heads, *(self._padded_sizes[axis] for axis in axes))))
        self.mixed_sizes = len(set(zip(self.embeds, self.hiddens, strict=True))) > 1
        if self.mixed_sizes:
            self.register_buffer("_score_mask", self._padding_mask("score"), persistent=False)

    @classmethod
    def for_features(
        cls, heads: int, classes: int, shape: Sequence[int], *, embed: int | Sequence[int], hidden: int | Sequence[int]
    ) -> "HeadBank":  # fmt: skip
        """Return a bank of zeros for words whose features have this shape.

        Heads have the paper's shape if the features are planes (f, y, x). If the features are (positions, f), heads have no convolution.
        """
        convolve = len(shape) == 3
        positions = (shape[1] // 2, shape[2] // 2) if convolve else (1, shape[0])
        features = shape[0] if convolve else shape[1]
        return cls(heads, classes, features=features, positions=positions, embed=embed, hidden=hidden, convolve=convolve)

    @property
    def plane_size(self) -> tuple[int, int]:
        """Return the rows and columns of the planes that the heads convolve."""
        return 2 * self.grid.rows, 2 * self.grid.columns

    def num_parameters(self, head: int) -> int:
        """Count the parameters of one head without padding, as Table 4 does."""
        return sum(self.head_parameter(name, head).numel() for name, _ in self.named_parameters())

    @torch.no_grad()
    def head_parameter(self, name: str, head: int, tensor: Tensor | None = None) -> Tensor:
        """Return a copy of one head's parameter without padding.

        With ``tensor``, such as the parameter's gradient, return the head's part of that tensor
        instead.
        """
        stacked = self.get_parameter(name) if tensor is None else tensor
        return stacked[head][self._head_index(name, head)]

    @torch.no_grad()
    def set_head_parameter(self, name: str, head: int, values: Tensor) -> None:
        """Write one head's parameter, without padding, into the stack."""
        self.get_parameter(name)[head][self._head_index(name, head)] = values.to(self.get_parameter(name).device)

    @torch.no_grad()
    def initialise(self, head: int, random: torch.Generator) -> None:
        """Draw new weights for one head.

        They are uniform by the fan-in of the head's own size. Biases are zero, and the embedding
        has unit variance.
        """
        for name, _ in self.named_parameters():
            weight = torch.zeros(self.head_parameter(name, head).shape)
            if name == "embedding":
                weight.normal_(generator=random)
            elif not name.endswith("bias"):
                fan_in = weight[0].numel() if name == "convolution" else weight.shape[0]
                weight.uniform_(-(fan_in**-0.5), fan_in**-0.5, generator=random)
            self.set_head_parameter(name, head, weight)

    def encode(
        self, words: Tensor, form: Kernels = PLAIN, heads: slice = slice(None), own_words: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Return the attention's values and keys.

        Values are (w, m or 1, l, f), keys (w, m, l, h). All steps of the decoder share them. With
        ``own_words`` (r, m), each head reads r of the words, not all w: the results have r in place
        of w.
        """
        if self.convolve:
            planes = resize_planes(words, self.plane_size)
            planes = planes if own_words is None else planes[own_words]
            encoded = encode_planes(planes, self.convolution[heads], self.convolution_bias[heads], form.convolution)
            return self.values_and_keys(encoded, form, heads)
        if own_words is not None:
            keys = own_words_product(words, own_words, self.key[heads])
            return words.index_select(0, own_words.flatten()).view(*own_words.shape, *words.shape[1:]), keys + self.places()[heads]
        keys = shared_input_product(words, self.key[heads], form.products)
        return words[:, None], keys.transpose(1, 2).contiguous() + self.places()[heads]

    def values_and_keys(self, encoded: Tensor, form: Kernels, heads: slice) -> tuple[Tensor, Tensor]:
        """Return the attention's values and keys from planes that heads encoded.

        ``encoded`` is (w, l, m, h).
        """
        keys = per_head_product(encoded, self.key[heads], form.products)
        return encoded.transpose(1, 2).contiguous(), keys.transpose(1, 2).contiguous() + self.places()[heads]

    def states(
        self, words: Tensor, inputs: Tensor, active: Sequence[int], form: Kernels = PLAIN, own_words: Tensor | None = None
    ) -> Tensor:  # fmt: skip
        """Return the teacher-forced decoder states, (m, n, h).

        Words are longest first. The n characters are ordered by step, and within a step by word.
        ``inputs`` (n,) or (m, n) are the classes before each character: ``BEGIN`` for the first
        character and for hidden ones. ``active`` is the number of words that have a character at
        each step. ``own_words`` is as in ``encode``. The words of each head are then longest first.
        """
        values, keys = self.encode(words, form, own_words=own_words)
        options = DecoderOptions(form.attention, self.trials, own_words is not None)
        return decoder_states(values, keys, self.word_gates(inputs), self.cell(), active, self.grid, options)

    def losses(
        self, words: Tensor, inputs: Tensor, characters: Tensor, active: Sequence[int], weights: Tensor, form: Kernels = PLAIN,
        own_words: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Return each head's weighted loss and the loss of every character.

        The first is the sum of -log p under ``weights`` (m, n), and has the shape (m,). The second
        is -log p, (m, n). Only the sum has gradients. A batch without characters gives zeros that
        still reach every weight. ``own_words`` is as in ``states``: ``characters`` are then (m, n).
        """
        return weighted_nll(self.states(words, inputs, active, form, own_words), self.output, self.output_bias, characters, weights)

    def places(self) -> Tensor:
        """Return the share of the keys that depends on positions alone.

        It is (m, l, h), the sum of the shares of a position's row and column and of the bias.
        """
        place = self.place_weights()
        columns = place[:, None, : self.grid.columns]
        rows = place[:, self.grid.columns :, None]
        return (columns + rows).flatten(1, 2) + self.attention_bias[:, None]

    def word_gates(self, inputs: Tensor) -> Tensor:
        """Return the previous characters' share of the GRU's input gates.

        It is (m, n, 3h). ``inputs`` is (n,) or (m, n).
        """
        first_row = torch.arange(self.heads, device=inputs.device)[:, None] * self.classes
        characters = F.embedding(first_row + inputs, self.embedding.flatten(0, 1))
        projected = torch.baddbmm(self.word_bias[:, None], characters, self.word)
        return torch.baddbmm(self.gate_bias[:, None], projected, self.gate_word)

    def cell(self) -> Cell:
        """Return the weights of a decoder step."""
        # Of all weights, only the padding of ``score`` would get a gradient.
        score = self.score * self._score_mask if self.mixed_sizes else self.score
        return Cell(torch.cat([self.query, self.gate_state], 2), self.gate_state_bias, self.gate_context, score)

    def place_weights(self) -> Tensor:
        """Return the attention's weights of each column and row, (m, columns + rows, h)."""
        return self.place

    def _axis_sizes(self, embed: int, hidden: int) -> dict[str, int]:
        return axis_sizes(
            features=self.features, classes=self.classes, positions=self.grid, embed=embed, hidden=hidden, convolve=self.convolve
        )

    def _head_index(self, name: str, head: int) -> tuple[Tensor, ...]:
        """Return the index of one head's weights in its padded parameter."""
        return unpadded_index(ALL_AXES[name], self._axis_sizes(self.embeds[head], self.hiddens[head]), self._padded_sizes)

    def _padding_mask(self, name: str) -> Tensor:
        """Return a parameter's mask: 1 for weights of heads, 0 for padding."""
        mask = torch.zeros_like(self.get_parameter(name))
        for head in range(self.heads):
            mask[head][self._head_index(name, head)] = 1
        return mask
