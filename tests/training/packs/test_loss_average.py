"""R_TM from a moving average of losses, and Eq. (9) of idle heads alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pack_fixtures import make_data, make_universal

from raygroup.config import Finetuning, Grouping, Heads, Loss, Training, Trial
from raygroup.errors import ConfigError
from raygroup.model.grouping import assignment_from_losses, chosen_heads
from raygroup.training.packs.inputs import draw_inputs
from raygroup.training.packs.loss_average import task_losses
from raygroup.training.packs.pack import Pack

BY_LOSS = Trial(
    heads=Heads(count=3, embed=4, hidden=8, start="independent"), loss=Loss(grouping=0.0), training=Training(steps=12, batch=6),
    grouping=Grouping(assignment="loss", loss_gain=2.0, loss_decay=0.5),
)  # fmt: skip
IDLE = replace(BY_LOSS, loss=Loss(), grouping=Grouping(penalty_while_idle=True))


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("features"), (6, 8))


def test_r_tm_is_one_less_the_gain_times_the_loss_above_the_mean_head():
    losses, words = torch.tensor([[2.0, 6.0], [9.0, 0.0], [0.0, 0.0]]), torch.tensor([[2.0, 2.0], [3.0, 0.0], [0.0, 0.0]])
    # Task 0: the means are 1 and 3 nats, 2 over heads. No word of task 1 was read by head 1, and none of task 2 by any.
    assert assignment_from_losses(losses, words, 0.5).tolist() == [[1.5, 0.5], [1.0, 1.0], [1.0, 1.0]]


def test_the_losses_of_a_task_are_summed_over_its_share_of_the_words_that_a_head_reads():
    p_wt, nll_kwm = torch.tensor([[1.0, 0.0], [0.25, 0.75]]), torch.tensor([[[1.0, 2.0], [4.0, 8.0]]])
    is_read = torch.tensor([[[True, True], [True, False]]])
    losses, words = task_losses(p_wt, nll_kwm, is_read).view(2, 2, 2)
    assert losses.tolist() == [[2.0, 2.0], [3.0, 0.0]]
    assert words.tolist() == [[1.25, 1.0], [0.75, 0.0]]


def test_r_tm_follows_the_decayed_losses_of_all_steps(data):
    pack = Pack([BY_LOSS], data, make_universal(), dtype=torch.float64)
    losses, words = np.zeros((2, 3)), np.zeros((2, 3))
    for step in range(4):
        inputs = draw_inputs(data, [BY_LOSS], step).to("cpu", torch.float64)
        p_ktm = pack.losses._sample_assignments(inputs.noise)
        nll_wm = pack.losses._recognition_losses(inputs, inputs.words.double(), p_ktm)[1][0].detach().numpy()
        p_wt = inputs.p_wt.numpy()
        losses, words = losses / 2 + p_wt.T @ nll_wm, words / 2 + p_wt.sum(0)[:, None]
        record = pack.advance()
        with np.errstate(invalid="ignore"):
            means = losses / words
        expected = np.where(words > 0, 1 - 2 * (means - means.mean(1, keepdims=True)), 1)
        assert np.allclose(record[0, :6].view(2, 3).numpy(), expected, rtol=1e-9)
    assert np.ptp(expected) > 0.01
    assert record.shape == (1, 6 + 3 + 3), "the record has no columns of its own"


def test_a_trial_by_losses_is_the_same_alone_in_a_pack_and_resumed_bit_for_bit(data):
    trials = [replace(BY_LOSS, seed=1), replace(BY_LOSS, grouping=replace(BY_LOSS.grouping, loss_gain=5.0, loss_decay=0.9))]
    pack = Pack(trials, data, make_universal())
    together = pack.split_records([pack.advance() for _ in range(6)])
    for number, trial in enumerate(trials):
        first = Pack([trial], data, make_universal())
        records = [first.advance() for _ in range(3)]
        stored = {name: value.clone() for name, value in first.state(0).items()}
        resumed = Pack([trial], data, make_universal())
        resumed.restore(3, [stored])
        records += [resumed.advance() for _ in range(3)]
        assert np.array_equal(resumed.split_records(records)[0], together[number])
        assert {"loss_average.losses", "loss_average.words"} <= stored.keys()
        without = {name: value for name, value in stored.items() if "words" not in name} | {"loss_average.words": torch.ones(2, 3)}
        resumed.restore(3, [without])
        assert not torch.equal(resumed.advance(), records[3]), "the average is part of the state"


def test_trials_by_losses_may_have_different_numbers_of_heads(data):
    trials = [BY_LOSS, replace(BY_LOSS, heads=replace(BY_LOSS.heads, count=2))]
    pack = Pack(trials, data, make_universal(), dtype=torch.float64)
    together = pack.split_records([pack.advance() for _ in range(4)])
    for number, trial in enumerate(trials):
        single = Pack([trial], data, make_universal(), dtype=torch.float64)
        assert np.allclose(together[number], single.split_records([single.advance() for _ in range(4)])[0], rtol=1e-9)


def test_a_head_is_chosen_if_it_is_the_most_probable_head_of_a_task():
    r_tm = torch.tensor([[0.0, 2.0, 1.0], [3.0, 4.0, 0.0]])
    assert chosen_heads(r_tm).tolist() == [False, True, False]
    assert chosen_heads(torch.stack([r_tm, r_tm.flip(1)])).tolist() == [[False, True, False], [False, True, False]]


@pytest.mark.parametrize("sample", ["step", "word"])
@pytest.mark.parametrize("penalty_on", ["sample", "softmax"])
def test_eq_9_charges_idle_heads_alone(sample, penalty_on, data):
    idle = replace(IDLE, grouping=replace(IDLE.grouping, sample=sample, penalty_on=penalty_on))
    always = replace(idle, grouping=replace(idle.grouping, penalty_while_idle=False))
    r_tm = torch.tensor([[3.0, 0.0, 0.0], [3.0, 0.0, 1.0]])
    charged = []
    for trial in (idle, always):
        pack = Pack([always, trial], data, make_universal(), dtype=torch.float64)
        with torch.no_grad():
            pack.r_ktm.copy_(r_tm)
            pack.settings.min_tasks.fill_(2.5)  # no head has as many tasks, so Eq. (9) charges all
        noise = draw_inputs(data, pack.trials, 0).noise.double()
        p_ktm = pack.losses._sample_assignments(noise)
        charged.append(pack.losses._grouping_losses(p_ktm, True).tolist())
        of_heads = (2.5 - (p_ktm if penalty_on == "sample" else pack.r_ktm[:, None].softmax(-1)).sum(-2)).mean(1).tolist()
    assert charged[0][0] == charged[1][0], "the trial beside it is charged as before"
    assert charged[1][1] == pytest.approx(sum(of_heads[1]))
    assert charged[0][1] == pytest.approx(sum(of_heads[1][1:])), "head 0 has both tasks"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"grouping": Grouping(assignment="loss")}, r"loss.grouping is 1.0: it must be 0 if grouping.assignment is 'loss'"),
        (
            {
                "grouping": Grouping(assignment="loss"), "loss": Loss(grouping=0.0),
                "training": Training(assignment_learning_rate_changes=((0.5, 0.1),)),
            },
            r"assignment_learning_rate_changes is .* must be empty if grouping.assignment is 'loss'",
        ),
        ({"grouping": Grouping(penalty_while_idle=True), "loss": Loss(grouping=0.0)}, "while_idle is True: it must be False if loss"),
    ],
)  # fmt: skip
def test_settings_without_an_effect_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Trial(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"assignment": "losses"}, "grouping.assignment is 'losses': it must be one of gradient, loss"),
        ({"assignment": "loss", "control": True}, "grouping.assignment is 'loss': it must be 'gradient' if the grouping is fixed"),
        ({"assignment": "loss", "method": "one-per-task"}, "grouping.assignment is 'loss': it must be 'gradient' if the grouping is fixed"),
        ({"loss_gain": 3.0}, "grouping.loss_gain is 3.0: it must be .* unless grouping.assignment is 'loss'"),
        ({"loss_decay": 0.5}, "grouping.loss_decay is 0.5: it must be .* unless grouping.assignment is 'loss'"),
        ({"assignment": "loss", "loss_decay": 1.0}, "grouping.loss_decay is 1.0: it must be a number from 0 to 0.9999"),
        ({"assignment": "loss", "penalty_while_idle": True}, "penalty_while_idle is True: it must be False if R_TM has no gradient"),
        ({"method": "one-per-task", "penalty_while_idle": True}, "penalty_while_idle is True: it must be False if R_TM has no gradient"),
    ],
)
def test_groupings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Grouping(**settings)


@pytest.mark.parametrize("grouped", [BY_LOSS, IDLE])
def test_stage_3_fixes_the_grouping_whatever_drove_it(grouped):
    assert Finetuning().trial_after(grouped).grouping == Grouping(method="trained", base_coefficient=0.0)


def test_dmtg_is_the_paper_s_form_without_eq_9_and_epsilon_at_its_own_temperature(data):
    """Gao et al., ICML 2024: loss = sum of P_TM * L_TM, with P_TM a Gumbel-Softmax of temperature 2.5 of a matrix of ones."""
    dmtg = replace(IDLE, loss=Loss(grouping=0.0), grouping=Grouping(temperature=2.5, base_coefficient=0.0))
    pack = Pack([dmtg], data, make_universal(), dtype=torch.float64)
    inputs = draw_inputs(data, [dmtg], 0).to("cpu", torch.float64)
    total, losses = pack.losses(inputs)
    (gradient,) = torch.autograd.grad(total, pack.r_ktm)
    r_tm = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    p_tm = torch.exp((r_tm + inputs.noise[0, 0]) / 2.5) / torch.exp((r_tm + inputs.noise[0, 0]) / 2.5).sum(-1, keepdim=True)
    nll_wm = pack.losses._recognition_losses(inputs, inputs.words.double(), p_tm[None, None].detach())[1][0]
    l_tm = inputs.p_wt.T @ nll_wm / 6  # each task's share of the mean loss over six words
    expected = (p_tm * l_tm).sum()
    assert losses[0, 3].item() == pytest.approx(expected.item(), rel=1e-10)
    assert torch.allclose(gradient[0], torch.autograd.grad(expected, r_tm)[0], rtol=1e-8)
