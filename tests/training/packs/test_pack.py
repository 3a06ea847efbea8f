"""Test the steps of a pack.

A trial's history is the same alone, beside others and resumed.
"""

import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from pack_fixtures import DIFFERENT_TRIALS, TRIAL, make_data, make_universal

from raygroup.config import Grouping, Heads, Loss, Training, Trial
from raygroup.errors import ConfigError
from raygroup.model.kernels.forms import FORMS
from raygroup.training.packs.inputs import draw_inputs
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.training_data import TrainingData
from raygroup.training.universal_weights import UniversalModel
from raygroup.trunks import FEATURE_SHAPE
from raygroup.words.charset import Charset

WINOGRAD = FORMS["winograd"]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def universal() -> UniversalModel:
    return make_universal()


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> TrainingData:
    return make_data(tmp_path_factory.mktemp("features"), FEATURE_SHAPE)


def train(trial: Trial, data: TrainingData, universal: UniversalModel, steps: int) -> tuple[Pack, np.ndarray]:
    """Train a trial alone. Returns its pack and the rows of its records."""
    pack = Pack([trial], data, universal, kernels=WINOGRAD)
    return pack, pack.split_records([pack.advance() for _ in range(steps)])[0]


@pytest.fixture(scope="module")
def realistic_data(tmp_path_factory) -> TrainingData:
    """Return words of 858 classes, as in the default sweep.

    With few classes, a CPU's products round differently depending on where a matrix lies in memory.
    """
    charset = Charset(tuple(chr(0x4E00 + place) for place in range(856)))
    random = np.random.default_rng(1)
    labels = ["".join(random.choice(charset.characters, random.integers(1, 8))) for _ in range(64)]
    return make_data(tmp_path_factory.mktemp("realistic_data"), FEATURE_SHAPE, labels, charset)


@pytest.mark.parametrize("form", ["plain", "winograd"])
def test_a_trial_has_the_same_history_alone_and_in_a_pack_bit_for_bit(form, realistic_data, universal):
    pack = Pack(DIFFERENT_TRIALS, realistic_data, universal, kernels=FORMS[form])
    together = pack.split_records([pack.advance() for _ in range(8)])
    for number, trial in enumerate(DIFFERENT_TRIALS):
        single = Pack([trial], realistic_data, universal, kernels=FORMS[form])
        (alone,) = single.split_records([single.advance() for _ in range(8)])
        assert np.array_equal(together[number], alone)
        for name, tensor in single.state(0).items():
            assert torch.equal(pack.state(number)[name], tensor), name


def test_trials_with_different_numbers_of_heads_agree_alone_and_together(realistic_data, universal):
    trials = [replace(DIFFERENT_TRIALS[0], heads=Heads(count=count), seed=count) for count in (2, 5, 3, 1)]
    pack = Pack(trials, realistic_data, universal, kernels=WINOGRAD)
    together = pack.split_records([pack.advance() for _ in range(8)])
    for number, trial in enumerate(trials):
        _, alone = train(trial, realistic_data, universal, 8)
        assert np.allclose(together[number], alone, rtol=1e-5, atol=1e-6)


