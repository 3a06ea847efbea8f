"""Every benchmark runs and ends in one JSON object with the keys that readers rely on.

``on_gpu`` runs four of them. Its run is tested in test_on_gpu.py.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from rendered_scenes_for_tests import store_of

from raygroup.model.spotter.detector import DetectorNetwork
from raygroup.model.spotter.shape import SHAPES
from raygroup.training.spotter.detector_weights import save_detector

FOLDER = Path(__file__).parents[2] / "benchmarks"
KEYS = {
    "additivity": {"float64 largest difference of weights", "float64 equal strings", "float32 equal strings", "float64 strings", "machine"},
    "data": {"score_2000_images_s", "import_images_per_s", "render_words_per_s", "machine"},
    "features": {"words_per_s", "worker_mb", "worker_ratio", "driver_mb", "driver_ratio", "features_mb", "read_48_us", "device"},
    "grouping_tables": {"histories", "s_per_1000", "peak_gib", "machine"},
    "many_tasks": {"exact optima of 7 tasks found", "t=20 m=4 pairs", "t=20 m=4 ridge", "machine"},
    "history": {"history_over_step", "step_ms", "device"},
    "orchestration": {
        "empty_trial_s", "history_3000_s", "wall_over_work", "plan_10000_s", "driver_rss_mb", "first_step_s", "device",
    },
    "own_scripts": {"pretrain_cpu_min", "lowest_new_script", "largest_loss", "before", "after", "machine"},
    "package": {
        "package_mb", "greedy_ratio", "beam_ratio", "greedy_torch_ratio", "first_word_s", "compared_words", "greedy_equal", "beam_equal",
        "machine",
    },
    "photographs": {"winners", "differences", "scores", "squeezed", "families", "photographs", "cpu_min", "machine"},
    "quickstart": {"wall_s", "peak_gib", "trial_cpu_s", "wall_over_work", "device"},
    "reproduced_tables": {"trials", "all_s", "all_cpu_s", "table5_cpu_s", "machine"},
    "roi_features": {"crops data", "regions data", "train_cpu_s", "machine"},
    "rendering": {"words_per_s_per_core", "words_per_s_per_core_gray", "machine"},
    "small_head_packs": {"trials of 4: 16 heads, times as fast as one by one", "bank of group heads: 16 heads, ms a head", "machine"},
    "sampled_heads": {
        "h16 e16 few_ms", "h16 e16 ratio_7", "h16 e16 ratio_4", "h16 e16 ratio_2", "h16 e16 update_few_ms",
        "h16 e16 update_many_ms", "machine",
    },
    "scoring": {"score_2000_images_s"},
    "spotting": {
        "total_ratio", "regions_ratio", "masks_ratio", "reading_ratio", "rectangles_ms", "crops_ms", "photograph_torch_ms",
        "photograph_onnxruntime_beside_share", "large_torch_drawn_gb", "machine",
    },
    "task_evidence": {"h16, 16 words, 4 heads", "h64, 48 words, 5 heads", "machine"},
    "whole_spotter": {"seed", "processor_minutes", "detection, task 1", "end-to-end, task 4", "machine"},
}  # fmt: skip
"""Benchmark -> keys of its JSON object."""
WHOLE_SWEEPS = {"orchestration", "own_scripts", "quickstart", "whole_spotter"}
"""Benchmarks of commands that other tests run too."""
PARTS = {
    "large_photograph", "machine", "operators", "paper_heads", "photograph_reading", "reading_times", "scene_words", "spotting_problem",
    "timing", "training_problem", "word_set_scores",
}  # fmt: skip
"""Modules that benchmarks share. ``on_gpu`` has tests of its own."""


def test_every_benchmark_is_tested():
    assert {path.stem for path in FOLDER.glob("*.py")} == set(KEYS) | PARTS | {"on_gpu", "grid", "heads", "kernels", "pack_memory"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] if name in WHOLE_SWEEPS else []) for name in KEYS])
def test_a_quick_run_ends_in_one_json_object(name, tmp_path):
    arguments = ["--storage-path", str(tmp_path / "runs"), "--local"] if name == "quickstart" else []
    if name == "own_scripts":
        (tmp_path / "greek.txt").write_text("\n".join(a + b + c for a in "αβγδ" for b in "ειου" for c in "νρσ"), encoding="utf-8")
        arguments = ["--list", f"greek={tmp_path / 'greek.txt'}"]
    if name == "photographs":
        (tmp_path / "labels.csv").write_text("path,text\nstripes.png,III\n", encoding="utf-8")
        cv2.imwrite(str(tmp_path / "stripes.png"), np.tile(np.uint8([0, 0, 255, 255]), (32, 24)))
        arguments = ["--photographs", str(tmp_path / "labels.csv")]
    if name == "whole_spotter":
        arguments = [str(tmp_path / "whole")]
    if name == "roi_features":
        scenes, detector = str(store_of(tmp_path, 3)), tmp_path / "detector.safetensors"
        save_detector(detector, DetectorNetwork(SHAPES["compact"]), "compact", {})
        arguments = ["--train", scenes, "--test", scenes, "--detector", str(detector), "--table", str(tmp_path / "table.arrow")]
    command = [sys.executable, str(FOLDER / f"{name}.py"), "--quick", *arguments]
    environment = os.environ | {"PYTHONPATH": str(FOLDER.parent)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=580)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout.splitlines()[-1])) >= KEYS[name]
