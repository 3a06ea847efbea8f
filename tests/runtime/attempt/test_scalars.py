"""What TensorBoard finds in a trial's folder."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from sweep_process import trial_folders
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

from raygroup.files.atomic import read_json
from raygroup.runtime.attempt.scalars import scalar_point, write_scalars
from raygroup.scoring.predictions import read_predictions, score_predictions


def events(trial: Path) -> list[Any]:
    """Read every event. A record is its length in 8 bytes, a checksum of 4, the event, and a checksum of 4."""
    found = []
    for path in sorted((trial / "tensorboard").iterdir()):
        content = path.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])
            found.append(Event.FromString(content[12 : 12 + length]))
            content = content[16 + length :]
    return found


def scalars(trial: Path) -> dict[str, dict[int, float]]:
    """Return the points of every curve: step -> value."""
    curves: dict[str, dict[int, float]] = {}
    for event in events(trial):
        for value in event.summary.value:
            if not value.HasField("metadata"):
                curves.setdefault(value.tag, {})[event.step] = value.simple_value
    return curves


def test_a_trial_has_a_point_every_ten_steps_and_its_scores_at_the_end(finished):
    trial = trial_folders(finished)[0]
    curves = scalars(trial)
    assert {name: list(points) for name, points in curves.items() if name.startswith(("loss/", "head/", "dec"))} == {
        name: [10, 20] for name in ("loss/integrated", "loss/grouping", "loss/task", "decisiveness", "head/ar", "head/hi", "head/la")
    }
    expected = score_predictions(read_predictions(trial / "predictions.parquet"), "unseen")
    assert curves["accuracy_unseen/mean"] == {20: np.float32(expected.mean.accuracy)}
    assert curves["1-NED_unseen/ar"] == {20: np.float32(expected.by_task["ar"].one_minus_ned)}


def test_tensorboard_lists_the_settings_of_a_trial(finished):
    trial = trial_folders(finished)[0]
    metadata = {value.tag: value.metadata for event in events(trial) for value in event.summary.value if value.HasField("metadata")}
    start = HParamsPluginData.FromString(metadata["_hparams_/session_start_info"].plugin_data.content).session_start_info
    settings = read_json(trial / "config.json")["trial"]
    assert start.hparams["grouping.base_coefficient"].number_value == settings["grouping"]["base_coefficient"]
    assert start.hparams["heads.start"].string_value == "universal"
    experiment = HParamsPluginData.FromString(metadata["_hparams_/experiment"].plugin_data.content).experiment
    assert {"accuracy_unseen/mean", "1-NED_new/mean"} <= {info.name.tag for info in experiment.metric_infos}


def test_files_of_one_second_do_not_replace_each_other(tmp_path):
    for step in (10, 20, 30):
        write_scalars(tmp_path, 1, [scalar_point(step, {"loss/task": step / 10})])
    assert scalars(tmp_path)["loss/task"] == {10: 1, 20: 2, 30: 3}
