"""A probe trains all heads alike, then gives each the tasks whose gradients agree."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pack_fixtures import LABELS, TRIAL, make_data, make_universal

from raygroup.config import Finetuning, Grouping, Heads, Training, Trial
from raygroup.errors import ConfigError
from raygroup.model.kernels.forms import FORMS
from raygroup.strategies.gathered import gram_cosines
from raygroup.training.packs.by_task.probe import Probe
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.training_data import TrainingData
from raygroup.trunks import FEATURE_SHAPE

TASKS = ("hi", "ko", "la")
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


def trial(probe: float = 0.5, every: int = 2, **training) -> Trial:
    settings = {"steps": 12, "batch": 8, "learning_rate": 3e-3, "evidence_every": every, "evidence_words": 4} | training
    return replace(TRIAL, heads=Heads(count=2), grouping=Grouping(method="probe", probe=probe), training=Training(**settings))


def r_tm_of(pack: Pack, steps: int) -> np.ndarray:
    (rows,) = pack.split_records([pack.advance() for _ in range(steps)])
    return rows[:, :6].reshape(steps, 3, 2)


def test_heads_learn_alike_until_the_grouping_is_chosen_from_the_mean_cosines(data, universal):
    pack = Pack([trial(evidence="gradients")], data, universal, kernels=WINOGRAD)
    r_tm = r_tm_of(pack, 6)
    assert (r_tm == 1).all(), "every head is equally likely for every task"
    first, second = pack.bank.output.detach()
    assert torch.equal(first, second)
    grams = [row[3] for row in pack.evidence.take()[0].values()]
    assert len(grams) == 3
    means = np.nanmean(gram_cosines(np.stack(grams)), axis=0)
    pairs = {"hi+ko": means[0, 1], "hi+la": means[0, 2], "ko+la": means[1, 2]}
    expected = max(pairs, key=pairs.__getitem__).split("+")
    r_tm = r_tm_of(pack, 6)
    assert (r_tm == r_tm[0]).all()
    heads = r_tm[0].argmax(-1)
    assert heads[0] == 0, "groups are in the order of their first tasks"
    together = [[task for task, head in zip(TASKS, heads, strict=True) if head == place] for place in range(2)]
    assert expected in together
    assert r_tm[0].max(-1).tolist() == [50, 50, 50]


def test_a_probe_puts_the_tasks_with_the_highest_mean_cosine_on_one_head():
    settings = replace(trial(), heads=Heads(count=2))
    probe = Probe([settings, replace(settings, grouping=replace(settings.grouping, probe_by="inner cosine"))], TASKS)
    near_ko = torch.tensor([[4.0, -2.0, 0.1], [-2.0, 9.0, 3.0], [0.1, 3.0, 4.0]])
    near_hi = torch.tensor([[4.0, -2.0, 3.9], [-2.0, 9.0, 3.0], [3.9, 3.0, 4.0]])
    no_words_of_ko = torch.tensor([[4.0, 0.0, 2.0], [0.0, 0.0, 0.0], [2.0, 0.0, 4.0]])
    grams = {"gram_tt": torch.stack([near_ko, near_ko]), "inner_gram_tt": torch.stack([near_hi, near_hi])}
    probe.add(grams)
    probe.add({name: no_words_of_ko.expand(2, 3, 3) for name in grams})
    assert probe.groups(0) == {frozenset({"hi"}), frozenset({"ko", "la"})}
    assert probe.cosines[0][1, 2].item() / probe.counts[0][1, 2].item() == pytest.approx(3 / 6), "one step counts for ko and la"
    assert probe.cosines[1][0, 2].item() == pytest.approx(3.9 / 4 + 2 / 4)
    assert probe.groups(1) == {frozenset({"hi", "la"}), frozenset({"ko"})}
    assert probe.assignment(1).argmax(-1).tolist() == [0, 1, 0]


@pytest.mark.parametrize("stop", [3, 6, 8], ids=["within the probe", "at its end", "after it"])
def test_a_probe_resumes_bit_for_bit(stop, data, universal):
    whole = Pack([trial()], data, universal, kernels=WINOGRAD)
    expected = [whole.advance() for _ in range(10)]
    half = Pack([trial()], data, universal, kernels=WINOGRAD)
    for _ in range(stop):
        half.advance()
    stored = {name: value.clone() for name, value in half.state(0).items()}
    assert ("probe.cosines" in stored) == (stop <= 6)
    resumed = Pack([trial()], data, universal, kernels=WINOGRAD)
    resumed.restore(stop, [stored])
    assert all(torch.equal(resumed.advance(), record) for record in expected[stop:])


def test_a_probe_has_the_same_history_alone_and_in_a_pack_bit_for_bit(data, universal):
    trials = [trial(), replace(trial(), seed=1), replace(trial(), seed=2, grouping=replace(trial().grouping, base_coefficient=0.0))]
    pack = Pack(trials, data, universal, kernels=WINOGRAD)
    together = pack.split_records([pack.advance() for _ in range(8)])
    for number, settings in enumerate(trials):
        alone = Pack([settings], data, universal, kernels=WINOGRAD)
        (rows,) = alone.split_records([alone.advance() for _ in range(8)])
        assert np.array_equal(together[number], rows)


def test_more_heads_than_tasks_are_refused(data, universal):
    with pytest.raises(ConfigError, match=r"heads.count is 4: grouping.method 'probe' forms groups of 3 tasks, so at most 3 heads"):
        Pack([replace(trial(), heads=Heads(count=4))], data, universal)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "probe"}, "grouping.probe is 0.0: it must be above 0 and below 1"),
        ({"probe": 0.2}, "grouping.probe is 0.2: it must be 0 unless grouping.method is 'probe'"),
        ({"probe_by": "inner cosine"}, "grouping.probe_by is 'inner cosine': it must be 'cosine' unless grouping.method is 'probe'"),
        ({"method": "probe", "probe": 0.2, "control": True}, "grouping.control is True: it must be False if the grouping is fixed"),
    ],
)
def test_settings_of_a_probe_without_effect_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Grouping(**settings)


def test_a_probe_shorter_than_the_steps_between_two_gradients_is_refused():
    with pytest.raises(ConfigError, match=r"training.evidence_every is 10: it must be at most the 6 steps of the probe"):
        trial(every=10)


def test_finetuning_goes_on_from_a_probe():
    assert Finetuning().trial_after(trial()).grouping.method == "trained"
