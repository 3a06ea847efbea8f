"""A spotter's training: losses fall, frozen parts stay, it resumes bit for bit, and two workers take the steps of one."""

import multiprocessing
from dataclasses import replace

import pytest
import torch
from rendered_scenes_for_tests import store_of
from safetensors.torch import load_file, save_file

from raygroup.errors import ConfigError
from raygroup.model.heads.bank import HeadBank
from raygroup.model.laptop_trunk import Trunk
from raygroup.scenes.scene_table import SceneTable, write_scene_table
from raygroup.spotter_config import DetectorTraining, Samples
from raygroup.spotting_config import LOSSES, RegionDraws, SpotterHeads, SpotterLoss, Spotting
from raygroup.training.packs.sharding import SOLE_RANK, WorkerRank
from raygroup.training.spotter.detector_trainer import DetectorTrainer
from raygroup.training.spotter.spotter_trainer import SpotterTrainer
from raygroup.training.universal_weights import UniversalModel
from raygroup.trunks import FEATURE_GRID, FEATURES
from raygroup.words.charset import Charset

TASKS = ("la", "ar")
SAMPLES = Samples(side=128, variation=0.0, rotation=0.0, smallest_zoom=0.8, largest_zoom=1.0, smallest_word=3.0)
SMALL = Spotting(
    samples=SAMPLES, heads=SpotterHeads(count=2, embed=6, hidden=8), regions=RegionDraws(most=16, most_words=4),
    training=DetectorTraining(steps=30, batch=4, warm_up=2),
)  # fmt: skip
DISTILLED = replace(SMALL, heads=replace(SMALL.heads, source="rectangles"), loss=SpotterLoss(distillation=1.0))
CTC_PLANES = replace(SMALL, heads=SpotterHeads(count=2, hidden=8, decoder="ctc"))
CTC = replace(DISTILLED, heads=SpotterHeads(count=2, source="rectangles", decoder="ctc"))
CHARSET = Charset(tuple("abcdefghijklmnopqrstuvwxyz"))


class LongWords(SceneTable):
    """Scenes whose first word has more characters than CTC heads have positions."""

    def __getitem__(self, number):
        scene = super().__getitem__(number)
        first = next(place for place, word in enumerate(scene.instances) if word.task in TASKS and not word.dont_care)
        words = list(scene.instances)
        words[first] = replace(words[first], text=25 * "ab"[number % 2])
        return replace(scene, instances=tuple(words))


