"""Try what moves accuracy on words in photographs, on validation words of our own.

Run ``python benchmarks/photographs.py --fonts FOLDER --held-out-fonts FOLDER [--photographs FILE] [--weights FOLDER] [--quick]``.
Stage 1 continues from the shipped weights for a hundred steps or more on one thread, once for each change: stronger variation, crops like
cut-outs of photographs, the fonts of ``--fonts``, and twice the steps. The control, with today's settings, has two seeds. A change at
equal steps wins if the interval of its paired difference in 1-NED on words cut out of rendered scenes lies above 0. Two or three winners
are joined in one more run.

The universal head reads. No font of ``--held-out-fonts`` and no validation word is trained on. ``--photographs`` is a csv of path, text and
perhaps task. These pictures choose nothing: they are read once, at the end. ``--weights`` keeps the weights of each run, and later runs
with the same settings take them from there. The last line is one JSON object.
"""

import argparse
import json
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from machine import machine_name, print_figures
from scene_words import Fonts, fonts_in, rendered_words, scene_words
from timing import prepare_process
from word_set_scores import difference_rows, mean_of_two, read_photographs, score, score_rows, squeezed_rows

from raygroup.config import Pretraining, Words
from raygroup.config_sections import to_json
from raygroup.files.places import parse_local_path
from raygroup.pretrain.__main__ import OWN
from raygroup.reading.label_scores import read_labels
from raygroup.runtime.planning.jobs import weights_file
from raygroup.runtime.stage1.words import LabelledCrops
from raygroup.search_space import load
from raygroup.training.universal import train_universal
from raygroup.training.universal_weights import UniversalModel, load_universal, read_weights_metadata, save_universal
from raygroup.words.charset import Charset

CONTROL, AGAIN, COMBINATION, SCENES = "control", "control, seed 2", "combination", "scenes"
CHANGES = ("variation 1.0", "photographs 0.5", "more fonts")
"""The changes that cost no more steps."""


@dataclass(frozen=True)
class Run:
    """One training: its settings, and whether it uses the fonts of ``--fonts`` too."""

    settings: Pretraining
    more_fonts: bool = False