def test_trials_of_the_papers_shape_agree_alone_and_together_on_planes(tmp_path, universal):
    charset = Charset(tuple(chr(0x4E00 + place) for place in range(62)))
    planes = make_data(tmp_path, (32, 16, 64), ["".join(charset.characters[k : k + 3]) for k in range(8)], charset)
    heads = Heads(count=2, embed=(16, 8), hidden=(32, 24), start="independent")
    trials = [replace(TRIAL, seed=seed, heads=heads) for seed in (0, 1)]
    pack = Pack(trials, planes, universal, kernels=WINOGRAD)
    together = pack.split_records([pack.advance() for _ in range(3)])
    assert pack.bank.num_parameters(0) > pack.bank.num_parameters(1)
    for number, trial in enumerate(trials):
        _, alone = train(trial, planes, universal, 3)
        assert np.allclose(together[number], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", ["factored", "winograd"])
def test_a_form_agrees_with_the_plain_one_over_the_first_steps(form, realistic_data, universal):
    rows = []
    for name in ("plain", form):
        pack = Pack(DIFFERENT_TRIALS[:1], realistic_data, universal, kernels=FORMS[name])
        rows.append(pack.split_records([pack.advance() for _ in range(12)])[0])
    assert np.allclose(*rows, rtol=1e-4, atol=1e-5)


def test_a_batch_of_fixed_shape_gives_the_same_step_as_one_whose_words_drop_out(realistic_data, universal):
    """Compute on a CPU what a CUDA graph replays.

    Words that have ended go on with weight zero, and the number of steps is rounded up.
    """
    dropping, fixed = (Pack(DIFFERENT_TRIALS, realistic_data, universal, kernels=WINOGRAD) for _ in range(2))
    for step in range(4):
        expected = dropping.advance()
        record = fixed._compute_step([draw_inputs(realistic_data, DIFFERENT_TRIALS, step, rounded_to=4)])
        assert torch.allclose(record, expected, rtol=1e-4, atol=1e-5)


def test_a_snapshot_restores_a_pack_bit_for_bit(realistic_data, universal):
    pack = Pack(DIFFERENT_TRIALS, realistic_data, universal, kernels=WINOGRAD)
    pack.advance()
    restore = pack.snapshot()
    first = [pack.advance() for _ in range(2)]
    restore()
    assert all(torch.equal(record, pack.advance()) for record in first)


def test_a_trial_that_breaks_does_not_change_the_bits_of_the_others(realistic_data, universal):
    broken = replace(DIFFERENT_TRIALS[1], training=replace(DIFFERENT_TRIALS[1].training, learning_rate=1e30))
    pack = Pack([DIFFERENT_TRIALS[0], broken, DIFFERENT_TRIALS[2]], realistic_data, universal, kernels=WINOGRAD)
    first = pack.split_records([pack.advance() for _ in range(4)])
    assert not np.isfinite(first[1]).all()
    rest = pack.without([1])
    second = rest.split_records([rest.advance() for _ in range(4)])
    for number, trial in ((0, DIFFERENT_TRIALS[0]), (2, DIFFERENT_TRIALS[2])):
        _, alone = train(trial, realistic_data, universal, 8)
        assert np.array_equal(np.concatenate([first[number], second[0 if number == 0 else 1]]), alone)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Turn Python's garbage collector off, so that only reference counts free memory."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("hidden", [64, (64, 32, 16)], ids=["one size", "mixed sizes"])
def test_a_pack_frees_its_memory_with_its_last_owner(hidden, data, universal):
    """A reference cycle would keep the memory until Python's collector runs."""
    pack = Pack([replace(TRIAL, heads=Heads(count=3, hidden=hidden))], data, universal, kernels=WINOGRAD)
    pack.advance()
    pack.snapshot()()
    parts = [pack, pack.bank, pack.bank.output, pack.optimizer, pack.optimizer.first[0], pack.trained_trial(0).bank]
    references = [weakref.ref(part) for part in parts]
    del parts, pack
    assert [reference() for reference in references] == [None] * 6


@pytest.mark.usefixtures("no_collector")
def test_a_pack_that_loses_a_trial_frees_its_old_gradients(data, universal):
    pack = Pack([TRIAL, replace(TRIAL, seed=1)], data, universal, kernels=WINOGRAD)
    pack.advance()
    gradients = [weakref.ref(gradient) for gradient in pack.optimizer.gradients()]
    rest = pack.without([1])
    assert [gradient() for gradient in gradients] == [None] * len(gradients)
    assert len(gradients) == len(pack.optimizer.stacks)
    assert rest.step == 1


@pytest.mark.parametrize("positions", [(3, 8), (2, 5)])
def test_planes_of_any_even_size_give_the_same_steps_in_every_form(positions, tmp_path, universal):
    planes = make_data(tmp_path, (32, 2 * positions[0], 2 * positions[1]))
    trial = replace(TRIAL, heads=Heads(count=3, embed=8, hidden=16, start="independent"))
    rows = []
    for form in ("plain", "winograd"):
        pack = Pack([trial], planes, universal, kernels=FORMS[form])
        rows.append(pack.split_records([pack.advance() for _ in range(6)])[0])
    assert np.allclose(*rows, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            replace(TRIAL, training=replace(TRIAL.training, batch=5)),
            "training.batch is 5: the trials of a pack must share it, but another trial has 4",
        ),
        (replace(TRIAL, heads=Heads(count=3, hidden=32)), "heads.hidden is 32"),
        (replace(TRIAL, loss=Loss(length="sum")), "loss.length is 'sum'"),
    ],
)
def test_trials_that_cannot_share_a_pack_are_refused_with_the_setting(other, message, data, universal):
    with pytest.raises(ConfigError, match=message):
        Pack([TRIAL, other], data, universal)


