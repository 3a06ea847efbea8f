"""Several workers for one pack, as real processes that talk over gloo: together they take the steps that one worker takes alone."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from test_pack import made_material
from torch import Tensor

from raygroup.config import Grouping, Heads, Loss, Training, Trial
from raygroup.errors import ConfigError
from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import FORMS
from raygroup.model.laptop_trunk import FEATURES, POSITIONS, Trunk
from raygroup.training.packs.inputs import drawn
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.sharding import ALONE, Shard
from raygroup.training.universal_weights import Universal
from raygroup.training.word_reading import read_words
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
    """A pack of ``FIRST`` and ``SECOND`` with these settings changed."""

    settings: tuple[tuple[str, object], ...] = ()
    form: str = "plain"
    dtype: torch.dtype = torch.float64
    steps: int = 12
    shape: tuple[int, ...] = FLAT
    accumulate: int = 1

    def trials(self) -> list[Trial]:
        found = [FIRST, SECOND]
        for path, value in self.settings:
            found = [trial.replaced(path, value) for trial in found]
        return found


def batch(words: int, **others: object) -> Run:
    return Run((("training.batch", words),), **others)


LONG = {"long": Run(steps=200), "long in single precision": Run(steps=200, dtype=torch.float32, form="winograd")}
OPTIONS = {
    "a draw for every word": Run((("grouping.sample", "word"),)),
    "a draw for every word, Eq. (9) on the softmax": Run((("grouping.sample", "word"), ("grouping.penalty_on", "softmax"))),
    "Eq. (9) on the softmax": Run((("grouping.penalty_on", "softmax"),)),
    "sums over words": Run((("loss.words", "sum"),)),
    "sums over characters": Run((("loss.length", "sum"),)),
    "control": Run((("grouping.control", True),)),
    "one head per task": Run((("heads.count", 2), ("grouping.method", "one-per-task"))),
    "heads of mixed sizes": Run((("heads.hidden", (8, 4, 6)),), form="factored"),
    "planes": Run(shape=PLANES, form="winograd"),
}
ACCUMULATED = {f"{parts} parts": Run((("grouping.sample", "word"),), accumulate=parts) for parts in (2, 3)}
ONE_WORD = {
    f"one word, {form}, {name}": batch(1, form=form, shape=shape, steps=4)
    for form in ("plain", "factored", "winograd", "bf16")
    for name, shape in (("flat", FLAT), ("planes", PLANES), ("uneven planes", UNEVEN))
}
HALF = {"half precision": Run(form="bf16", dtype=torch.float32, shape=PLANES)}
THREE = {
    "seven words": batch(7),
    "seven words in 2 parts": batch(7, accumulate=2, shape=PLANES, form="winograd"),
    "two words": batch(2),
    "two words, each with its own draw": Run((("training.batch", 2), ("grouping.sample", "word"))),
}
RUNS = {2: LONG | OPTIONS | ACCUMULATED | ONE_WORD | HALF, 3: THREE}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


def pack_of(run: Run, folder: Path, shard: Shard = ALONE) -> Pack:
    head = HeadBank(1, CHARSET.num_classes, features=FEATURES, positions=POSITIONS, embed=4, hidden=8)
    folder.mkdir(parents=True, exist_ok=True)
    material = made_material(folder, run.shape, LABELS, CHARSET)
    return Pack(
        run.trials(), material, Universal(Trunk(), head, CHARSET), kernels=FORMS[run.form], shard=shard, accumulate=run.accumulate,
        dtype=run.dtype,
    )  # fmt: skip


def outcome(run: Run, folder: Path, shard: Shard = ALONE) -> dict[str, Tensor]:
    """Evidence of every step and the last state, by name."""
    pack = pack_of(run, folder, shard)
    found = {"evidence": torch.stack([pack.advance() for _ in range(run.steps)])}
    return found | {f"{number}.{name}": value.clone() for number in range(2) for name, value in pack.state(number).items()}


def work(rank: int, world: int, runs: dict[str, Run], folder: str) -> None:
    """One worker: every run in turn, its outcome in a file."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/group", rank=rank, world_size=world)
    for number, run in enumerate(runs.values()):
        save_file(outcome(run, Path(folder) / str(rank), Shard(rank, world)), Path(folder) / f"{rank}-{number}.safetensors")
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def sharded(tmp_path_factory) -> dict[int, dict[str, list[dict[str, Tensor]]]]:
    """By the number of workers and the name of the run, what each rank ended with."""
    found = {}
    for world, runs in RUNS.items():
        folder = tmp_path_factory.mktemp("workers")
        torch.multiprocessing.spawn(work, (world, runs, str(folder)), world)
        files = {name: [folder / f"{rank}-{number}.safetensors" for rank in range(world)] for number, name in enumerate(runs)}
        found[world] = {name: [load_file(path) for path in paths] for name, paths in files.items()}
    return found


def differ(mine: dict[str, Tensor], theirs: dict[str, Tensor], tolerance: float) -> list[str]:
    assert mine.keys() == theirs.keys()
    return [name for name, value in mine.items() if not torch.allclose(value, theirs[name], rtol=tolerance, atol=tolerance)]