@dataclass(frozen=True)
class Bench:
    """All that the runs share."""

    start: UniversalModel
    installed: Fonts
    more: Fonts
    sets: dict[str, LabelledCrops]
    folder: Path
    """The weights of each run."""


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", type=parse_local_path, help="a folder of more fonts to train with (default: the installed fonts)")
    parser.add_argument("--held-out-fonts", type=parse_local_path, help="a folder of fonts to validate with (default: the installed fonts)")
    parser.add_argument("--photographs", type=parse_local_path, metavar="FILE", help="a csv of path and text, only to be read at the end")
    parser.add_argument("--weights", type=parse_local_path, metavar="FOLDER", help="where the weights of each run are kept")
    parser.add_argument("--steps", type=int, default=120, help="steps of each run, besides the longer one (default: 120)")
    parser.add_argument("--unseen", type=int, default=80, help="validation words of each task and set (default: 80)")
    parser.add_argument("--quick", action="store_true", help="a few words and steps, which show nothing but that it runs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        figures = measure(options, options.weights or Path(name))
    print_figures({name: value for name, value in figures.items() if name not in ("scores", "differences", "photographs")})
    print(json.dumps(figures, ensure_ascii=False))


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Train every run, read the validation words, and read the photographs last."""
    prepare_process()
    if options.photographs:
        read_labels(options.photographs)  # labels that cannot be used are refused before the training
    base = load(OWN, "pretraining", Pretraining)
    steps, unseen = (2, 2) if options.quick else (options.steps, options.unseen)
    counts = {"words_per_task": 6, "renders": 1} if options.quick else {"words_per_task": 400, "renders": 2}
    words = Words(**counts, unseen_per_task=unseen, seed=1)
    control = replace(base, words=words, steps=steps, head_steps=max(steps // 2, 1), new_task_weight=1.0, rehearsal=0)
    installed, held_out = fonts_in(None, words.tasks), fonts_in(options.held_out_fonts, words.tasks)
    more = {task: (*installed[task], *fonts) for task, fonts in fonts_in(options.fonts, words.tasks).items()}
    scenes, squeezed = scene_words(words, held_out, unseen, seed=7)
    validation = replace(words, seed=7)
    sets = {"plain": rendered_words(validation, installed, "unseen"), "held-out fonts": rendered_words(validation, held_out, "unseen")}
    sets[SCENES] = scenes
    bench = Bench(load_universal(weights_file("laptop")), installed, more, sets, folder)
    started = time.process_time()
    models = {"shipped": bench.start} | {name: train(name, run, bench) for name, run in first_runs(control).items()}
    scores = {name: score(model, sets) for name, model in models.items()}
    both = {kind: mean_of_two(scores[CONTROL][kind], scores[AGAIN][kind]) for kind in sets}
    differences = {name: {kind: difference_rows(both[kind], scored) for kind, scored in by_set.items()} for name, by_set in scores.items()}
    winners = [name for name in CHANGES if differences[name][SCENES]["one_minus_ned"][1] > 0]
    if len(winners) > 1:
        models[COMBINATION] = train(COMBINATION, changed(control, winners), bench)
        scores[COMBINATION] = score(models[COMBINATION], sets)
        differences[COMBINATION] = {kind: difference_rows(both[kind], scored) for kind, scored in scores[COMBINATION].items()}
    minutes = (time.process_time() - started) / 60
    photographs = {name: read_photographs(model, options.photographs) for name, model in models.items()} if options.photographs else {}
    return {
        "steps": steps, "images": words.words_per_task * words.renders * len(words.tasks), "words_per_task_and_set": unseen,
        "winners": winners, "differences": differences,
        "scores": {name: {kind: score_rows(scored) for kind, scored in by_set.items()} for name, by_set in scores.items()},
        "squeezed": squeezed_rows(both[SCENES], squeezed), "families": {"more": families(more), "held out": families(held_out)},
        "photographs": photographs, "cpu_min": round(minutes, 1), "machine": machine_name("cpu"),
    }  # fmt: skip


def first_runs(control: Pretraining) -> dict[str, Run]:
    """Return the control with two seeds, and one run for each change."""
    return {
        CONTROL: Run(control), **{name: changed(control, [name]) for name in reversed(CHANGES)},
        AGAIN: Run(replace(control, seed=1, words=replace(control.words, seed=2))),
        "twice the steps": Run(replace(control, steps=2 * control.steps, head_steps=2 * control.head_steps)),
    }  # fmt: skip


def changed(control: Pretraining, names: list[str]) -> Run:
    """Return the control with the changes that ``names`` has."""
    words = control.words
    if "variation 1.0" in names:
        words = replace(words, variation=1.0)
    if "photographs 0.5" in names:
        words = replace(words, photographs=0.5)
    return Run(replace(control, words=words), more_fonts="more fonts" in names)


def train(name: str, run: Run, bench: Bench) -> UniversalModel:
    """Continue stage 1 from the shipped weights, or load the weights that an earlier run with these settings kept."""
    fonts = bench.more if run.more_fonts else bench.installed
    about = {"settings": to_json(run.settings), "families": families(fonts)}
    file = bench.folder / f"{name.replace(' ', '-')}.safetensors"
    if file.exists() and about.items() <= read_weights_metadata(file).items():
        return load_universal(file)
    print(f"{name}: trains", flush=True)
    words = rendered_words(run.settings.words, fonts, "train")
    charset = Charset.from_labels([*words.labels, *bench.start.charset.characters])
    universal = train_universal(words.crops, words.labels, charset, run.settings, _ignore, None, bench.start, None, words.tasks)
    save_universal(file, universal, about)
    return load_universal(file)


def families(fonts: Fonts) -> dict[str, list[str]]:
    """Return the font families of each task."""
    return {task: sorted({font.family for font in files}) for task, files in fonts.items()}


def _ignore(phase: str, step: int, steps: int, loss: float) -> None:
    """Ignore the progress of a training."""


if __name__ == "__main__":
    main()
