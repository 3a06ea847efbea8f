"""What data sets of scenes cost: scores, import and rendering: ``python benchmarks/data.py [--quick]``.

CPU seconds, so that other work on the machine does not count. Import is measured on a zip of rendered JPEGs of 640 x 480 with twenty
words each, labels, decoding, both stores and their files included; its baseline is the plain way, Pillow's decoder and one perspective
transform of Pillow's a word, which takes its turn on the same images. The last line is one JSON object.
"""

import argparse
import io
import json
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from statistics import median
from typing import Any

from machine import machine_name, printed
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
"""An image, as in MLT19."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run, whose figures mean little")
    quick = parser.parse_args().quick
    settings = SceneSettings(words=(WORDS, WORDS), curved=0.0, dont_care=0.0)
    materials = load_materials(settings)
    scenes = [compose(settings, materials, number) for number in range(8 if quick else 64)]
    found = {
        "machine": machine_name(),
        **_rendering(materials, 4 if quick else 40),
        **_importing(scenes, 32 if quick else 512, rounds=1 if quick else 3),
        **_scoring(quick),
    }
    printed(found)
    print(json.dumps(found))


def _rendering(materials: Materials, scenes: int) -> dict[str, float]:
    """Words that are placed, drawn and encoded a CPU second, in scenes of five to fifteen of them."""
    settings = SceneSettings()
    began = time.process_time()
    words = sum(len(compose(settings, materials, 1000 + number)[0].instances) for number in range(scenes))
    return {"render_words_per_s": round(words / (time.process_time() - began))}


def _importing(scenes: list[tuple[Scene, bytes]], images: int, rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "scenes.zip"
        _zip(archive, scenes, images)
        ours, plain, words = [], [], 0
        for number in range(rounds):
            out = Path(folder) / f"out-{number}"
            ours.append(_cpu_s(lambda out=out: _take(archive, out)))
            words = sum(len(scene.instances) for scene in read_scenes(out))
            plain.append(_cpu_s(lambda: _plainly(scenes, images)))
    return {
        "import_images_per_s": round(images / median(ours)), "import_words_per_image": round(words / images, 1),
        "plain_images_per_s": round(images / median(plain)), "import_over_plain": round(median(ours) / median(plain), 2),
    }  # fmt: skip


def _scoring(quick: bool) -> dict[str, float]:
    return {"score_2000_images_s": round(score_2000_images_s(rounds=1, images=100) if quick else score_2000_images_s(), 2)}


def _zip(path: Path, scenes: list[tuple[Scene, bytes]], images: int) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(images):
            scene, image = scenes[number % len(scenes)]
            lines = [",".join([*(f"{value:.0f}" for value in word.polygon.flat), str(word.script), word.text]) for word in scene.instances]
            archive.writestr(f"tr_img_{number:05}.jpg", image)
            archive.writestr(f"tr_img_{number:05}.txt", "\n".join(lines))


class _Here:
    """Does in this process what it is given."""

    def submit(self, work: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_result(work(*arguments))
        return future


def _take(archive: Path, out: Path) -> None:
    import_scenes(Collection([archive]), MLT19, out, ImportSettings(source="scenes"), _Here(), 1, lambda done, of: None)  # type: ignore[arg-type]


def _plainly(scenes: list[tuple[Scene, bytes]], images: int) -> None:
    """Pillow's decoder, and a perspective transform of Pillow's for every word, encoded as JPEG: crops alone, no stores."""
    for number in range(images):
        scene, image = scenes[number % len(scenes)]
        picture = Image.open(io.BytesIO(image)).convert("RGB")
        for word in scene.instances:
            corners = word.polygon
            wide, high = (max(int(abs(side).max()), 1) for side in (corners[1] - corners[0], corners[3] - corners[0]))
            data = [float(value) for corner in (0, 3, 2, 1) for value in corners[corner]]
            picture.transform((wide, high), Image.Transform.QUAD, data, Image.Resampling.BILINEAR).save(io.BytesIO(), "JPEG", quality=95)


def _cpu_s(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
