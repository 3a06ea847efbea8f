"""Each word is read by a few heads, which are drawn at every step."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pack_fixtures import TRIAL, make_data, make_universal

from raygroup.config import Finetuning, Grouping, Heads, Training, Trial
from raygroup.errors import ConfigError
from raygroup.model.kernels.forms import FORMS
from raygroup.training.packs.inputs import StepInputs, draw_inputs
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.sampled_heads import draw_readers
from raygroup.trunks import FEATURE_SHAPE
from raygroup.words.charset import Charset

SMALL = Trial(
    heads=Heads(count=5, embed=4, hidden=8, start="independent", word_dropout=0.0), grouping=Grouping(heads_per_word=2),
    training=Training(steps=12, batch=7),
)  # fmt: skip
"""Seven words and two of five heads a word: four heads read three words, and one reads two."""
DRAWS = 100


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def small_data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("small"), (6, 8))


@pytest.fixture(scope="module")
def planes(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("planes"), (8, 4, 8))


@pytest.fixture(scope="module")
def realistic_data(tmp_path_factory):
    charset = Charset(tuple(chr(0x4E00 + place) for place in range(856)))
    random = np.random.default_rng(1)
    labels = ["".join(random.choice(charset.characters, random.integers(1, 8))) for _ in range(64)]
    return make_data(tmp_path_factory.mktemp("realistic"), FEATURE_SHAPE, labels, charset)


def flat_gradients(pack: Pack, inputs: StepInputs) -> torch.Tensor:
    """Return the gradients of R_TM, (10,), and then of the weights of all heads."""
    pack.optimizer.zero_grad()
    pack.losses(inputs)[0].backward()
    return torch.cat([pack.r_ktm.grad.flatten(), *(parameter.grad.flatten() for parameter in pack.bank.parameters())])


@pytest.mark.parametrize(("words", "count", "per_word"), [(7, 5, 2), (16, 50, 7), (48, 50, 2), (3, 4, 3), (5, 3, 1)])
def test_heads_read_equally_many_words_and_a_word_has_distinct_heads(words, count, per_word):
    trial = replace(SMALL, heads=Heads(count=count), grouping=Grouping(heads_per_word=per_word), training=Training(batch=48))
    for step in range(20):
        readers = draw_readers(trial, words, step)
        assert readers.shape == (words, per_word)
        assert all(len(set(heads)) == per_word for heads in readers.tolist())
        assert np.ptp(np.bincount(readers.ravel(), minlength=count)) <= 1


def test_every_word_and_head_meet_equally_often():
    meetings = np.zeros((7, 5))
    for step in range(2000):
        for word, heads in enumerate(draw_readers(SMALL, 7, step)):
            meetings[word, heads] += 1
    standard_error = (0.4 * 0.6 / 2000) ** 0.5
    assert np.abs(meetings / 2000 - 2 / 5).max() < 4 * standard_error, "the largest of 35 deviations"


@pytest.mark.parametrize("shape", ["line", "planes"])
def test_gradients_of_heads_and_of_r_tm_are_those_of_all_heads_on_average(shape, small_data, planes):
    data = small_data if shape == "line" else planes
    pack = Pack([SMALL], data, make_universal(), dtype=torch.float64)
    with torch.no_grad():  # a start at which R_TM is not symmetric
        pack.r_ktm += torch.linspace(-1, 1, 10, dtype=torch.float64).view_as(pack.r_ktm)
    everyone = replace(SMALL, grouping=Grouping())
    exact_inputs = draw_inputs(data, [everyone], 0).to("cpu", torch.float64)
    exact_pack = Pack([everyone], data, make_universal(), dtype=torch.float64)
    exact_pack.restore(0, [pack.state(0)])
    exact = flat_gradients(exact_pack, exact_inputs)
    # Only the seed of the drawn heads varies: words and noise stay.
    draws = (replace(draw_inputs(data, [replace(SMALL, seed=seed)], 0).to("cpu", torch.float64), noise=exact_inputs.noise)
             for seed in range(DRAWS))  # fmt: skip
    gradients = torch.stack([flat_gradients(pack, inputs) for inputs in draws])
    deviation, standard_error = gradients.mean(0) - exact, gradients.std(0) / DRAWS**0.5
    moving = standard_error > 1e-12
    assert moving[:10].all()
    assert (deviation[:10].abs() < 3 * standard_error[:10]).all(), "R_TM"
    in_errors = (deviation / standard_error)[moving]
    assert 0.8 < in_errors.square().mean().sqrt() < 1.2, "deviations of all weights are as large as chance makes them"
    assert (deviation[~moving].abs() < 1e-9).all()
    unscaled = (gradients.mean(0) * 2 / 5 - exact)[10:].norm() / standard_error[10:].norm()
    assert unscaled > 5, "weights that are not divided by the probability would be seen"


def test_the_loss_of_a_head_is_the_mean_over_the_words_that_it_reads(small_data):
    pack = Pack([SMALL], small_data, make_universal(), dtype=torch.float64)
    everyone = Pack([replace(SMALL, grouping=Grouping())], small_data, make_universal(), dtype=torch.float64)
    inputs = draw_inputs(small_data, [SMALL], 0).to("cpu", torch.float64)
    all_inputs = draw_inputs(small_data, [everyone.common], 0).to("cpu", torch.float64)
    nll_kwm = everyone.losses._recognition_losses(all_inputs, all_inputs.words.double(), everyone.losses._sample_assignments(inputs.noise))[
        1
    ]
    readers = draw_readers(SMALL, 7, 0)
    expected = [np.mean([nll_kwm[0, word, head].item() for word in range(7) if head in readers[word]]) for head in range(5)]
    assert np.allclose(pack.losses(inputs)[1][0, :5].tolist(), expected, rtol=1e-10)


@pytest.mark.parametrize("form", ["plain", "winograd"])
def test_a_trial_has_the_same_history_alone_in_a_pack_and_resumed_bit_for_bit(form, realistic_data):
    trial = replace(TRIAL, heads=Heads(count=6), grouping=Grouping(heads_per_word=2), training=replace(TRIAL.training, batch=16))
    trials = [replace(trial, seed=seed) for seed in range(2)]
    universal = make_universal()
    pack = Pack(trials, realistic_data, universal, kernels=FORMS[form])
    together = pack.split_records([pack.advance() for _ in range(5)])
    for number, single in enumerate(trials):
        first = Pack([single], realistic_data, universal, kernels=FORMS[form])
        records = [first.advance() for _ in range(2)]
        stored = {name: value.clone() for name, value in first.state(0).items()}
        resumed = Pack([single], realistic_data, universal, kernels=FORMS[form])
        resumed.restore(2, [stored])
        records += [resumed.advance() for _ in range(3)]
        assert np.array_equal(resumed.split_records(records)[0], together[number])
        for name, tensor in resumed.state(0).items():
            assert torch.equal(pack.state(number)[name], tensor), name


@pytest.mark.parametrize("shape", ["line", "planes"])
def test_a_batch_of_fixed_shape_gives_the_same_step(shape, small_data, planes):
    data = small_data if shape == "line" else planes
    trials = [replace(SMALL, seed=seed) for seed in (0, 1)]
    dropping, fixed = (Pack(trials, data, make_universal(), dtype=torch.float64) for _ in range(2))
    for step in range(4):
        expected = dropping.advance()
        inputs = draw_inputs(data, trials, step, rounded_to=4).to("cpu", torch.float64)
        assert len(set(inputs.active)) == 1
        assert torch.allclose(fixed._compute_step([inputs]), expected, rtol=1e-9, atol=1e-9)


def test_trials_of_a_pack_need_equally_many_heads_if_heads_are_drawn(small_data):
    with pytest.raises(ConfigError, match="heads.count is 4: the trials of a pack must share it, but another trial has 5"):
        Pack([SMALL, replace(SMALL, heads=replace(SMALL.heads, count=4))], small_data, make_universal())
    with pytest.raises(ConfigError, match="grouping.heads_per_word is 3"):
        Pack([SMALL, replace(SMALL, grouping=Grouping(heads_per_word=3))], small_data, make_universal())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"heads": Heads(count=5), "grouping": Grouping(heads_per_word=5)}, "heads_per_word is 5: it must be 0 .* or from 1 to 4 with 5"),
        (
            {"heads": Heads(count=50), "grouping": Grouping(heads_per_word=3), "training": Training(batch=16)},
            "heads_per_word is 3: it must be 0 .* or from 4 to 49 with 50 heads and 16 words a step",
        ),
    ],
)
def test_a_number_of_heads_that_makes_no_sense_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Trial(**settings)


@pytest.mark.parametrize("method", ["one-per-task", "explicit", "cover"])
def test_a_fixed_grouping_draws_no_heads(method):
    groups = (("hi",), ("la",)) if method != "one-per-task" else ()
    with pytest.raises(ConfigError, match="grouping.heads_per_word is 1: it must be 0 if the grouping is fixed"):
        Grouping(method=method, groups=groups, base_coefficient=0.0, heads_per_word=1)


def test_stage_3_draws_no_heads():
    after = Finetuning().trial_after(SMALL)
    assert after.grouping.heads_per_word == 0
