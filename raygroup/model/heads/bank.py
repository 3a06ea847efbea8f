"""The recognition heads M_j: the paper's attention decoder, all heads one stacked module with a leading head axis.

Shapes: m heads, w words, l = rows x columns positions, f features, h hidden, e embed, c classes, n characters in all.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from raygroup.model.heads.cross_entropy import weighted_nll
from raygroup.model.heads.recurrence import Cell, Form, Grid, decoder_states
from raygroup.model.kernels.convolution import encoded_planes, resized
from raygroup.model.kernels.forms import PLAIN, Kernels
from raygroup.model.kernels.products import own_product, shared_product

BEGIN = 0
"""Class of the begin of a word, of a hidden and of an unsupported character."""

AXES = {
    "convolution": ("hidden", "features", "kernel", "kernel"), "convolution_bias": ("hidden",),
    "embedding": ("classes", "embed"), "word": ("embed", "hidden"), "word_bias": ("hidden",),
    "query": ("hidden", "hidden"), "key": ("encoded", "hidden"), "place": ("places", "hidden"), "attention_bias": ("hidden",),
    "score": ("hidden",),
    "gate_word": ("hidden", "gates"), "gate_context": ("seen", "gates"), "gate_state": ("hidden", "gates"),
    "gate_bias": ("gates",), "gate_state_bias": ("gates",),
    "output": ("hidden", "classes"), "output_bias": ("classes",),
}  # fmt: skip
"""Every parameter of a head and what its axes count. ``gates`` is the GRU's three, side by side; ``seen`` what was attended to and
where; ``encoded`` is ``hidden`` after a convolution and ``features`` without."""


class HeadBank(nn.Module):
    """m attention decoders over word features: embedding, Bahdanau attention with the position one-hot, GRU, output layer.

    With ``convolve`` the features (w, f, 2 rows, 2 columns) pass the paper's 3x3 convolution and pooling first (Table 4's head);
    without it they are (w, rows x columns, f) and used as they are (laptop scale). ``embed`` and ``hidden`` are one size for all heads
    or one for each: smaller heads are padded with zeros that stay zero, and count, start and train as if they were alone.
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
    _real_score: Tensor

    def __init__(
        self, heads: int, classes: int, *, features: int, positions: tuple[int, int],
        embed: int | Sequence[int], hidden: int | Sequence[int], convolve: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.heads, self.classes, self.convolve, self.grid = heads, classes, convolve, Grid(*positions)
        self.embeds, self.hiddens = _each("embed", embed, heads), _each("hidden", hidden, heads)
        self.features, self.trials = features, 1
        self.hidden = max(self.hiddens)
        self._sizes = self._sizes_of(max(self.embeds), self.hidden)
        for name, axes in AXES.items():
            if convolve or not name.startswith("convolution"):
                self.register_parameter(name, nn.Parameter(torch.zeros(heads, *(self._sizes[axis] for axis in axes))))
        self.mixed = len(set(zip(self.embeds, self.hiddens, strict=True))) > 1
        if self.mixed:
            self.register_buffer("_real_score", self._real("score"), persistent=False)

    @property
    def plane_size(self) -> tuple[int, int]:
        """Rows and columns of the planes that heads convolve and halve."""
        return 2 * self.grid.rows, 2 * self.grid.columns

    def num_parameters(self, head: int) -> int:
        """Of one head at its own size, as Table 4 counts them."""
        return sum(self.native(name, head).numel() for name, _ in self.named_parameters())

    @torch.no_grad()
    def native(self, name: str, head: int, tensor: Tensor | None = None) -> Tensor:
        """One head's share of a parameter (or of a tensor of its shape, such as its gradient) without the padding: a copy."""
        stacked = self.get_parameter(name) if tensor is None else tensor
        return stacked[head][self._place(name, head)]

    @torch.no_grad()
    def put(self, name: str, head: int, values: Tensor) -> None:
        """One head's parameter, at its own size, into the stack."""
        self.get_parameter(name)[head][self._place(name, head)] = values.to(self.get_parameter(name).device)

    @torch.no_grad()
    def initialise(self, head: int, random: torch.Generator) -> None:
        """Fresh weights for one head: uniform by the fan-in of its own size, biases zero, embedding of unit variance."""
        for name, _ in self.named_parameters():
            weight = torch.zeros(self.native(name, head).shape)
            if name == "embedding":
                weight.normal_(generator=random)
            elif not name.endswith("bias"):
                fan_in = weight[0].numel() if name == "convolution" else weight.shape[0]
                weight.uniform_(-(fan_in**-0.5), fan_in**-0.5, generator=random)
            self.put(name, head, weight)

    def encode(self, words: Tensor, form: Kernels = PLAIN, which: slice = slice(None)) -> tuple[Tensor, Tensor]:
        """What is attended to (w, m or 1, l, f) and its projection for the attention (w, m, l, h), once for all steps."""
        if self.convolve:
            planes = resized(words, self.plane_size)
            encoded = encoded_planes(planes, self.convolution[which], self.convolution_bias[which], form.convolution)
            return self.attended_to(encoded, form, which)
        keys = shared_product(words, self.key[which], form.products)
        return words[:, None], keys.transpose(1, 2).contiguous() + self.places()[which]

    def attended_to(self, encoded: Tensor, form: Kernels, which: slice) -> tuple[Tensor, Tensor]:
        """Values and keys from what heads made of planes, (w, l, m, h)."""
        keys = own_product(encoded, self.key[which], form.products)
        return encoded.transpose(1, 2).contiguous(), keys.transpose(1, 2).contiguous() + self.places()[which]

    def states(self, words: Tensor, inputs: Tensor, active: Sequence[int], form: Kernels = PLAIN) -> Tensor:
        """Teacher-forced decoder states of every head on every word, longest first: (m, n, h), the n characters step by step, the
        words of a step in order.

        ``inputs`` (n,) or (m, n) are the classes before each character, ``BEGIN`` for the first and for hidden ones; ``active`` says
        how many words have a character at each step.
        """
        values, keys = self.encode(words, form)
        return decoder_states(values, keys, self.word_gates(inputs), self.cell(), active, self.grid, Form(form.attention, self.trials))

    def losses(
        self, words: Tensor, inputs: Tensor, characters: Tensor, active: Sequence[int], weights: Tensor, form: Kernels = PLAIN
    ) -> tuple[Tensor, Tensor]:
        """-log p of every character (m, n), without gradients, and each head's sum of them under ``weights`` (m, n), with: (m,).

        The first of the pair is the sum. A batch without a character gives zeros that still reach every weight.
        """
        return weighted_nll(self.states(words, inputs, active, form), self.output, self.output_bias, characters, weights)

    def places(self) -> Tensor:
        """What each position adds to its key, (m, l, h): its row's, its column's, and the bias."""
        columns = self.place[:, None, : self.grid.columns]
        rows = self.place[:, self.grid.columns :, None]
        return (columns + rows).flatten(1, 2) + self.attention_bias[:, None]

    def word_gates(self, inputs: Tensor) -> Tensor:
        """The share of the GRU's input gates that comes from the character before, (m, n, 3h), for ``inputs`` (n,) or (m, n)."""
        first = torch.arange(self.heads, device=inputs.device)[:, None] * self.classes
        characters = F.embedding(first + inputs, self.embedding.flatten(0, 1))
        projected = torch.baddbmm(self.word_bias[:, None], characters, self.word)
        return torch.baddbmm(self.gate_bias[:, None], projected, self.gate_word)

    def cell(self) -> Cell:
        score = self.score * self._real_score if self.mixed else self.score  # the only weight whose padding would have a gradient
        return Cell(torch.cat([self.query, self.gate_state], 2), self.gate_state_bias, self.gate_context, score)

    def _sizes_of(self, embed: int, hidden: int) -> dict[str, int]:
        encoded = hidden if self.convolve else self.features
        places = sum(self.grid)
        return {
            "kernel": 3, "features": self.features, "classes": self.classes, "embed": embed, "hidden": hidden, "gates": 3 * hidden,
            "encoded": encoded, "places": places, "seen": encoded + places,
        }  # fmt: skip

    def _place(self, name: str, head: int) -> tuple[Tensor, ...]:
        """Where one head's own weights lie in its padded ones, as an index of every axis."""
        own = self._sizes_of(self.embeds[head], self.hiddens[head])
        places = []
        for number, axis in enumerate(AXES[name]):
            kept = torch.arange(own[axis])
            if axis == "gates":
                kept = (torch.arange(3)[:, None] * self.hidden + torch.arange(own["hidden"])).flatten()
            elif axis == "seen":
                kept = torch.cat([torch.arange(own["encoded"]), self._sizes["encoded"] + torch.arange(own["places"])])
            places.append(kept.view(-1, *[1] * (len(AXES[name]) - 1 - number)))
        return tuple(places)

    def _real(self, name: str) -> Tensor:
        """1 where a parameter's weight belongs to its head, 0 where it pads."""
        real = torch.zeros_like(self.get_parameter(name))
        for head in range(self.heads):
            real[head][self._place(name, head)] = 1
        return real


def _each(what: str, sizes: int | Sequence[int], heads: int) -> tuple[int, ...]:
    """One size a head; raises ValueError that names what cannot be stacked."""
    found = (sizes,) * heads if isinstance(sizes, int) else tuple(sizes)
    if len(found) != heads or min(found, default=1) < 1:
        raise ValueError(f"{what} is {sizes!r}: it must be one whole number from 1, or one for each of the {heads} heads")
    return found


def still_reading(lengths: Tensor) -> list[int]:
    """How many words have a character at each step; ``lengths`` must not increase."""
    return [int((lengths > step).sum()) for step in range(int(lengths[0]))] if len(lengths) else []
