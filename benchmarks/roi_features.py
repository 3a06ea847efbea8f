"""Compare the two ways to feed the heads of a compact spotter: RoI features, and crops.

Run ``python benchmarks/roi_features.py --train DATA --test DATA --detector FILE [--weights FILE] [--steps N] [--source NAME]``. Each
DATA is an import of scenes. An adapter on the detector's frozen features learns to give what the word trunk of the weights file gives
for the same words (distillation), and the head of the weights file reads it. Both ways read the labelled words of the test scenes,
with the same head. The figures are exact match and 1-NED with 95 % intervals over words, and the processor seconds of the training, on
one thread. Choose settings on validation scenes, and give test scenes once. The last line is one JSON object.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from machine import machine_name, print_figures
from timing import prepare_process

from raygroup.runtime.planning.jobs import weights_file
from raygroup.scenes.scene_store import read_scenes
from raygroup.scenes.scene_table import SceneTable, write_scene_table
from raygroup.scoring.word_accuracy import pair_intervals
from raygroup.spotter_config import DetectorTraining, Samples
from raygroup.spotting_config import RegionDraws, SpotterHeads, SpotterLoss, Spotting
from raygroup.tasks import TASKS
from raygroup.training.spotter.detector_weights import load_detector
from raygroup.training.spotter.region_reading import CropReader, LabelledWords, RegionReader
from raygroup.training.spotter.spotter_trainer import SpotterTrainer
from raygroup.training.universal_weights import UniversalModel, load_universal

_FROZEN = ("trunk", "segmentation", "box", "recognition")


def main() -> None:
    """Train, read in both ways, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, nargs="+", required=True, help="scenes to read, such as those of validation and of test")
    parser.add_argument("--detector", type=Path, required=True)
    parser.add_argument("--weights", default="laptop")
    parser.add_argument("--table", type=Path, default=Path("roi_features.arrow"), help="where the training scenes are copied to")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=3)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--reading", type=float, default=0.2, help="weight of the recognition loss")
    parser.add_argument("--source", choices=("boxes", "rectangles"), default="rectangles")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--thaw", action="store_true", help="train the detector's features, too, with a tenth of the rate")
    parser.add_argument("--quick", action="store_true", help="two steps, to try the program: the figures mean little")
    options = parser.parse_args()
    options.steps = 2 if options.quick else options.steps
    prepare_process()
    universal = load_universal(weights_file(options.weights))
    figures: dict[str, Any] = {f"crops {scenes.name}": scores_of(CropReader(universal), scenes) for scenes in options.test}
    print(json.dumps(figures), flush=True)
    spotter, training = train(options, universal)
    regions = RegionReader(spotter, universal.charset)
    figures |= {f"regions {scenes.name}": scores_of(regions, scenes) for scenes in options.test}
    figures |= training | {"source": options.source, "machine": machine_name("cpu")}
    print_figures(figures)
    print(json.dumps(figures))


def settings_of(options: argparse.Namespace, universal: UniversalModel) -> Spotting:
    """Return the settings: distillation alone, or with reading."""
    head = universal.head
    return Spotting(
        seed=options.seed, freeze=("box", "recognition") if options.thaw else _FROZEN, image_rate=0.1,
        samples=Samples(side=448, smallest_zoom=0.8, largest_zoom=1.3, around_words=1.0), regions=RegionDraws(jitter=0.02),
        loss=SpotterLoss(
            dice=0, cross_entropy=0, box_score=0, box_change=0, mask=0, language=0, grouping=0, recognition=options.reading, distillation=1
        ),
        heads=SpotterHeads(source=options.source, embed=head.embeds[0], hidden=head.hidden),
        training=DetectorTraining(steps=options.steps, batch=options.batch, learning_rate=options.rate, average=0.98),
    )  # fmt: skip


def train(options: argparse.Namespace, universal: UniversalModel) -> tuple[Any, dict[str, Any]]:
    """Return the trained spotter, and the figures of its training."""
    if not options.table.is_file():
        write_scene_table(options.train, options.table)
    detector, _ = load_detector(options.detector)
    trainer = SpotterTrainer(
        settings_of(options, universal), SceneTable(options.table), tuple(TASKS), universal.charset, teacher=universal,
        start=detector.state_dict(),
    )  # fmt: skip
    started, losses = time.process_time(), []
    for step in range(options.steps):
        losses.append(trainer.advance()[-1].item())
        if (step + 1) % 20 == 0:
            print(f"step {step + 1}: distillation {sum(losses[-20:]) / 20:.4f}, {time.process_time() - started:.0f} s", flush=True)
    cpu_s = time.process_time() - started
    last = losses[-20:]
    return trainer.average, {"steps": options.steps, "train_cpu_s": round(cpu_s, 1), "distillation": round(sum(last) / len(last), 4)}


def scores_of(reader: CropReader | RegionReader, scenes: Path) -> dict[str, Any]:
    """Return exact match and 1-NED of the labelled words, with intervals."""
    started, pairs = time.process_time(), []
    for scene in read_scenes(scenes):
        words = LabelledWords.of(scene, tuple(TASKS))
        if words.labels:
            pairs += zip(words.labels, reader.read(words), strict=True)
    cpu_s = time.process_time() - started
    measures = zip(("exact", "one_minus_ned"), pair_intervals(pairs), strict=True)
    scores = {name: [round(value, 4) for value in (each.mean, each.low, each.high)] for name, each in measures}
    return {"words": len(pairs), **scores, "cpu_s": round(cpu_s, 1)}


if __name__ == "__main__":
    main()
