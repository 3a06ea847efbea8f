"""Time the import, rendering and scoring of scenes.

Run ``python benchmarks/data.py [--quick]``. Times are CPU seconds, so that other work on the machine
does not count. The import reads a zip of rendered JPEGs of 640 x 480 with twenty words each, with
their labels, and writes both stores. Its baseline uses Pillow alone: it decodes the same images and
cuts out each word with one perspective transform. Both take turns. The last line is one JSON object.
"""

import argparse
import io
import json
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from machine import machine_name, print_figures
from PIL import Image
from scoring import score_2000_images_s

from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.mlt import MLT19
from raygroup.scenes.importing.importer import import_scenes
from raygroup.scenes.importing.shard_rows import ImportSettings
from raygroup.scenes.rendering.composing import Materials, compose, load_materials
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.scenes.scene import Scene
from raygroup.scenes.scene_store import read_scenes

WORDS = 20
"""Words of an image, as in MLT19."""


def main() -> None:
    """Time all three, print the figures, and end with one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small run, whose figures mean little")
    quick = parser.parse_args().quick
    settings = SceneSettings(words=(WORDS, WORDS), curved=0.0, dont_care=0.0)
    materials = load_materials(settings)
    scenes = [compose(settings, materials, number) for number in range(8 if quick else 64)]
    figures: dict[str, object] = {
        "machine": machine_name(),
        **time_rendering(materials, 4 if quick else 40),
        **time_import(scenes, 32 if quick else 512, rounds=1 if quick else 3),
        **time_scoring(quick),
    }
    print_figures(figures)
    print(json.dumps(figures))


def time_rendering(materials: Materials, scenes: int) -> dict[str, float]:
    """Return the words placed, drawn and encoded in a CPU second.

    A scene has five to fifteen words.
    """
    settings = SceneSettings()
    began = time.process_time()
    words = sum(len(compose(settings, materials, 1000 + number)[0].instances) for number in range(scenes))
    return {"render_words_per_s": round(words / (time.process_time() - began))}


def time_import(scenes: list[tuple[Scene, bytes]], images: int, rounds: int) -> dict[str, float]:
    """Return how many images are imported in a CPU second.

    The baseline's number and the ratio of both follow.
    """
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "scenes.zip"
        write_zip(archive, scenes, images)
        imports, baselines, words = [], [], 0
        for number in range(rounds):
            out = Path(folder) / f"out-{number}"
            imports.append(cpu_s(lambda out=out: run_import(archive, out)))
            words = sum(len(scene.instances) for scene in read_scenes(out))
            baselines.append(cpu_s(lambda: cut_words_with_pillow(scenes, images)))
    return {
        "import_images_per_s": round(images / median(imports)), "import_words_per_image": round(words / images, 1),
        "plain_images_per_s": round(images / median(baselines)), "import_over_plain": round(median(imports) / median(baselines), 2),
    }  # fmt: skip


def time_scoring(quick: bool) -> dict[str, float]:
    """Return the CPU seconds for a submission of 2,000 images."""
    return {"score_2000_images_s": round(score_2000_images_s(rounds=1, images=100) if quick else score_2000_images_s(), 2)}


def write_zip(path: Path, scenes: list[tuple[Scene, bytes]], images: int) -> None:
    """Write images and their labels in MLT19's format. Scenes repeat."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(images):
            scene, image = scenes[number % len(scenes)]
            lines = [",".join([*(f"{value:.0f}" for value in word.polygon.flat), str(word.script), word.text]) for word in scene.instances]
            archive.writestr(f"tr_img_{number:05}.jpg", image)
            archive.writestr(f"tr_img_{number:05}.txt", "\n".join(lines))


def run_import(archive: Path, out: Path) -> None:
    """Import in this process, whose CPU time is measured."""
    import_scenes(Collection([archive]), MLT19, out, ImportSettings(source="scenes"), map, lambda done, total: None)


def cut_words_with_pillow(scenes: list[tuple[Scene, bytes]], images: int) -> None:
    """Decode images, and cut out and encode every word. Nothing is stored."""
    for number in range(images):
        scene, image = scenes[number % len(scenes)]
        picture = Image.open(io.BytesIO(image)).convert("RGB")
        for word in scene.instances:
            corners = word.polygon
            wide, high = (max(int(abs(side).max()), 1) for side in (corners[1] - corners[0], corners[3] - corners[0]))
            data = [float(value) for corner in (0, 3, 2, 1) for value in corners[corner]]
            picture.transform((wide, high), Image.Transform.QUAD, data, Image.Resampling.BILINEAR).save(io.BytesIO(), "JPEG", quality=95)


def cpu_s(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