@pytest.fixture(scope="module")
def table_file(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("table")
    write_scene_table(store_of(folder, 4), folder / "scenes.arrow")
    return folder / "scenes.arrow"


def reader():
    torch.manual_seed(5)
    head = HeadBank(1, CHARSET.num_classes, features=FEATURES, positions=FEATURE_GRID, embed=6, hidden=8)
    head.initialise(0, torch.Generator().manual_seed(5))
    return UniversalModel(Trunk().eval().requires_grad_(False), head, CHARSET)


def new_trainer(table_file, settings=SMALL, scenes=SceneTable, **options):
    return SpotterTrainer(settings, scenes(table_file), TASKS, CHARSET, **options)


def train(trainer, steps):
    return torch.stack([trainer.advance() for _ in range(steps)])


def column(losses, name):
    return losses[:, LOSSES.index(name)]


@pytest.mark.slow
def test_training_lowers_the_losses_on_its_scenes(table_file):
    boxes = replace(DISTILLED, heads=replace(DISTILLED.heads, source="boxes"), training=replace(DISTILLED.training, learning_rate=1e-3))
    losses = train(new_trainer(table_file, boxes, teacher=reader()), 28)
    for name in ("cross_entropy", "box_score", "mask", "language", "recognition", "distillation"):
        assert column(losses, name)[-8:].mean() < 0.95 * column(losses, name)[:4].mean(), (name, column(losses, name))


def test_the_papers_heads_read_planes_without_a_teacher(table_file):
    losses = train(new_trainer(table_file), 2)
    assert (column(losses, "recognition") > 0).all()
    assert (column(losses, "distillation") == 0).all()


def test_ctc_heads_read_planes_without_a_teacher(table_file):
    losses = column(train(new_trainer(table_file, CTC_PLANES), 8), "recognition")
    assert losses[-2:].mean() < 0.8 * losses[:2].mean(), losses


def test_ctc_heads_begin_at_random_beside_a_teacher(table_file):
    with_teacher, without = (
        new_trainer(table_file, settings, teacher=teacher).network.recognition.state_dict()
        for settings, teacher in ((CTC, reader()), (replace(CTC, loss=SpotterLoss()), None))
    )
    assert all(torch.equal(value, without[name]) for name, value in with_teacher.items())
    losses = train(new_trainer(table_file, CTC, teacher=reader()), 2)
    assert (column(losses, "distillation") > 0).all()


def test_words_that_are_too_long_for_ctc_are_left_out_and_counted(table_file):
    left_out = []
    for settings, teacher in ((CTC, reader()), (DISTILLED, reader())):
        trainer = new_trainer(table_file, settings, LongWords, teacher=teacher)
        assert trainer.left_out == 0
        assert train(trainer, 1).isfinite().all()
        assert all(weight.isfinite().all() for weight in trainer.network.parameters())
        left_out.append(trainer.left_out)
    assert left_out[0] > 0
    assert left_out[1] == 0  # attention decoders write any length


@pytest.mark.parametrize("settings", [DISTILLED, CTC], ids=["attention", "ctc"])
def test_a_restored_training_goes_on_bit_for_bit(table_file, settings):
    whole, first, second = (new_trainer(table_file, settings, teacher=reader()) for _ in range(3))
    losses = train(whole, 3)
    train(first, 2)
    second.restore(2, first.state())
    assert torch.equal(train(second, 1)[0], losses[2])
    resumed = second.state()
    for name, value in whole.state().items():
        assert torch.equal(value, resumed[name]), name


@pytest.mark.parametrize("settings", [SMALL, CTC_PLANES], ids=["attention", "ctc"])
def test_frozen_parts_keep_their_bits_and_their_batch_statistics(table_file, settings):
    trainer = new_trainer(table_file, replace(settings, freeze=("trunk", "segmentation", "box")))
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    train(trainer, 2)
    for name, value in trainer.network.state_dict().items():
        is_frozen = name.split(".")[0] in ("trunk", "segmentation", "box")
        assert torch.equal(value, before[name]) == is_frozen or name.endswith("attention_bias"), name


def test_a_training_begins_with_a_detectors_weights(table_file):
    detector = DetectorTrainer(replace_detector(), SceneTable(table_file)).average
    trainer = new_trainer(table_file, start=detector.state_dict())
    weights = trainer.network.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in detector.state_dict().items())


def replace_detector():
    from raygroup.spotter_config import Detector

    return Detector(seed=7, samples=SAMPLES)


@pytest.mark.parametrize(
    ("settings", "teacher", "words"),
    [
        (replace(SMALL, freeze=("neck",)), None, "freeze: no part neck"),
        (DISTILLED, None, "must be 0 without a teacher"),
        (SMALL, reader, "heads.source is 'planes'"),
        (CTC, None, "must be 0 without a teacher"),
        (replace(CTC, loss=SpotterLoss()), reader, "loss.distillation is 0: CTC heads"),
    ],
)
def test_settings_that_do_not_fit_are_named(table_file, settings, teacher, words):
    with pytest.raises(ConfigError, match=words):
        new_trainer(table_file, settings, teacher=teacher() if teacher else None)


def losses_and_weights(table_file, settings, worker=SOLE_RANK):
    torch.set_num_threads(1)
    trainer = new_trainer(table_file, settings, LongWords, teacher=reader(), worker=worker, dtype=torch.float64)
    losses = train(trainer, 2)
    return {
        "losses": losses,
        "left out": torch.tensor(trainer.left_out),
        **{name: value.contiguous() for name, value in trainer.network.state_dict().items()},
    }


def run_worker(rank, world, table_file, folder, settings):
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/group", rank=rank, world_size=world)
    save_file(losses_and_weights(table_file, settings, WorkerRank(rank, world)), folder / f"{rank}.safetensors")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize("settings", [DISTILLED, CTC], ids=["attention", "ctc"])
def test_two_workers_take_the_steps_of_one(table_file, tmp_path, settings):
    multiprocessing.set_forkserver_preload(["raygroup.training.spotter.spotter_trainer"])
    torch.multiprocessing.start_processes(run_worker, (2, table_file, tmp_path, settings), 2, start_method="forkserver")
    one, two = losses_and_weights(table_file, settings), load_file(tmp_path / "0.safetensors")
    assert (one["left out"] > 0) == (settings is CTC)
    for name, value in one.items():
        assert torch.allclose(value.double(), two[name].double(), rtol=1e-6, atol=1e-6), (name, value, two[name])
