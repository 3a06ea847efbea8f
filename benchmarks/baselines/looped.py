"""The baseline: the released algorithm, restated plainly from its description.

Each head is its own module, and heads run one after another. Every word takes 32 decoder steps. At
each step attention projects the hidden state and the encoder's output again. A word is decoded by
itself, and its beams one by one. It serves comparisons only: nothing in raygroup uses it.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from raygroup.model.heads.bank import HeadBank

STEPS = 32


class LoopedHead(nn.Module):
    """One head of the paper.

    A 3x3 convolution, ReLU, 2x2 pooling, location tables, Bahdanau attention, a GRU cell and an
    output layer.
    """

    def __init__(self, classes: int, features: int, embed: int, hidden: int, positions: tuple[int, int] = (8, 32)) -> None:
        super().__init__()
        self.rows, self.columns = positions
        places = sum(positions)
        self.convolution = nn.Conv2d(features, hidden, 3, padding=1)
        self.x, self.y = nn.Embedding(self.columns, self.columns), nn.Embedding(self.rows, self.rows)
        self.embedding, self.word = nn.Embedding(classes, embed), nn.Linear(embed, hidden)
        self.attention = nn.Linear(2 * hidden + places, hidden)
        self.score = nn.Parameter(torch.empty(hidden))
        self.cell, self.out = nn.GRUCell(2 * hidden + places, hidden), nn.Linear(hidden, classes)

    @torch.no_grad()
    def copy_from(self, bank: HeadBank, head: int) -> "LoopedHead":
        """Copy one head of a bank. The location tables become one-hot."""
        p = {name: bank.head_parameter(name, head) for name, _ in bank.named_parameters()}
        self.convolution.weight.copy_(p["convolution"])
        self.convolution.bias.copy_(p["convolution_bias"])
        self.x.weight.copy_(torch.eye(self.columns))
        self.y.weight.copy_(torch.eye(self.rows))
        self.embedding.weight.copy_(p["embedding"])
        self.word.weight.copy_(p["word"].T)
        self.word.bias.copy_(p["word_bias"])
        self.attention.weight.copy_(torch.cat([p["query"], p["key"], p["place"]]).T)
        self.attention.bias.copy_(p["attention_bias"])
        self.score.copy_(p["score"])
        self.cell.weight_ih.copy_(torch.cat([p["gate_word"], p["gate_context"]]).T)
        self.cell.weight_hh.copy_(p["gate_state"].T)
        self.cell.bias_ih.copy_(p["gate_bias"])
        self.cell.bias_hh.copy_(p["gate_state_bias"])
        self.out.weight.copy_(p["output"].T)
        self.out.bias.copy_(p["output_bias"])
        return self

    def encode(self, words: Tensor) -> Tensor:
        """Return the encoding and the place of each position.

        It is (l, w, hidden + columns + rows).
        """
        pooled = F.max_pool2d(F.relu(self.convolution(words)), 2, 2, ceil_mode=True)
        w = len(words)
        x = self.x(torch.arange(self.columns, device=words.device)).T.view(1, -1, 1, self.columns).expand(w, -1, self.rows, -1)
        y = self.y(torch.arange(self.rows, device=words.device)).T.view(1, -1, self.rows, 1).expand(w, -1, -1, self.columns)
        return torch.cat([pooled, x, y], 1).flatten(2).permute(2, 0, 1)

    def step(self, previous: Tensor, hidden: Tensor, encoded: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits (w, c) and the new hidden state (w, h)."""
        word = self.word(self.embedding(previous))
        repeated = hidden.expand(len(encoded), -1, -1)
        energy = torch.tanh(self.attention(torch.cat([repeated, encoded], 2))).transpose(0, 1)
        score = self.score.expand(len(hidden), 1, -1)
        attention = score.bmm(energy.transpose(1, 2)).softmax(2)
        context = attention.bmm(encoded.transpose(0, 1)).squeeze(1)
        hidden = self.cell(torch.cat([word, context], 1), hidden)
        return self.out(hidden), hidden

    def loss(self, words: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Return the weighted loss of this head.

        It is half the mean over words of the word's weight times its sum of -log p. ``targets`` is
        (w, 32), with -1 after the end.
        """
        encoded = self.encode(words)
        hidden = encoded.new_zeros(len(words), self.score.numel())
        previous, total = torch.zeros(len(words), dtype=torch.long, device=words.device), encoded.new_zeros(())
        for step in range(STEPS):
            logits, hidden = self.step(previous, hidden, encoded)
            nll = F.nll_loss(F.log_softmax(logits, 1), targets[:, step], ignore_index=-1, reduction="none")
            total = total + (nll * weights).mean()
            previous = torch.where(targets[:, step] < 0, self.out.out_features - 1, targets[:, step])
        return 0.5 * total

    @torch.no_grad()
    def greedy(self, words: Tensor) -> list[list[int]]:
        """Read each word by itself, character by character, up to its end."""
        encoded, end = self.encode(words), self.out.out_features - 1
        texts = []
        for place in range(len(words)):
            encoded_word = encoded[:, place : place + 1]
            hidden = encoded.new_zeros(1, self.score.numel())
            text: list[int] = []
            previous = 0
            for _ in range(STEPS):
                logits, hidden = self.step(torch.tensor([previous], device=words.device), hidden, encoded_word)
                previous = int(logits.softmax(1).argmax())
                if previous == end:
                    break
                text.append(previous)
            texts.append(text)
        return texts

    @torch.no_grad()
    def beam(self, words: Tensor, width: int) -> list[list[int]]:
        """Read each word by itself, its beams one by one.

        Beams are ranked by the product of their probabilities. Class 0 is never chosen.
        """
        encoded, end = self.encode(words), self.out.out_features - 1
        return [self._beam(encoded[:, place : place + 1], width, end) for place in range(len(words))]

    def _beam(self, encoded_word: Tensor, width: int, end: int) -> list[int]:
        beams = [_Beam([], 1.0, encoded_word.new_zeros(1, self.score.numel()), False)]
        for _ in range(STEPS):
            candidates = []
            for beam in beams:
                if beam.ended:
                    candidates.append(beam)
                    continue
                previous = beam.classes[-1] if beam.classes else 0
                logits, hidden = self.step(torch.tensor([previous], device=encoded_word.device), beam.hidden, encoded_word)
                best, chosen = logits.softmax(1)[0, 1:].topk(width)
                for probability, number in zip(best.tolist(), (chosen + 1).tolist(), strict=True):
                    longer = replace(beam, probability=beam.probability * probability, hidden=hidden, ended=number == end)
                    candidates.append(replace(longer, classes=beam.classes if number == end else [*beam.classes, number]))
            beams = sorted(candidates, key=lambda beam: -beam.probability)[:width]
            if all(beam.ended for beam in beams):
                break
        return beams[0].classes


@dataclass(frozen=True)
class _Beam:
    classes: list[int]
    probability: float
    hidden: Tensor
    ended: bool


def looped_step(heads: list[LoopedHead], optimizer: torch.optim.Optimizer, words: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Take a training step, head after head, and return the summed loss.

    ``weights`` is (w, m).
    """
    optimizer.zero_grad()
    loss = torch.stack([head.loss(words, targets, weights[:, number]) for number, head in enumerate(heads)]).sum()
    loss.backward()
    optimizer.step()
    return loss.detach()


def looped_optimizer(heads: list[LoopedHead]) -> torch.optim.Optimizer:
    """Return the released code's SGD, with one group for each parameter."""
    return torch.optim.SGD([{"params": [parameter]} for head in heads for parameter in head.parameters()], lr=1e-4, momentum=0.9)
