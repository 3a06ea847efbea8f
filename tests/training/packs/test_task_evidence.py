"""The evidence on tasks that a pack gathers is right, costs no bit of the training, and is the same in any pack and after a resume."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pack_fixtures import LABELS, TRIAL, make_data, make_universal

from raygroup.config import Grouping, Heads, Training, Trial
from raygroup.errors import ConfigError
from raygroup.history.schema import evidence_columns
from raygroup.model.kernels.forms import FORMS
from raygroup.training.packs.inputs import draw_inputs
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.training_data import TrainingData
from raygroup.trunks import FEATURE_SHAPE
from raygroup.words.charset import Charset

TASKS = ("hi", "ko", "la")
HEADS = 2
WINOGRAD = FORMS["winograd"]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def universal():
    return make_universal()


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> TrainingData:
    """Return eight words of three tasks in turn."""
    two_tasks = make_data(tmp_path_factory.mktemp("features"), FEATURE_SHAPE)
    return replace(two_tasks, p_wt=np.eye(3, dtype=np.float32)[np.arange(len(LABELS)) % 3], tasks=TASKS)


@pytest.fixture(scope="module")
def realistic_data(tmp_path_factory) -> TrainingData:
    """Return words of 858 classes. With few classes, a CPU's products round differently depending on where a matrix lies in memory."""
    charset = Charset(tuple(chr(0x4E00 + place) for place in range(856)))
    random = np.random.default_rng(1)
    labels = ["".join(random.choice(charset.characters, random.integers(1, 8))) for _ in range(64)]
    two_tasks = make_data(tmp_path_factory.mktemp("realistic_data"), FEATURE_SHAPE, labels, charset)
    return replace(two_tasks, p_wt=np.eye(3, dtype=np.float32)[np.arange(64) % 3], tasks=TASKS)


def trial(kind: str, every: int = 2, words: int = 0, **settings) -> Trial:
    training = Training(steps=12, batch=8, learning_rate=3e-3, evidence=kind, evidence_every=every, evidence_words=words)
    return replace(TRIAL, heads=Heads(count=HEADS, start="independent"), training=training, **settings)


def train(settings: Trial, data, universal, steps: int = 6, **options) -> tuple[np.ndarray, dict[int, dict[str, np.ndarray]]]:
    """Return the rows of the history, and step -> the evidence by column."""
    pack = Pack([settings], data, universal, **{"kernels": WINOGRAD} | options)
    (rows,) = pack.split_records([pack.advance() for _ in range(steps)])
    return rows, named(pack, 0)


def named(pack: Pack, number: int) -> dict[int, dict[str, np.ndarray]]:
    kind = pack.trials[0].training.evidence
    return {step: dict(zip(evidence_columns(kind)[1:], row, strict=True)) for step, row in pack.evidence.take()[number].items()}


def same(one: dict[int, dict[str, np.ndarray]], other: dict[int, dict[str, np.ndarray]]) -> bool:
    assert one.keys() == other.keys()
    return all(
        one[step].keys() == other[step].keys()
        and all(np.array_equal(value, other[step][name]) for name, value in one[step].items() if not name.endswith("_s"))
        for step in one
    )


@pytest.mark.parametrize("kind", ["losses", "gradients", "lookahead"])
def test_training_keeps_its_bits_whether_or_not_evidence_is_gathered(kind, data, universal):
    plain = Pack([trial("none", 10)], data, universal, kernels=WINOGRAD)
    gathering = Pack([trial(kind)], data, universal, kernels=WINOGRAD)
    assert all(torch.equal(plain.advance(), gathering.advance()) for _ in range(6))
    assert all(torch.equal(value, plain.state(0)[name]) for name, value in gathering.state(0).items())


def test_losses_by_task_add_up_to_the_losses_of_the_heads(data, universal):
    rows, evidence = train(trial("losses"), data, universal)
    assert list(evidence) == [2, 4, 6], "every second step, counted from 1"
    for step, columns in evidence.items():
        words, nll_tm = columns["words_t"], columns["nll_tm"]
        assert words.sum() == 8
        nll_m = rows[step - 1, 6:8]
        assert np.allclose((words[:, None] * nll_tm).sum(0) / 8, nll_m, rtol=1e-5)
        assert (nll_tm[words == 0] == 0).all()


def expected_gradients(pack: Pack, task: int) -> dict[str, torch.Tensor]:
    """Return a task's gradients by another form: over the whole batch, where the words of other tasks have the weight 0."""
    inputs = draw_inputs(pack.data, pack.trials, pack.step).to("cpu", pack.dtype)
    of_task = inputs.p_wt[:, task]
    weights = (of_task / inputs.lengths / of_task.sum().clamp(min=1))[inputs.owners].expand(HEADS, -1)
    before = inputs.inputs.expand(HEADS, -1)
    totals, _ = pack.bank.losses(inputs.words.to(pack.dtype), before, inputs.characters, inputs.active, weights, pack.kernels)
    return dict(zip(dict(pack.bank.named_parameters()), torch.autograd.grad(totals.sum(), list(pack.bank.parameters())), strict=True))


