"""The reference network's decoder as a head of a bank.

Its weights, gradients and inputs keep the names of the reference.
"""

from collections.abc import Mapping

import numpy as np
import torch
from shared_fixtures import reference_tensor
from torch import Tensor

from raygroup.model.heads.bank import HeadBank
from raygroup.training.label_batches import Batch, make_batch


def planes(tag: str, words: int, channels: int, size: tuple[int, int] = (64, 64)) -> Tensor:
    """Make an input of the fixtures by the rule in their file."""
    tensor = reference_tensor()
    height, width = size
    columns = np.repeat(tensor(f"{tag}.col", (words, channels, 1, 16), 0, 2), width // 16, axis=3)
    values = np.float32(0.5) * tensor(f"{tag}.w", (words, channels, 1, 1), 0, 2) + columns
    values = values + tensor(f"{tag}.n", (words, channels, height, width), 0, 0.5)
    return torch.from_numpy(values.astype(np.float16).astype(np.float32))


def put_reference(bank: HeadBank, head: int, weights: Mapping[str, np.ndarray]) -> None:
    """Write the reference's weights into one head of a bank.

    The location tables of the reference are not one-hot, so each is multiplied into the rows that
    it selects.
    """
    for name, value in _bank_parameters({name: torch.from_numpy(np.asarray(value)) for name, value in weights.items()}).items():
        bank.set_head_parameter(name, head, value)


def _bank_parameters(w: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the reference's weights under the bank's names."""
    attention, gates = w["seq_decoder.attn.attn.weight"], w["seq_decoder.rnn.weight_ih"]
    h = len(attention)
    x, y = w["x_onehot.weight"], w["y_onehot.weight"]
    columns = slice(2 * h, 2 * h + len(x)), slice(2 * h + len(x), None)
    return {
        "convolution": w["seq_encoder.0.weight"], "convolution_bias": w["seq_encoder.0.bias"],
        "embedding": w["seq_decoder.embedding.weight"], "word": w["seq_decoder.word_linear.weight"].T,
        "word_bias": w["seq_decoder.word_linear.bias"], "query": attention[:, :h].T, "key": attention[:, h : 2 * h].T,
        "place": torch.cat([x @ attention[:, columns[0]].T, y @ attention[:, columns[1]].T]),
        "attention_bias": w["seq_decoder.attn.attn.bias"], "score": w["seq_decoder.attn.v"], "gate_word": gates[:, :h].T,
        "gate_context": torch.cat([gates[:, h : 2 * h].T, x @ gates[:, columns[0]].T, y @ gates[:, columns[1]].T]),
        "gate_state": w["seq_decoder.rnn.weight_hh"].T, "gate_bias": w["seq_decoder.rnn.bias_ih"],
        "gate_state_bias": w["seq_decoder.rnn.bias_hh"], "output": w["seq_decoder.out.weight"].T,
        "output_bias": w["seq_decoder.out.bias"],
    }  # fmt: skip


def reference_gradients(bank: HeadBank, head: int, weights: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Return the gradients of a head under the reference's names."""
    g = {name: bank.head_parameter(name, head, parameter.grad) for name, parameter in bank.named_parameters()}
    x, y = (torch.from_numpy(np.asarray(weights[f"{axis}_onehot.weight"])) for axis in "xy")
    attention, gates = (
        torch.from_numpy(np.asarray(weights[name])) for name in ("seq_decoder.attn.attn.weight", "seq_decoder.rnn.weight_ih")
    )
    h = len(attention)
    by_x, by_y = g["place"][: len(x)], g["place"][len(x) :]
    seen, seen_x, seen_y = g["gate_context"][:h], g["gate_context"][h : h + len(x)], g["gate_context"][h + len(x) :]
    columns = slice(2 * h, 2 * h + len(x)), slice(2 * h + len(x), None)
    return {
        "seq_encoder.0.weight": g["convolution"], "seq_encoder.0.bias": g["convolution_bias"],
        "seq_decoder.embedding.weight": g["embedding"], "seq_decoder.word_linear.weight": g["word"].T,
        "seq_decoder.word_linear.bias": g["word_bias"], "seq_decoder.attn.v": g["score"],
        "seq_decoder.attn.attn.weight": torch.cat([g["query"].T, g["key"].T, by_x.T @ x, by_y.T @ y], 1),
        "seq_decoder.attn.attn.bias": g["attention_bias"],
        "seq_decoder.rnn.weight_ih": torch.cat([g["gate_word"].T, seen.T, seen_x.T @ x, seen_y.T @ y], 1),
        "seq_decoder.rnn.weight_hh": g["gate_state"].T, "seq_decoder.rnn.bias_ih": g["gate_bias"],
        "seq_decoder.rnn.bias_hh": g["gate_state_bias"], "seq_decoder.out.weight": g["output"].T, "seq_decoder.out.bias": g["output_bias"],
        "x_onehot.weight": by_x @ attention[:, columns[0]] + seen_x @ gates[:, columns[0]],
        "y_onehot.weight": by_y @ attention[:, columns[1]] + seen_y @ gates[:, columns[1]],
    }  # fmt: skip


def reference_batch(words: Tensor, word_targets: np.ndarray) -> tuple[Batch, Tensor]:
    """Make a batch of the fixtures' words. Returns it and the order of its words.

    ``word_targets`` has -1 after the end of a word. The batch has the longest words first.
    """
    targets = torch.from_numpy(word_targets)
    lengths = (targets >= 0).sum(1)
    order = torch.argsort(lengths, descending=True, stable=True)
    batch = make_batch(words[order], targets[order].clamp(min=0).numpy().astype(np.int32), lengths[order].numpy().astype(np.int32))
    return batch, order
