"""Test that several workers take the steps that one worker takes alone.

The workers are real processes that communicate over gloo.
"""

import multiprocessing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pack_fixtures import make_data
from safetensors.torch import load_file, save_file
from torch import Tensor

from raygroup.config import Grouping, Heads, Loss, Training, Trial
from raygroup.errors import ConfigError
from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import FORMS
from raygroup.model.laptop_trunk import Trunk
from raygroup.training.packs.inputs import draw_inputs
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.sharding import SOLE_RANK, WorkerRank
from raygroup.training.universal_weights import UniversalModel
from raygroup.training.word_reading import predict_words
from raygroup.trunks import FEATURE_GRID, FEATURES
from raygroup.words.charset import Charset

CHARSET = Charset(tuple("abcdefghijkl"))
LABELS = ["".join(CHARSET.characters[(3 * word + place) % 12] for place in range(1 + word % 5)) for word in range(24)]
FLAT, PLANES, UNEVEN = (6, 8), (6, 4, 8), (6, 6, 10)
FIRST = Trial(
    heads=Heads(count=3, embed=4, hidden=8, start="independent"), training=Training(steps=200, batch=8, assignment_learning_rate=0.05)
)
SECOND = replace(
    FIRST, seed=1, grouping=Grouping(base_coefficient=0.0, temperature=2.0, min_tasks=0.5), loss=Loss(recognition=0.5, grouping=2.0),
    training=replace(FIRST.training, clip=0.05, learning_rate=3e-3),
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A pack of ``FIRST`` and ``SECOND`` with some settings changed."""

    settings: tuple[tuple[str, object], ...] = ()
    form: str = "plain"
    dtype: torch.dtype = torch.float64
    steps: int = 6
    shape: tuple[int, ...] = FLAT
    accumulate: int = 1

    def trials(self) -> list[Trial]:
        trials = [FIRST, SECOND]
        for path, value in self.settings:
            trials = [trial.replaced(path, value) for trial in trials]
        return trials


def run_of(words: int, **others: object) -> Run:
    return Run((("training.batch", words),), **others)


LONG = {"long": Run(steps=200), "long in single precision": Run(steps=200, dtype=torch.float32, form="winograd")}
DRAWN = Run((("grouping.heads_per_word", 2),))
BY_LOSS = Run((("loss.grouping", 0.0), ("grouping.assignment", "loss")))
OPTIONS = {
    "as they are": Run(),
    "a draw for every word": Run((("grouping.sample", "word"),)),
    "a draw for every word, Eq. (9) on the softmax": Run((("grouping.sample", "word"), ("grouping.penalty_on", "softmax"))),
    "Eq. (9) on the softmax": Run((("grouping.penalty_on", "softmax"),)),
    "sums over words": Run((("loss.words", "sum"),)),
    "sums over characters": Run((("loss.length", "sum"),)),
    "control": Run((("grouping.control", True),)),
    "one head per task": Run((("heads.count", 2), ("grouping.method", "one-per-task"))),
    "heads of mixed sizes": Run((("heads.hidden", (8, 4, 6)),), form="factored"),
    "planes": Run(shape=PLANES, form="winograd"),
    "drawn heads": DRAWN,
    "drawn heads on planes": replace(DRAWN, shape=PLANES, form="winograd"),
    "drawn heads in 3 parts": replace(DRAWN, accumulate=3),
    "R_TM by losses": BY_LOSS,
    "R_TM by losses of drawn heads": replace(DRAWN, settings=DRAWN.settings + BY_LOSS.settings, accumulate=2),
}
ACCUMULATED = {f"{parts} parts": Run((("grouping.sample", "word"),), accumulate=parts) for parts in (2, 3)}
ONE_WORD = {
    f"one word, {form}, {name}": run_of(1, form=form, shape=shape, steps=4)
    for form in ("plain", "factored", "winograd", "bf16")
    for name, shape in (("flat", FLAT), ("planes", PLANES), ("uneven planes", UNEVEN))
}
HALF = {"half precision": Run(form="bf16", dtype=torch.float32, shape=PLANES)}
THREE = {
    "seven words": run_of(7),
    "seven words in 2 parts": run_of(7, accumulate=2, shape=PLANES, form="winograd"),
    "two words": run_of(2),
    "two words, each with its own draw": Run((("training.batch", 2), ("grouping.sample", "word"))),
}
RUNS = {2: OPTIONS | ACCUMULATED | ONE_WORD | HALF, 3: THREE}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


def make_pack(run: Run, folder: Path, worker: WorkerRank = SOLE_RANK) -> Pack:
    head = HeadBank(1, CHARSET.num_classes, features=FEATURES, positions=FEATURE_GRID, embed=4, hidden=8)
    folder.mkdir(parents=True, exist_ok=True)
    data = make_data(folder, run.shape, LABELS, CHARSET)
    return Pack(
        run.trials(), data, UniversalModel(Trunk(), head, CHARSET), kernels=FORMS[run.form], worker=worker, accumulate=run.accumulate,
        dtype=run.dtype,
    )  # fmt: skip


def train(run: Run, folder: Path, worker: WorkerRank = SOLE_RANK) -> dict[str, Tensor]:
    """Return the record of every step and the last state, by name."""
    pack = make_pack(run, folder, worker)
    records = torch.stack([pack.advance() for _ in range(run.steps)])
    return {"records": records} | {f"{number}.{name}": value.clone() for number in range(2) for name, value in pack.state(number).items()}


def run_worker(rank: int, world: int, runs: dict[str, Run], folder: str) -> None:
    """Train every pack on one worker, and write each outcome to a file."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/group", rank=rank, world_size=world)
    for number, run in enumerate(runs.values()):
        save_file(train(run, Path(folder) / str(rank), WorkerRank(rank, world)), Path(folder) / f"{rank}-{number}.safetensors")
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def sharded(tmp_path_factory) -> dict[int, dict[str, list[dict[str, Tensor]]]]:
    """Return the outcomes on all ranks, by number of workers and by run."""
    return {world: train_sharded(world, runs, tmp_path_factory.mktemp("workers")) for world, runs in RUNS.items()}