def expected_losses(pack: Pack) -> torch.Tensor:
    """Return the mean over heads of each task's mean loss, (t,), over the whole batch."""
    inputs = draw_inputs(pack.data, pack.trials, pack.step).to("cpu", pack.dtype)
    losses = []
    for task in range(len(TASKS)):
        weights = (inputs.p_wt[:, task] / inputs.lengths / inputs.p_wt[:, task].sum())[inputs.owners].expand(HEADS, -1)
        before = inputs.inputs.expand(HEADS, -1)
        totals, _ = pack.bank.losses(inputs.words.to(pack.dtype), before, inputs.characters, inputs.active, weights, pack.kernels)
        losses.append(totals.detach().mean())
    return torch.stack(losses)


def test_products_are_those_of_the_gradients_over_the_whole_batch(data, universal):
    pack = Pack([trial("gradients", every=1)], data, universal, dtype=torch.float64)
    for _ in range(2):
        pack.advance()
    expected = [expected_gradients(pack, task) for task in range(len(TASKS))]
    pack.advance()
    columns = named(pack, 0)[3]
    for name, left_out in (("gram_tt", ()), ("inner_gram_tt", ("embedding", "output", "output_bias"))):
        products = [[sum((a[key] * b[key]).sum() for key in a if key not in left_out) for b in expected] for a in expected]
        assert np.allclose(columns[name], np.array(products, float), rtol=1e-9)
    assert columns["gradients_s"] > 0


def test_lookahead_is_what_adamw_does_in_its_first_step(data, universal):
    """From zero moments AdamW moves each weight by the learning rate along the sign of its gradient."""
    settings = trial("lookahead", every=1)
    pack = Pack([settings], data, universal, dtype=torch.float64)
    before = expected_losses(pack)
    expected = np.zeros((3, 3))
    for task in range(3):
        moved = Pack([settings], data, universal, dtype=torch.float64)
        gradients = expected_gradients(moved, task)
        with torch.no_grad():
            for name, parameter in moved.bank.named_parameters():
                parameter.sub_(3e-3 * gradients[name] / (gradients[name].abs() + 1e-8))
        expected[task] = (1 - expected_losses(moved) / before).numpy()
    pack.advance()
    assert np.allclose(named(pack, 0)[1]["lookahead_tt"], expected, rtol=1e-6, atol=1e-9)
    assert (np.diagonal(expected) > 0).all(), "a step on a task helps the task itself"


@pytest.mark.parametrize("words", [0, 3])
def test_evidence_is_the_same_alone_and_in_a_pack_and_after_a_resume_bit_for_bit(words, realistic_data, universal):
    data, first_trial = realistic_data, trial("lookahead", words=words)
    trials = [first_trial, replace(first_trial, seed=1, grouping=Grouping(base_coefficient=0.0))]
    pack = Pack(trials, data, universal, kernels=WINOGRAD)
    for _ in range(4):
        pack.advance()
    rows = pack.evidence.take()[1]
    alone = Pack(trials[1:], data, universal, kernels=WINOGRAD)
    for _ in range(3):
        alone.advance()
    first = named(alone, 0)
    resumed = Pack(trials[1:], data, universal, kernels=WINOGRAD)
    resumed.restore(3, [{name: value.clone() for name, value in alone.state(0).items()}])
    resumed.advance()
    names = evidence_columns("lookahead")[1:]
    together = {step: dict(zip(names, row, strict=True)) for step, row in rows.items()}
    assert same(first | named(resumed, 0), together)
    if words:
        assert together[2]["gradient_words_t"].tolist() == [3, 3, 3]
        assert together[2]["words_t"].sum() == 8


def test_words_read_in_parts_give_the_same_evidence(data, universal):
    settings = trial("lookahead")
    _, whole = train(settings, data, universal, dtype=torch.float64)
    _, in_parts = train(settings, data, universal, dtype=torch.float64, accumulate=5)
    for step, columns in whole.items():
        assert all(np.allclose(value, in_parts[step][name], atol=1e-12) for name, value in columns.items() if not name.endswith("_s"))


def test_the_heads_of_a_smaller_trial_are_not_padded(data, universal):
    trials = [replace(trial("losses"), heads=Heads(count=count)) for count in (1, 3)]
    pack = Pack(trials, data, universal, kernels=WINOGRAD)
    for _ in range(2):
        pack.advance()
    small, large = (row[2][1] for row in pack.evidence.take())
    assert (small.shape, large.shape) == ((3, 1), (3, 3))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"evidence": "all"}, "training.evidence is 'all': it must be one of none, losses, gradients, lookahead"),
        ({"evidence_every": 5}, "training.evidence_every is 5: it must be 10 if training.evidence is 'none'"),
        ({"evidence": "losses", "evidence_every": 13}, "training.evidence_every is 13: it must be at most training.steps, which is 12"),
        ({"evidence": "losses", "evidence_words": 4}, "training.evidence_words is 4: it must be 0 unless training.evidence is 'gradients'"),
    ],
)
def test_settings_without_effect_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Trial(training=Training(**{"steps": 12} | settings))
