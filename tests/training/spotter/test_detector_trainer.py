"""A detector's training: it resumes bit for bit, and two workers take the steps of one."""

import multiprocessing

import pytest
import torch
from rendered_scenes_for_tests import store_of
from safetensors.torch import load_file, save_file

from raygroup.scenes.scene_table import SceneTable, write_scene_table
from raygroup.spotter_config import Detector, DetectorTraining, Samples
from raygroup.training.packs.sharding import SOLE_RANK, WorkerRank
from raygroup.training.spotter.detector_trainer import DetectorTrainer
from raygroup.training.spotter.detector_weights import load_detector, save_detector

SMALL = Detector(samples=Samples(side=64), training=DetectorTraining(steps=4, batch=4, warm_up=2))


@pytest.fixture(scope="module")
def table_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    write_scene_table(store_of(folder, 4), folder / "scenes.arrow")
    return folder / "scenes.arrow"


def train(trainer, steps):
    return [trainer.advance() for _ in range(steps)]


def test_a_restored_training_goes_on_bit_for_bit(table_file):
    torch.set_num_threads(1)
    table = SceneTable(table_file)
    whole, first, second = (DetectorTrainer(SMALL, table) for _ in range(3))
    losses = train(whole, 4)
    train(first, 2)
    second.restore(2, first.state())
    assert all(torch.equal(one, other) for one, other in zip(train(second, 2), losses[2:], strict=True))
    resumed = second.state()
    for name, value in whole.state().items():
        assert torch.equal(value, resumed[name]), name


@pytest.mark.slow
def test_training_lowers_the_loss_on_its_scenes(table_file):
    samples = Samples(side=96, variation=0.0, rotation=0.0, smallest_zoom=2.0, largest_zoom=2.0, around_words=1.0)
    settings = Detector(samples=samples, training=DetectorTraining(steps=30, batch=4, warm_up=3))
    losses = torch.stack(train(DetectorTrainer(settings, SceneTable(table_file)), 30))
    assert losses[-8:, 1].mean() < 0.8 * losses[:4, 1].mean(), losses
    assert losses[-8:, 0].mean() < losses[:4, 0].mean(), losses


def losses_and_weights(table_file, worker=SOLE_RANK):
    torch.set_num_threads(1)
    trainer = DetectorTrainer(SMALL, SceneTable(table_file), worker=worker, dtype=torch.float64)
    losses = torch.stack(train(trainer, 3))
    return {"losses": losses, **{name: value.contiguous() for name, value in trainer.network.state_dict().items()}}


def run_worker(rank, world, table_file, folder):
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/group", rank=rank, world_size=world)
    save_file(losses_and_weights(table_file, WorkerRank(rank, world)), folder / f"{rank}.safetensors")
    torch.distributed.destroy_process_group()


def test_two_workers_take_the_steps_of_one(table_file, tmp_path):
    multiprocessing.set_forkserver_preload(["raygroup.training.spotter.detector_trainer"])
    torch.multiprocessing.start_processes(run_worker, (2, table_file, tmp_path), 2, start_method="forkserver")
    one, two = losses_and_weights(table_file), load_file(tmp_path / "0.safetensors")
    for name, value in one.items():
        assert torch.allclose(value.double(), two[name].double(), rtol=1e-6, atol=1e-6), (name, value, two[name])


def test_a_weights_file_gives_the_same_maps(table_file, tmp_path):
    trainer = DetectorTrainer(SMALL, SceneTable(table_file))
    train(trainer, 1)
    save_detector(tmp_path / "detector.safetensors", trainer.average, "compact", {"data": "abc"})
    network, about = load_detector(tmp_path / "detector.safetensors")
    images = torch.randn(1, 3, 64, 96)
    assert about["data"] == "abc"
    assert torch.allclose(network(images), trainer.average.eval()(images), atol=1e-5)
