"""A pack's steps: a trial's history is the same alone, beside others and resumed; heads are clipped one by one, broken losses named."""

import gc
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from raygroup.config import Grouping, Heads, Loss, Training, Trial
from raygroup.errors import ConfigError, NotFiniteError
from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import FORMS
from raygroup.model.laptop_trunk import FEATURES, POSITIONS, Trunk
from raygroup.model.task_classifier import TaskClassifiers
from raygroup.training.label_batches import encoded, longest_first, rate
from raygroup.training.packs.inputs import drawn
from raygroup.training.packs.optimizer import PackOptimizer, Rates, clip_by_row
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.step_records import evidence
from raygroup.training.packs.training_data import Material
from raygroup.training.universal_weights import Universal, copy_universal, load_universal, save_universal
from raygroup.words.charset import Charset
from raygroup.words.feature_store import Features, write_features

LABELS = ["ab", "abc", "b", "cab", "ba", "c", "bcb", "aa"]
CHARSET = Charset(("a", "b", "c"))
TRIAL = Trial(heads=Heads(count=3), training=Training(steps=12, batch=4))
WINOGRAD = FORMS["winograd"]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def universal() -> Universal:
    head = HeadBank(1, CHARSET.num_classes, features=FEATURES, positions=POSITIONS, embed=32, hidden=64)
    head.initialise(0, torch.Generator().manual_seed(0))
    return Universal(Trunk().eval(), head.requires_grad_(False), CHARSET)


def made_material(folder: Path, shape: tuple[int, ...], labels: Sequence[str] = LABELS, charset: Charset = CHARSET) -> Material:
    random = np.random.default_rng(0)
    write_features(folder / "features.arrow", shape, [random.standard_normal((len(labels), *shape)).astype(np.float16)], {})
    targets, lengths = encoded(labels, charset)
    p_wt = np.eye(2, dtype=np.float32)[np.arange(len(labels)) % 2]
    return Material(Features(folder / "features.arrow"), targets, lengths, p_wt, np.arange(len(labels)), ("hi", "la"), charset)


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Material:
    return made_material(tmp_path_factory.mktemp("features"), (24, FEATURES))


def trained(trial: Trial, material: Material, universal: Universal, steps: int) -> tuple[Pack, np.ndarray]:
    pack = Pack([trial], material, universal, kernels=WINOGRAD)
    return pack, pack.evidence([pack.advance() for _ in range(steps)])[0]


@pytest.fixture(scope="module")
def realistic(tmp_path_factory) -> Material:
    """858 classes, as the default sweep has: at a few classes the processor's products round by where a matrix lies in memory."""
    charset = Charset(tuple(chr(0x4E00 + place) for place in range(856)))
    random = np.random.default_rng(1)
    labels = ["".join(random.choice(charset.characters, random.integers(1, 8))) for _ in range(64)]
    return made_material(tmp_path_factory.mktemp("realistic"), (24, FEATURES), labels, charset)


PACKED = [
    replace(TRIAL, seed=0, training=replace(TRIAL.training, batch=16)),
    replace(TRIAL, seed=1, grouping=Grouping(base_coefficient=0.0), training=replace(TRIAL.training, batch=16, learning_rate=3e-3)),
    replace(
        TRIAL, seed=2, heads=Heads(count=3, word_dropout=0.0), grouping=Grouping(temperature=2.0, min_tasks=0.5),
        loss=Loss(recognition=0.5, grouping=2.0, task=0.3),
        training=replace(TRIAL.training, batch=16, clip=0.1, assignment_learning_rate=0.02, weight_decay=0.1),
    ),
]  # fmt: skip


@pytest.mark.parametrize("form", ["plain", "winograd"])
def test_a_trial_has_bit_for_bit_the_history_in_a_pack_that_it_has_alone(form, realistic, universal):
    pack = Pack(PACKED, realistic, universal, kernels=FORMS[form])
    together = pack.evidence([pack.advance() for _ in range(8)])
    for number, trial in enumerate(PACKED):
        alone = Pack([trial], realistic, universal, kernels=FORMS[form])
        (own,) = alone.evidence([alone.advance() for _ in range(8)])
        assert np.array_equal(together[number], own)
        for name, tensor in alone.state(0).items():
            assert torch.equal(pack.state(number)[name], tensor), name