def assignments(found: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The head of each task at every step (steps, k, t), and how far it leads in R_TM: Adam's first step moves every entry alike, up or
    down, so that two heads stand level and rounding chooses."""
    best = found["evidence"][..., :6].unflatten(-1, (2, 3)).topk(2)
    return best.indices[..., 0], best.values[..., 0] - best.values[..., 1]


@pytest.mark.parametrize(("world", "name"), [(world, name) for world, runs in RUNS.items() for name in runs])
def test_all_workers_end_with_the_same_bits(world, name, sharded):
    first, *others = sharded[world][name]
    assert all(torch.equal(value, other[key]) for other in others for key, value in first.items())


@pytest.mark.parametrize(
    ("world", "name"), [(world, name) for world, runs in RUNS.items() for name, run in runs.items() if run.dtype == torch.float64]
)
def test_workers_together_have_the_losses_the_assignments_and_the_weights_of_one_alone(world, name, sharded, tmp_path):
    run = RUNS[world][name]
    alone = outcome(replace(run, accumulate=1), tmp_path)
    tolerance = 1e-9 if run.form != "bf16" or run.shape == FLAT else 1e-2
    assert differ(sharded[world][name][0], alone, tolerance) == []
    assert not torch.equal(alone["evidence"][0], alone["evidence"][-1])


def test_in_single_precision_workers_have_the_assignments_of_one_alone_over_200_steps(sharded, tmp_path):
    name = "long in single precision"
    alone, together = outcome(LONG[name], tmp_path), sharded[2][name][0]
    (mine, _), (theirs, lead) = assignments(together), assignments(alone)
    level = lead < 1e-3
    assert torch.equal(mine[~level], theirs[~level])
    assert level.float().mean() < 0.01
    assert (theirs[1:] != theirs[:-1]).any()
    assert differ(together, alone, 1e-3) == []


def test_in_half_precision_workers_come_close_to_one_alone(sharded, tmp_path):
    alone, together = outcome(HALF["half precision"], tmp_path), sharded[2]["half precision"][0]
    assert torch.allclose(together["evidence"], alone["evidence"], rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("parts", [2, 3, 9])
@pytest.mark.parametrize("name", ["long", *OPTIONS])
def test_words_read_in_parts_give_the_step_of_words_read_at_once(name, parts, tmp_path):
    run = replace(RUNS[2][name], steps=12)
    assert differ(outcome(replace(run, accumulate=parts), tmp_path), outcome(run, tmp_path), 1e-9) == []


def test_the_default_is_one_worker_that_reads_its_words_at_once(tmp_path):
    run = replace(LONG["long in single precision"], steps=3)
    pack = pack_of(run, tmp_path)
    assert (pack.shard, pack.accumulate, pack.dtype) == (ALONE, 1, torch.float32)
    assert Shard(0, 1) == ALONE


def test_the_shares_of_a_step_are_its_words_with_their_own_noise_and_hidden_characters(tmp_path):
    trials = Run((("training.batch", 7), ("grouping.sample", "word"))).trials()
    material = made_material(tmp_path, FLAT, LABELS, CHARSET)
    whole = drawn(material, trials, 5)
    shares = [share for rank in range(3) for share in Shard(rank, 3).shares(2)]
    for share in shares:
        part = drawn(material, trials, 5, share=share)
        assert torch.equal(part.words, whole.words[share.rows])
        assert torch.equal(part.noise, whole.noise[:, share.rows])
        assert torch.equal(part.lengths, whole.lengths[share.rows])
        for place, row in enumerate(range(7)[share.rows]):
            assert torch.equal(part.characters[part.owners == place], whole.characters[whole.owners == row])
            assert torch.equal(part.inputs[:, part.owners == place], whole.inputs[:, whole.owners == row])
    assert sorted(row for share in shares for row in range(7)[share.rows]) == list(range(7))
    assert [share.first for share in shares] == [True] + [False] * 5


def test_no_worker_has_more_than_one_word_more_than_another():
    sizes = [[len(range(48)[share.rows]) for share in Shard(rank, 5).shares(1)] for rank in range(5)]
    assert sizes == [[10], [10], [10], [9], [9]]


def test_a_rank_outside_its_world_is_refused():
    with pytest.raises(ValueError, match="rank is 2: it must be from 0 to 1"):
        Shard(2, 2)


@pytest.mark.parametrize(("shard", "accumulate"), [(Shard(1, 2), 1), (ALONE, 2)])
def test_cuda_graphs_are_for_one_worker_that_reads_its_words_at_once(shard, accumulate, tmp_path):
    run = replace(LONG["long"], form="graphs", accumulate=accumulate)
    with pytest.raises(ConfigError, match="kernels are 'graphs': a CUDA graph is a step of one worker") as raised:
        pack_of(run, tmp_path, shard)
    assert "\n" not in str(raised.value)


def test_parts_are_one_at_least(tmp_path):
    with pytest.raises(ConfigError, match="accumulate is 0: it must be a whole number from 1"):
        pack_of(Run(accumulate=0), tmp_path)


def test_a_pack_in_double_precision_is_that_throughout_and_reads(tmp_path):
    pack = pack_of(Run(shape=PLANES, form="winograd"), tmp_path)
    pack.advance()
    kinds = {name: value.dtype for name, value in pack.state(0).items() if value.dtype != torch.float64}
    assert kinds == {"optimizer.step": torch.float32}
    (rows,) = {evidence.dtype for evidence in pack.evidence([pack.advance()])}
    assert rows == np.float64
    trained = pack.trained(0)
    assert trained.bank.output.dtype == trained.classifier.decide.dtype == torch.float64
    assert len(read_words(trained, np.arange(6), np.zeros(6, np.int32)).reading) == 6