def test_a_resumed_trial_has_the_same_history_bit_for_bit(data, universal):
    _, uninterrupted = train(TRIAL, data, universal, 12)
    half, first = train(TRIAL, data, universal, 5)
    stored = {name: value.clone() for name, value in half.state(0).items()}
    resumed = Pack([TRIAL], data, universal, kernels=WINOGRAD)
    resumed.restore(5, [stored])
    rest = resumed.split_records([resumed.advance() for _ in range(7)])[0]
    assert np.array_equal(np.concatenate([first, rest]), uninterrupted)


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
def test_every_setting_has_an_effect(other, data, universal):
    _, rows = train(TRIAL, data, universal, 3)
    _, other_rows = train(other, data, universal, 3)
    assert not np.array_equal(rows, other_rows)


def test_epsilon_does_not_change_r_tm_in_the_control(data, universal):
    r_tm = []
    for epsilon in (0.0, 0.4):
        _, rows = train(replace(TRIAL, grouping=Grouping(control=True, base_coefficient=epsilon)), data, universal, 6)
        r_tm.append(rows[:, :6])
    assert np.array_equal(*r_tm)


def test_heads_that_start_as_copies_have_equal_first_losses_and_others_do_not(data, universal):
    _, copies = train(TRIAL, data, universal, 1)
    _, independent = train(replace(TRIAL, heads=Heads(count=3, start="independent")), data, universal, 1)
    assert np.ptp(copies[0, 6:9]) < 1e-6
    assert np.ptp(independent[0, 6:9]) > 1e-3


def test_one_head_per_task_is_fixed_and_needs_as_many_heads_as_tasks(data, universal):
    fixed = Trial(heads=Heads(count=2), grouping=Grouping(method="one-per-task"), training=Training(steps=3, batch=4))
    pack, rows = train(fixed, data, universal, 3)
    assert np.array_equal(rows[0, :4], rows[2, :4])
    r_tm = pack.trained_trial(0).r_tm
    assert r_tm.argmax(-1).tolist() == [0, 1]
    assert torch.equal(r_tm.double().softmax(-1), torch.eye(2, dtype=torch.double)), "a tiny probability makes denormal gradients"
    with pytest.raises(ConfigError, match=r"heads.count is 3: .* needs one head for each of the 2 tasks"):
        Pack([replace(fixed, heads=Heads(count=3))], data, universal)


def test_a_trained_trial_has_the_weights_of_its_place_in_the_pack(data, universal):
    trials = [TRIAL, replace(TRIAL, seed=1)]
    pack = Pack(trials, data, universal, kernels=WINOGRAD)
    pack.advance()
    second = pack.trained_trial(1)
    assert torch.equal(second.bank.output, pack.bank.output[3:6])
    assert torch.equal(second.classifier.decide, pack.classifiers.decide[1:2])
    assert torch.equal(second.r_tm, pack.r_ktm[1])
    assert not second.bank.output.requires_grad