def test_trials_with_different_numbers_of_heads_agree_with_themselves_alone(realistic, universal):
    trials = [replace(PACKED[0], heads=Heads(count=count), seed=count) for count in (2, 5, 3, 1)]
    pack = Pack(trials, realistic, universal, kernels=WINOGRAD)
    together = pack.evidence([pack.advance() for _ in range(8)])
    for number, trial in enumerate(trials):
        _, own = trained(trial, realistic, universal, 8)
        assert np.allclose(together[number], own, rtol=1e-5, atol=1e-6)


def test_trials_of_the_papers_shape_train_on_planes_and_agree_with_themselves_alone(tmp_path, universal):
    charset = Charset(tuple(chr(0x4E00 + place) for place in range(62)))
    planes = made_material(tmp_path, (32, 16, 64), ["".join(charset.characters[k : k + 3]) for k in range(8)], charset)
    heads = Heads(count=2, embed=(16, 8), hidden=(32, 24), start="independent")
    trials = [replace(TRIAL, seed=seed, heads=heads) for seed in (0, 1)]
    pack = Pack(trials, planes, universal, kernels=WINOGRAD)
    together = pack.evidence([pack.advance() for _ in range(3)])
    assert pack.bank.num_parameters(0) > pack.bank.num_parameters(1)
    for number, trial in enumerate(trials):
        _, own = trained(trial, planes, universal, 3)
        assert np.allclose(together[number], own, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", ["factored", "winograd"])
def test_a_form_agrees_with_the_plain_one_over_the_first_steps(form, realistic, universal):
    found = []
    for name in ("plain", form):
        pack = Pack(PACKED[:1], realistic, universal, kernels=FORMS[name])
        found.append(pack.evidence([pack.advance() for _ in range(12)])[0])
    assert np.allclose(*found, rtol=1e-4, atol=1e-5)


def test_a_batch_of_fixed_shape_has_the_losses_and_the_step_of_one_whose_words_drop_out(realistic, universal):
    """What a CUDA graph replays, run without one: words that have ended go on with weight zero, the steps are rounded up."""
    dropping, fixed = (Pack(PACKED, realistic, universal, kernels=WINOGRAD) for _ in range(2))
    for step in range(4):
        expected = dropping.advance()
        row = fixed._computed([drawn(realistic, PACKED, step, rounded_to=4)])
        assert torch.allclose(row, expected, rtol=1e-4, atol=1e-5)


def test_a_snapshot_brings_a_pack_back_bit_for_bit(realistic, universal):
    pack = Pack(PACKED, realistic, universal, kernels=WINOGRAD)
    pack.advance()
    put_back = pack.snapshot()
    first = [pack.advance() for _ in range(2)]
    put_back()
    assert all(torch.equal(row, pack.advance()) for row in first)


def test_a_trial_whose_losses_break_leaves_the_others_their_very_bits(realistic, universal):
    broken = replace(PACKED[1], training=replace(PACKED[1].training, learning_rate=1e30))
    pack = Pack([PACKED[0], broken, PACKED[2]], realistic, universal, kernels=WINOGRAD)
    first = pack.evidence([pack.advance() for _ in range(4)])
    assert not np.isfinite(first[1]).all()
    rest = pack.without([1])
    second = rest.evidence([rest.advance() for _ in range(4)])
    for number, trial in ((0, PACKED[0]), (2, PACKED[2])):
        _, own = trained(trial, realistic, universal, 8)
        assert np.array_equal(np.concatenate([first[number], second[0 if number == 0 else 1]]), own)


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("hidden", [64, (64, 32, 16)], ids=["one size", "mixed sizes"])
def test_a_pack_gives_its_memory_back_with_its_last_owner(hidden, material, universal):
    """A cycle would keep a GPU's memory until Python's collector happens to run."""
    pack = Pack([replace(TRIAL, heads=Heads(count=3, hidden=hidden))], material, universal, kernels=WINOGRAD)
    pack.advance()
    pack.snapshot()()
    parts = [pack, pack.bank, pack.bank.output, pack.optimizer, pack.optimizer.first[0], pack.trained(0).bank]
    seen = [weakref.ref(part) for part in parts]
    del parts, pack
    assert [what() for what in seen] == [None] * 6


@pytest.mark.usefixtures("no_collector")
def test_a_pack_that_goes_on_without_a_trial_drops_its_old_gradients(material, universal):
    pack = Pack([TRIAL, replace(TRIAL, seed=1)], material, universal, kernels=WINOGRAD)
    pack.advance()
    gradients = [weakref.ref(gradient) for gradient in pack.optimizer.gradients()]
    rest = pack.without([1])
    assert [gradient() for gradient in gradients] == [None] * len(gradients)
    assert len(gradients) == len(pack.optimizer.stacks)
    assert rest.step == 1


@pytest.mark.parametrize("positions", [(3, 8), (2, 5)])
def test_planes_of_any_even_size_train_alike_in_every_form(positions, tmp_path, universal):
    planes = made_material(tmp_path, (32, 2 * positions[0], 2 * positions[1]))
    trial = replace(TRIAL, heads=Heads(count=3, embed=8, hidden=16, start="independent"))
    found = []
    for form in ("plain", "winograd"):
        pack = Pack([trial], planes, universal, kernels=FORMS[form])
        found.append(pack.evidence([pack.advance() for _ in range(6)])[0])
    assert np.allclose(*found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            replace(TRIAL, training=replace(TRIAL.training, batch=5)),
            "training.batch is 5: the trials of a pack must share it, another has 4",
        ),
        (replace(TRIAL, heads=Heads(count=3, hidden=32)), "heads.hidden is 32"),
        (replace(TRIAL, loss=Loss(length="sum")), "loss.length is 'sum'"),
    ],
)
def test_trials_that_cannot_be_stacked_name_the_setting(other, said, material, universal):
    with pytest.raises(ConfigError, match=said):
        Pack([TRIAL, other], material, universal)


