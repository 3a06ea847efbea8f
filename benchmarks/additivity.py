"""Check that group heads add up: the head of a group reads as the head of that group in a grouping that is trained jointly.

Run ``python benchmarks/additivity.py --trial FOLDER [--steps N]``. FOLDER is a finished bank of group heads, such as one of
``oracle_planted``: its words, weights and recipe are used. Without it, words and features are random (``--quick``). Five groupings are
trained jointly, and their groups in one bank, in double and in single precision. Strings are those of each word under the head of its task.
The last line is one JSON object.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from machine import machine_name, print_figures
from timing import prepare_process
from training_problem import random_training_data

from raygroup.config import Grouping, Heads, Loss, Training, Trial
from raygroup.files.atomic import read_json
from raygroup.files.retry import Retry
from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.decoding import Reader
from raygroup.model.laptop_trunk import Trunk
from raygroup.runtime.attempt.pack_inputs import load_training_data, load_universal_weights
from raygroup.search_space import any_trial_from_json
from raygroup.tables.stability.partitions import draw_partitions, groups_of
from raygroup.task_groups import Groups
from raygroup.tasks import by_paper_order
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.training_data import TrainingData
from raygroup.training.universal_weights import UniversalModel
from raygroup.trunks import FEATURE_GRID, FEATURE_SHAPE, FEATURES

BLOCKS = (2, 3, 4, 4, 5)
"""Groups of the five groupings."""
LONGEST = 12
_AT_ONCE = 256

Group = tuple[str, ...]


def main() -> None:
    """Train, compare, and end with one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="random words and 20 steps")
    parser.add_argument("--trial", type=Path, metavar="FOLDER", help="a finished bank of group heads, in its storage path")
    parser.add_argument("--steps", type=int, help="default: those of the trial, or 20")
    options = parser.parse_args()
    prepare_process()
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        trial, data, universal, rows = _real(options.trial) if options.trial else _random(Path(folder))
        steps = options.steps or (trial.training.steps if options.trial and not options.quick else 20)
        trial = replace(trial, training=replace(trial.training, steps=steps))
        for name, dtype in (("float64", torch.float64), ("float32", torch.float32)):
            figures |= {f"{name} {key}": value for key, value in _compare(trial, data, universal, rows, dtype).items()}
    print_figures(figures)
    print(json.dumps({**figures, "steps": steps, "machine": machine_name()}))


def _real(folder: Path) -> tuple[Trial, TrainingData, UniversalModel, np.ndarray]:
    """Return the recipe, words and weights of a bank, and the rows of its test words."""
    config, storage = read_json(folder / "config.json"), folder.parent.parent
    trial = any_trial_from_json(config["trial"])
    assert isinstance(trial, Trial)
    words, data = load_training_data(storage / config["store"], storage / config["features"], trial, Retry(60))
    rows = np.concatenate([words.rows_of(split) for split in ("new", "unseen")])
    return trial, data, load_universal_weights(storage, config["weights"]), rows


def _random(folder: Path) -> tuple[Trial, TrainingData, UniversalModel, np.ndarray]:
    data = random_training_data(folder, FEATURE_SHAPE, 60)
    head = HeadBank(1, 60, features=FEATURES, positions=FEATURE_GRID, embed=16, hidden=16)
    head.requires_grad_(False).initialise(0, torch.Generator().manual_seed(0))
    trial = Trial(heads=Heads(count=1, embed=16, hidden=16), training=Training(batch=16))
    return trial, data, UniversalModel(Trunk(), head, data.charset), np.arange(len(data.lengths))


def _compare(
    trial: Trial, data: TrainingData, universal: UniversalModel, rows: np.ndarray, dtype: torch.dtype
) -> dict[str, float | int]:  # fmt: skip
    """Return the largest difference between weights, and how many strings are equal."""
    tasks = data.tasks
    named = [_in_order(groups_of(draw_partitions(len(tasks), blocks, 1, place)[0], tasks), tasks) for place, blocks in enumerate(BLOCKS)]
    groups = tuple(dict.fromkeys(group for grouping in named for group in grouping))
    bank = _trained(trial, groups, "cover", data, universal, dtype)
    largest, equal, compared = 0.0, 0, 0
    for grouping in named:
        joint = _trained(trial, grouping, "explicit", data, universal, dtype)
        for place, group in enumerate(grouping):
            largest = max(largest, _largest_difference(bank, groups.index(group), joint, place))
            own = rows[np.isin(data.p_wt[rows].argmax(1), [tasks.index(task) for task in group])]
            pairs = zip(_strings(bank, groups.index(group), own), _strings(joint, place, own), strict=True)
            equal += sum(one == other for one, other in pairs)
            compared += len(own)
    return {"largest difference of weights": largest, "equal strings": equal, "strings": compared}


def _in_order(groups: Groups, tasks: Sequence[str]) -> tuple[Group, ...]:
    return tuple(sorted((by_paper_order(set(group)) for group in groups), key=lambda group: tasks.index(group[0])))


def _trained(
    trial: Trial, groups: tuple[Group, ...], method: str, data: TrainingData, universal: UniversalModel, dtype: torch.dtype
) -> Pack:  # fmt: skip
    grouping = Grouping(method=method, groups=groups, base_coefficient=0.0)
    settings = replace(trial, heads=replace(trial.heads, count=len(groups)), grouping=grouping, loss=Loss(grouping=0.0, task=0.0))
    pack = Pack([settings], data, universal, dtype=dtype)
    for _ in range(trial.training.steps):
        pack.advance()
    return pack


def _largest_difference(bank: Pack, head: int, joint: Pack, place: int) -> float:
    one, other = bank.state(0), joint.state(0)
    names = [name for name in one if name.startswith("heads.")]
    return max(float((one[name][head] - other[name][place]).abs().max()) for name in names)


def _strings(pack: Pack, head: int, rows: np.ndarray) -> list[str]:
    trained = pack.trained_trial(0)
    reader = Reader(trained.bank, trained.kernels)
    found: list[str] = []
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        words = torch.from_numpy(trained.data.features.rows(part)).to(pack.dtype)
        decoded = reader.greedy(words, torch.full((len(part),), head), LONGEST)
        found += [trained.data.charset.decode(classes) for classes in decoded.classes.tolist()]
    return found


if __name__ == "__main__":
    main()
