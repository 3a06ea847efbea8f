"""A trial's steps: resumed equals uninterrupted, heads are clipped one by one, broken losses are named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from raygroup.config import ConfigError, Grouping, Heads, Loss, Training, Trial
from raygroup.model.heads import HeadBank
from raygroup.model.trunk import FEATURES, POSITIONS, Trunk
from raygroup.training.targets import encoded, longest_first, rate
from raygroup.training.trial import Grouped, Material, NotFiniteError, clip_by_head, evidence
from raygroup.training.weights import Universal, copy_universal, load_universal, save_universal
from raygroup.words.charset import Charset
from raygroup.words.features import Features, write_features

LABELS = ["ab", "abc", "b", "cab", "ba", "c", "bcb", "aa"]
CHARSET = Charset(("a", "b", "c"))
TRIAL = Trial(heads=Heads(count=3), training=Training(steps=12, batch=4))


@pytest.fixture(scope="module")
def universal() -> Universal:
    head = HeadBank(1, CHARSET.num_classes, features=FEATURES, positions=POSITIONS, embed=32, hidden=64)
    head.initialise(0, torch.Generator().manual_seed(0))
    return Universal(Trunk().eval(), head.requires_grad_(False), CHARSET)


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Material:
    path = tmp_path_factory.mktemp("features") / "features.arrow"
    random = np.random.default_rng(0)
    write_features(path, (24, FEATURES), [random.standard_normal((8, 24, FEATURES)).astype(np.float16)], {})
    targets, lengths = encoded(LABELS, CHARSET)
    p_wt = np.eye(2, dtype=np.float32)[[0, 0, 1, 1, 0, 1, 0, 1]]
    return Material(Features(path), targets, lengths, p_wt, np.arange(8), ("hi", "la"), CHARSET)


def trained(trial: Trial, material: Material, universal: Universal, steps: int) -> tuple[Grouped, np.ndarray]:
    grouped = Grouped(trial, material, universal)
    return grouped, torch.stack([grouped.advance() for _ in range(steps)]).numpy()


def test_a_trial_restored_in_the_middle_goes_on_bit_for_bit(material, universal):
    _, whole = trained(TRIAL, material, universal, 12)
    half, first = trained(TRIAL, material, universal, 5)
    stored = {name: value.clone() for name, value in half.state().items()}
    again = Grouped(TRIAL, material, universal)
    again.restore(5, stored)
    rest = torch.stack([again.advance() for _ in range(7)]).numpy()
    assert np.array_equal(np.concatenate([first, rest]), whole)


@pytest.mark.parametrize(
    "other",
    [
        replace(TRIAL, seed=1),
        replace(TRIAL, grouping=Grouping(sample="word")),
        replace(TRIAL, grouping=Grouping(penalty_on="softmax")),
        replace(TRIAL, grouping=Grouping(control=True)),
        replace(TRIAL, grouping=Grouping(temperature=2.0)),
        replace(TRIAL, loss=Loss(length="sum")),
        replace(TRIAL, loss=Loss(words="sum")),
        replace(TRIAL, heads=Heads(count=3, start="independent")),
        replace(TRIAL, heads=Heads(count=3, word_dropout=0.0)),
        replace(TRIAL, training=replace(TRIAL.training, order_seed=1)),
    ],
    ids=lambda trial: str(trial)[-120:],
)
def test_no_setting_is_without_effect(other, material, universal):
    _, ours = trained(TRIAL, material, universal, 3)
    _, theirs = trained(other, material, universal, 3)
    assert not np.array_equal(ours, theirs)


def test_in_the_control_epsilon_does_not_move_r_tm_at_equal_seeds(material, universal):
    r_tm = []
    for epsilon in (0.0, 0.4):
        _, rows = trained(replace(TRIAL, grouping=Grouping(control=True, base_coefficient=epsilon)), material, universal, 6)
        r_tm.append(rows[:, :6])
    assert np.array_equal(*r_tm)


def test_heads_that_start_as_copies_have_the_same_first_losses_and_others_do_not(material, universal):
    _, copies = trained(TRIAL, material, universal, 1)
    _, own = trained(replace(TRIAL, heads=Heads(count=3, start="independent")), material, universal, 1)
    assert np.ptp(copies[0, 6:9]) < 1e-6
    assert np.ptp(own[0, 6:9]) > 1e-3


def test_one_head_per_task_is_fixed_and_needs_as_many_heads_as_tasks(material, universal):
    fixed = Trial(heads=Heads(count=2), grouping=Grouping(method="one-per-task"), training=Training(steps=3, batch=4))
    grouped, rows = trained(fixed, material, universal, 3)
    assert np.array_equal(rows[0, :4], rows[2, :4])
    assert grouped.r_tm.argmax(-1).tolist() == [0, 1]
    with pytest.raises(ConfigError, match=r"heads.count is 3: .* needs one head for each of the 2 tasks"):
        Grouped(replace(fixed, heads=Heads(count=3)), material, universal)


def test_a_head_with_a_huge_gradient_is_clipped_without_touching_the_others():
    bank = HeadBank(2, 5, features=4, positions=(1, 3), embed=3, hidden=4)
    for parameter in bank.parameters():
        parameter.grad = torch.ones_like(parameter) * 1e-3
        parameter.grad[1] = 10.0
    clip_by_head(bank, 5.0)
    norms = [sum(p.grad[head].square().sum() for p in bank.parameters()) ** 0.5 for head in range(2)]
    assert float(bank.output.grad[0, 0, 0]) == pytest.approx(1e-3)
    assert float(norms[1]) == pytest.approx(5.0, rel=1e-4)


def test_a_loss_that_is_not_finite_stops_with_its_name_and_step_after_the_sound_rows():
    sound = torch.tensor([1.0] * 4 + [0.5, 0.5] + [1.0, 0.0, 0.2])
    broken = sound.clone()
    broken[7] = float("nan")
    rows = evidence([sound, broken], 41, 2, 2)
    assert next(rows)[0] == 41
    with pytest.raises(NotFiniteError, match="step 42: the grouping loss is nan"):
        next(rows)


def test_the_rate_is_constant_for_half_the_steps_and_ends_near_one_percent():
    rates = [rate(step, 100, 1.0) for step in range(100)]
    assert rates[:50] == [1.0] * 50
    assert rates[-1] == pytest.approx(0.03)
    assert rates == sorted(rates, reverse=True)


def test_words_of_a_step_are_longest_first_and_equal_ones_keep_their_order():
    assert longest_first(np.array([2, 4, 2, 4], np.int32)).tolist() == [1, 3, 0, 2]


def test_arabic_reaches_the_decoder_in_visual_order_with_its_end():
    charset = Charset(("\u0627", "\u0628", "\u062a"))
    targets, lengths = encoded(["\u0627\u0628\u062a", "\u0627"], charset)
    assert targets.tolist() == [[3, 2, 1, 4], [1, 4, 0, 0]]
    assert lengths.tolist() == [4, 2]


def test_weights_come_back_from_their_file_as_they_went(universal, tmp_path: Path):
    save_universal(tmp_path / "w.safetensors", universal, {"scores": {}})
    again = load_universal(tmp_path / "w.safetensors")
    assert again.charset == universal.charset
    for mine, theirs in ((universal.trunk, again.trunk), (universal.head, again.head)):
        assert all(torch.equal(value, theirs.state_dict()[name]) for name, value in mine.state_dict().items())


def test_a_copied_head_keeps_each_character_under_its_new_class(universal):
    charset = Charset(("b", "c", "z"))
    bank = HeadBank(2, charset.num_classes, features=FEATURES, positions=POSITIONS, embed=32, hidden=64)
    for head in range(2):
        bank.initialise(head, torch.Generator().manual_seed(head))
    fresh = bank.output[:, :, 3].clone()
    assert copy_universal(bank, universal, charset) == 1, "z is new"
    old = universal.head
    assert torch.equal(bank.output[1, :, 1], old.output[0, :, 2]), "b"
    assert torch.equal(bank.embedding[0, 4], old.embedding[0, 4]), "end of word: class 4 in both"
    assert torch.equal(bank.output[:, :, 3], fresh), "a character the universal head never saw keeps fresh weights"


def test_heads_of_another_size_than_the_universal_one_are_refused(universal):
    bank = HeadBank(2, 5, features=FEATURES, positions=POSITIONS, embed=16, hidden=64)
    with pytest.raises(ConfigError, match="heads.embed and heads.hidden must be 32 and 64"):
        copy_universal(bank, universal, CHARSET)