def test_a_trial_restored_in_the_middle_goes_on_bit_for_bit(material, universal):
    _, whole = trained(TRIAL, material, universal, 12)
    half, first = trained(TRIAL, material, universal, 5)
    stored = {name: value.clone() for name, value in half.state(0).items()}
    again = Pack([TRIAL], material, universal, kernels=WINOGRAD)
    again.restore(5, [stored])
    rest = again.evidence([again.advance() for _ in range(7)])[0]
    assert np.array_equal(np.concatenate([first, rest]), whole)


@pytest.mark.parametrize(
    "other",
    [
        replace(TRIAL, seed=1),
        replace(TRIAL, grouping=Grouping(sample="word")),
        replace(TRIAL, grouping=Grouping(penalty_on="softmax")),
        replace(TRIAL, grouping=Grouping(control=True)),
        replace(TRIAL, grouping=Grouping(temperature=2.0)),
        replace(TRIAL, grouping=Grouping(min_tasks=0.5)),
        replace(TRIAL, loss=Loss(length="sum")),
        replace(TRIAL, loss=Loss(words="sum")),
        replace(TRIAL, loss=Loss(recognition=0.5)),
        replace(TRIAL, loss=Loss(grouping=0.5)),
        replace(TRIAL, loss=Loss(task=0.5)),
        replace(TRIAL, heads=Heads(count=3, start="independent")),
        replace(TRIAL, heads=Heads(count=3, embed=(32, 32, 16))),
        replace(TRIAL, heads=Heads(count=3, word_dropout=0.0)),
        replace(TRIAL, training=replace(TRIAL.training, order_seed=1)),
        replace(TRIAL, training=replace(TRIAL.training, clip=0.01)),
        replace(TRIAL, training=replace(TRIAL.training, weight_decay=0.5)),
        replace(TRIAL, training=replace(TRIAL.training, assignment_learning_rate=0.2)),
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
    pack, rows = trained(fixed, material, universal, 3)
    assert np.array_equal(rows[0, :4], rows[2, :4])
    assert pack.trained(0).r_tm.argmax(-1).tolist() == [0, 1]
    with pytest.raises(ConfigError, match=r"heads.count is 3: .* needs one head for each of the 2 tasks"):
        Pack([replace(fixed, heads=Heads(count=3))], material, universal)


def test_a_trial_taken_out_of_its_pack_to_read_has_its_own_weights(material, universal):
    trials = [TRIAL, replace(TRIAL, seed=1)]
    pack = Pack(trials, material, universal, kernels=WINOGRAD)
    pack.advance()
    second = pack.trained(1)
    assert torch.equal(second.bank.output, pack.bank.output[3:6])
    assert torch.equal(second.classifier.decide, pack.classifiers.decide[1:2])
    assert torch.equal(second.r_tm, pack.r_ktm[1])
    assert not second.bank.output.requires_grad


def test_a_head_with_a_huge_gradient_is_clipped_without_touching_the_others():
    parameters = [nn.Parameter(torch.zeros(2, 3, 4)), nn.Parameter(torch.zeros(2, 5))]
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter) * 1e-3
        parameter.grad[1] = 10.0
    clip_by_row(parameters, torch.tensor([5.0, 5.0]))
    norms = [sum(float(p.grad[head].square().sum()) for p in parameters) ** 0.5 for head in range(2)]
    assert float(parameters[0].grad[0, 0, 0]) == pytest.approx(1e-3)
    assert norms[1] == pytest.approx(5.0, rel=1e-4)


def test_weights_without_a_gradient_stay_where_they_are_and_the_others_move():
    bank = HeadBank(2, 5, features=4, positions=(1, 3), embed=2, hidden=3)
    classifiers, r_tm = TaskClassifiers(1, 2, 4), torch.ones(1, 2, 2, requires_grad=True)
    for stack in (*bank.parameters(), *classifiers.parameters()):
        nn.init.ones_(stack)
    optimizer = PackOptimizer(bank, classifiers, r_tm, [0, 2], [Rates(0.01, 0.1, 0.1)])
    bank.output.grad = torch.ones_like(bank.output)
    optimizer.step()
    moved = {name for name, stack in bank.named_parameters() if (stack != 1).any()}
    assert moved == {"output"}
    assert bank.output[0, 0, 0].item() == pytest.approx(1 - 0.01 * 0.1 - 0.01, abs=1e-6), "decay, then a step of the rate"
    assert all((stack == 1).all() for stack in (*classifiers.parameters(), r_tm))


def test_a_loss_that_is_not_finite_stops_with_its_name_and_step_after_the_sound_rows():
    sound = np.array([1.0] * 4 + [0.5, 0.5] + [1.0, 0.0, 0.2], np.float32)
    broken = sound.copy()
    broken[7] = float("nan")
    rows = evidence(np.stack([sound, broken]), 41, 2, 2)
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


def test_an_empty_label_is_its_end_and_a_character_outside_the_charset_class_0():
    targets, lengths = encoded(["", "a?b"], CHARSET)
    assert targets.tolist() == [[4, 0, 0, 0], [1, 0, 2, 4]]
    assert lengths.tolist() == [1, 4]


def test_weights_come_back_from_their_file_as_they_went(universal, tmp_path: Path):
    save_universal(tmp_path / "w.safetensors", universal, {"scores": {}})
    again = load_universal(tmp_path / "w.safetensors")
    assert again.charset == universal.charset
    for mine, theirs in ((universal.trunk, again.trunk), (universal.head, again.head)):
        assert all(torch.equal(value, theirs.state_dict()[name]) for name, value in mine.state_dict().items())


def test_a_copied_head_keeps_each_character_under_its_new_class(universal):
    charset = Charset(("b", "c", "z"))
    bank = HeadBank(3, charset.num_classes, features=FEATURES, positions=POSITIONS, embed=(32, 32, 16), hidden=64)
    for head in range(3):
        bank.initialise(head, torch.Generator().manual_seed(head))
    fresh, smaller = bank.output[:, :, 3].clone(), bank.native("output", 2)
    assert copy_universal(bank, range(3), universal, charset) == 1, "z is new"
    old = universal.head
    assert torch.equal(bank.output[1, :, 1], old.output[0, :, 2]), "b"
    assert torch.equal(bank.embedding[0, 4], old.embedding[0, 4]), "end of word: class 4 in both"
    assert torch.equal(bank.output[:, :, 3], fresh), "a character the universal head never saw keeps fresh weights"
    assert torch.equal(bank.native("output", 2), smaller), "a head of another size keeps its own"


def test_heads_none_of_which_has_the_universal_size_are_refused(universal):
    bank = HeadBank(2, 5, features=FEATURES, positions=POSITIONS, embed=16, hidden=64)
    with pytest.raises(ConfigError, match="heads.embed and heads.hidden must be 32 and 64"):
        copy_universal(bank, range(2), universal, CHARSET)
