"""The head bank: parameter counts of Table 4, the decoder against a plain restatement and the reference network."""

import numpy as np
import pytest
import torch
from shared_fixtures import reference, reference_tensor
from torch import Tensor, nn

from raygroup.model.heads import HeadBank
from raygroup.model.losses import sequence_loss
from raygroup.paper import TABLE_4
from raygroup.training.targets import batch


def made(heads: int, classes: int = 11, features: int = 6, columns: int = 5) -> HeadBank:
    bank = HeadBank(heads, classes, features=features, positions=(1, columns), embed=4, hidden=8)
    for head in range(heads):
        bank.initialise(head, torch.Generator().manual_seed(head))
    with torch.no_grad():
        for name, parameter in bank.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.3, generator=torch.Generator().manual_seed(9))
    return bank


def words_of(lengths: list[int], classes: int = 11) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(4)
    return torch.randint(1, classes - 1, (len(lengths), max(lengths)), generator=random), torch.tensor(lengths)


@pytest.mark.parametrize("row", TABLE_4, ids=lambda row: f"E{row.embed} H{row.hidden}")
def test_a_head_has_the_parameters_of_table_4_before_and_after_pruning(row):
    for classes, millions in ((9000, row.parameters_m), (row.num_characters, row.pruned_parameters_m)):
        with torch.device("meta"):
            bank = HeadBank(1, classes, features=256, positions=(8, 32), embed=row.embed, hidden=row.hidden, convolve=True)
        count = sum(parameter.numel() for parameter in bank.parameters())
        assert round(count / 1e6, 2) == millions


def plain_states(bank: HeadBank, head: int, word: Tensor, target: list[int]) -> Tensor:
    """One head, one word, character by character, with torch's own GRU cell."""
    p = {name: parameter[head].detach() for name, parameter in bank.named_parameters()}
    h = bank.hidden
    cell = nn.GRUCell(p["gate_word"].shape[0] + p["gate_context"].shape[0], h)
    with torch.no_grad():
        cell.weight_ih.copy_(torch.cat([p["gate_word"], p["gate_context"]]).T)
        cell.weight_hh.copy_(p["gate_state"].T)
        cell.bias_ih.copy_(p["gate_bias"])
        cell.bias_hh.copy_(p["gate_state_bias"])
    rows, columns = bank.positions
    one_hot = torch.cat([torch.eye(columns).repeat(rows, 1), torch.eye(rows).repeat_interleave(columns, 0)], 1)
    encoded = torch.cat([word, one_hot], 1)
    attend = torch.cat([p["key"], p["place"]])
    state, previous, states = torch.zeros(h), 0, []
    for character in target:
        energy = torch.tanh(state @ p["query"] + encoded @ attend + p["attention_bias"]) @ p["score"]
        context = energy.softmax(0) @ encoded
        written = p["embedding"][previous] @ p["word"] + p["word_bias"]
        state = cell(torch.cat([written, context])[None], state[None])[0].detach()
        states.append(state)
        previous = character
    return torch.stack(states)


def test_stacked_heads_on_a_batch_of_mixed_lengths_equal_each_head_on_each_word_alone():
    bank, (targets, lengths) = made(3), words_of([5, 3, 3, 1])
    words = torch.randn(4, 5, 6, generator=torch.Generator().manual_seed(1))
    states = bank.states(words, targets, lengths)
    owners = batch(words, targets.numpy().astype(np.int32), lengths.numpy().astype(np.int32)).owners
    for head in range(3):
        for word in range(4):
            alone = plain_states(bank, head, words[word], targets[word, : int(lengths[word])].tolist())
            assert torch.allclose(states[head, owners == word], alone, atol=1e-5)


def test_a_head_gives_the_same_numbers_alone_and_in_a_bank():
    bank, (targets, lengths) = made(4), words_of([4, 2])
    alone = HeadBank(1, 11, features=6, positions=(1, 5), embed=4, hidden=8)
    alone.load_state_dict({name: value[2:3] for name, value in bank.state_dict().items()})
    words = torch.randn(2, 5, 6)
    assert torch.allclose(bank.states(words, targets, lengths)[2], alone.states(words, targets, lengths)[0], atol=1e-6)


def test_a_hidden_character_does_not_reach_the_decoder():
    bank, (targets, lengths) = made(1), words_of([3])
    words = torch.randn(1, 5, 6)
    hidden = torch.tensor([[False, True, False]])
    changed = targets.clone()
    changed[0, 0] = targets[0, 0] % 9 + 1
    assert torch.equal(bank.states(words, targets, lengths, hidden)[:, :2], bank.states(words, changed, lengths, hidden)[:, :2])
    assert not torch.equal(bank.states(words, targets, lengths)[:, :2], bank.states(words, changed, lengths)[:, :2])