@pytest.fixture(scope="module")
def sharded_long(tmp_path_factory) -> dict[str, list[dict[str, Tensor]]]:
    """Return the outcomes of the long runs on both ranks, by run."""
    return train_sharded(2, LONG, tmp_path_factory.mktemp("workers"))


def train_sharded(world: int, runs: dict[str, Run], folder: Path) -> dict[str, list[dict[str, Tensor]]]:
    """Return the outcomes on all ranks, by run. All workers are forked from one process, which imports torch once."""
    multiprocessing.set_forkserver_preload(["raygroup.training.packs.pack"])
    torch.multiprocessing.start_processes(run_worker, (world, runs, str(folder)), world, start_method="forkserver")
    files = {name: [folder / f"{rank}-{number}.safetensors" for rank in range(world)] for number, name in enumerate(runs)}
    return {name: [load_file(path) for path in paths] for name, paths in files.items()}


def differences(outcome: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> list[str]:
    """Return the names of the tensors that differ by more than ``tolerance``."""
    assert outcome.keys() == expected.keys()
    return [name for name, value in outcome.items() if not torch.allclose(value, expected[name], rtol=tolerance, atol=tolerance)]


def assignments(outcome: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the head of each task at every step, and its lead.

    Both are (steps, k, t). The lead is over the next head in R_TM. The first step of Adam moves
    every entry by the same amount, up or down. So two heads can be equal, and rounding decides.
    """
    best = outcome["records"][..., :6].unflatten(-1, (2, 3)).topk(2)
    return best.indices[..., 0], best.values[..., 0] - best.values[..., 1]


@pytest.mark.parametrize(("world", "name"), [(world, name) for world, runs in RUNS.items() for name in runs])
def test_all_workers_end_with_the_same_bits(world, name, sharded):
    first, *others = sharded[world][name]
    assert all(torch.equal(value, other[key]) for other in others for key, value in first.items())


@pytest.mark.parametrize(
    ("world", "name"), [(world, name) for world, runs in RUNS.items() for name, run in runs.items() if run.dtype == torch.float64]
)
def test_several_workers_have_the_records_and_the_weights_of_one_alone(world, name, sharded, tmp_path):
    run = RUNS[world][name]
    alone = train(replace(run, accumulate=1), tmp_path)
    tolerance = 1e-9 if run.form != "bf16" or run.shape == FLAT else 1e-2
    assert differences(sharded[world][name][0], alone, tolerance) == []
    assert not torch.equal(alone["records"][0], alone["records"][-1])


@pytest.mark.slow
def test_several_workers_have_the_records_of_one_alone_over_200_steps_in_float64(sharded_long, tmp_path):
    first, second = sharded_long["long"]
    assert differences(first, second, 0.0) == []
    assert differences(first, train(LONG["long"], tmp_path), 1e-9) == []


@pytest.mark.slow
def test_several_workers_have_the_assignments_of_one_alone_over_200_steps_in_float32(sharded_long, tmp_path):
    name = "long in single precision"
    alone, together = train(LONG[name], tmp_path), sharded_long[name][0]
    (heads, _), (expected, lead) = assignments(together), assignments(alone)
    undecided = lead < 1e-3
    assert torch.equal(heads[~undecided], expected[~undecided])
    assert undecided.float().mean() < 0.01
    assert (expected[1:] != expected[:-1]).any()
    assert differences(together, alone, 1e-3) == []


def test_several_workers_come_close_to_one_alone_in_half_precision(sharded, tmp_path):
    alone, together = train(HALF["half precision"], tmp_path), sharded[2]["half precision"][0]
    assert torch.allclose(together["records"], alone["records"], rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("parts", [2, 9])
@pytest.mark.parametrize("name", OPTIONS)
def test_words_read_in_parts_give_the_same_step_as_words_read_at_once(name, parts, tmp_path):
    run = RUNS[2][name]
    assert differences(train(replace(run, accumulate=parts), tmp_path), train(run, tmp_path), 1e-9) == []


def test_one_worker_that_reads_its_words_at_once_is_the_default(tmp_path):
    run = replace(LONG["long in single precision"], steps=3)
    pack = make_pack(run, tmp_path)
    assert (pack.worker, pack.accumulate, pack.dtype) == (SOLE_RANK, 1, torch.float32)
    assert WorkerRank(0, 1) == SOLE_RANK


def test_words_keep_their_noise_and_hidden_characters_in_any_share(tmp_path):
    trials = Run((("training.batch", 7), ("grouping.sample", "word"))).trials()
    data = make_data(tmp_path, FLAT, LABELS, CHARSET)
    whole = draw_inputs(data, trials, 5)
    shares = [share for rank in range(3) for share in WorkerRank(rank, 3).shares(2)]
    for share in shares:
        part = draw_inputs(data, trials, 5, share=share)
        assert torch.equal(part.words, whole.words[share.rows])
        assert torch.equal(part.noise, whole.noise[:, share.rows])
        assert torch.equal(part.lengths, whole.lengths[share.rows])
        for place, row in enumerate(range(7)[share.rows]):
            assert torch.equal(part.characters[part.owners == place], whole.characters[whole.owners == row])
            assert torch.equal(part.inputs[:, part.owners == place], whole.inputs[:, whole.owners == row])
    assert sorted(row for share in shares for row in range(7)[share.rows]) == list(range(7))
    assert [share.is_first for share in shares] == [True] + [False] * 5


def test_the_shares_of_workers_differ_by_at_most_one_word():
    sizes = [[len(range(48)[share.rows]) for share in WorkerRank(rank, 5).shares(1)] for rank in range(5)]
    assert sizes == [[10], [10], [10], [9], [9]]


def test_a_rank_outside_the_world_is_refused():
    with pytest.raises(ValueError, match="rank is 2: it must be from 0 to 1"):
        WorkerRank(2, 2)


@pytest.mark.parametrize(("worker", "accumulate"), [(WorkerRank(1, 2), 1), (SOLE_RANK, 2)])
def test_cuda_graphs_are_for_one_worker_that_reads_its_words_at_once(worker, accumulate, tmp_path):
    run = replace(LONG["long"], form="graphs", accumulate=accumulate)
    with pytest.raises(ConfigError, match="kernels are 'graphs': a CUDA graph is a step of one worker") as raised:
        make_pack(run, tmp_path, worker)
    assert "\n" not in str(raised.value)


def test_fewer_than_one_part_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="accumulate is 0: it must be a whole number from 1"):
        make_pack(Run(accumulate=0), tmp_path)


def test_a_pack_in_float64_computes_and_reads_in_float64(tmp_path):
    pack = make_pack(Run(shape=PLANES, form="winograd"), tmp_path)
    pack.advance()
    other_dtypes = {name: value.dtype for name, value in pack.state(0).items() if value.dtype != torch.float64}
    assert other_dtypes == {"optimizer.step": torch.float32}
    assert {rows.dtype for rows in pack.split_records([pack.advance()])} == {np.dtype(np.float64)}
    trained = pack.trained_trial(0)
    assert trained.bank.output.dtype == trained.classifier.decide.dtype == torch.float64
    assert len(predict_words(trained, np.arange(6), np.zeros(6, np.int32)).reading) == 6