def test_greedy_decoding_reads_each_word_the_same_alone_and_in_a_batch_of_different_lengths():
    bank = made(2)
    with torch.no_grad():
        bank.embedding.mul_(3)
        bank.output.mul_(6)
    words = torch.randn(12, 5, 6, generator=torch.Generator().manual_seed(2)) * 3
    read, scores = bank.greedy(words, 1, 9)
    lengths = {(word == bank.classes - 1).int().argmax().item() for word in read}
    assert len(lengths) > 1, "words that all end together would hide a mix-up of rows"
    for place in range(12):
        alone, score = bank.greedy(words[place : place + 1], 1, 9)
        assert alone[0].tolist() == read[place].tolist()
        assert score[0].item() == pytest.approx(scores[place].item(), rel=1e-4)


def decoder_input() -> Tensor:
    """The fixture's input, made by the rule its file states, at the heads' 16 x 64."""
    tensor = reference_tensor()
    columns = np.repeat(tensor("dec.x.col", (6, 16, 1, 16), 0, 2), 4, axis=3)
    planes = np.float32(0.5) * tensor("dec.x.w", (6, 16, 1, 1), 0, 2) + columns + tensor("dec.x.n", (6, 16, 64, 64), 0, 0.5)
    stored = torch.from_numpy(planes.astype(np.float16).astype(np.float32))
    return nn.functional.interpolate(stored, size=(16, 64), mode="bilinear", align_corners=False)


def test_the_reference_decoder_gives_the_same_loss_gradient_and_readings():
    """decoder_small: 52 classes, H 32, E 20, 3x3 convolution; its location tables are not one-hot, so they multiply our rows."""
    _, numbers = reference("decoder_small")
    w = {name[2:]: torch.from_numpy(value) for name, value in numbers.items() if name.startswith("W.")}
    bank = HeadBank(1, 52, features=16, positions=(8, 32), embed=20, hidden=32, convolve=True)
    attention, gates, tables = (
        w["seq_decoder.attn.attn.weight"],
        w["seq_decoder.rnn.weight_ih"],
        (w["x_onehot.weight"], w["y_onehot.weight"]),
    )
    place = torch.cat([tables[0] @ attention[:, 64:96].T, tables[1] @ attention[:, 96:].T])
    located = torch.cat([tables[0] @ gates[:, 64:96].T, tables[1] @ gates[:, 96:].T])
    stack = {
        "convolution": w["seq_encoder.0.weight"], "convolution_bias": w["seq_encoder.0.bias"],
        "embedding": w["seq_decoder.embedding.weight"], "word": w["seq_decoder.word_linear.weight"].T,
        "word_bias": w["seq_decoder.word_linear.bias"], "query": attention[:, :32].T, "key": attention[:, 32:64].T, "place": place,
        "attention_bias": w["seq_decoder.attn.attn.bias"], "score": w["seq_decoder.attn.v"], "gate_word": gates[:, :32].T,
        "gate_context": torch.cat([gates[:, 32:64].T, located]), "gate_state": w["seq_decoder.rnn.weight_hh"].T,
        "gate_bias": w["seq_decoder.rnn.bias_ih"], "gate_state_bias": w["seq_decoder.rnn.bias_hh"],
        "output": w["seq_decoder.out.weight"].T, "output_bias": w["seq_decoder.out.bias"],
    }  # fmt: skip
    bank.load_state_dict({name: value[None] for name, value in stack.items()})
    words = decoder_input()
    targets = torch.from_numpy(numbers["word_targets"])
    lengths = (targets >= 0).sum(1)
    order = torch.argsort(lengths, descending=True, stable=True)
    drawn = batch(words[order], targets[order].clamp(min=0).numpy().astype(np.int32), lengths[order].numpy().astype(np.int32))
    logits = bank.logits(bank.states(drawn.words, drawn.targets, drawn.lengths))
    nll_wm = sequence_loss(logits, drawn.characters, drawn.owners, drawn.lengths, "sum")
    loss = 0.5 * nll_wm.mean()
    assert loss.item() == pytest.approx(float(numbers["loss"]), rel=1e-5)
    loss.backward()
    assert bank.output.grad is not None
    expected = numbers["G.seq_decoder.out.weight"]
    assert np.allclose(bank.output.grad[0].T, expected, atol=1e-5 * np.abs(expected).max())
    read, _ = bank.greedy(words, 0, 32)
    for mine, theirs in zip(read.tolist(), numbers["greedy"].tolist(), strict=True):
        assert [character for character in mine if character != 51] == [character for character in theirs if character >= 0]
