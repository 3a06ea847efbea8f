"""Time the scoring of a submission of MLT19's validation size.

Run ``python benchmarks/scoring.py [--quick]``. There are 2,000 images of 20 words each, for task 4,
and scoring reads two zips and returns all figures. Times are CPU seconds, so that other work on the
machine does not count. The baseline is a plain loop that gives shapely every pair of polygons of an
image. Both take turns in one process, and the run fails unless both find the same figures. The last
line is one JSON object.
"""

import argparse
import json
import random
import re
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import shapely
from machine import machine_name, print_figures
from rapidfuzz.distance import Levenshtein

from raygroup.evaluate import evaluate

IMAGES, WORDS = 2000, 20
_TEXTS = {"Latin": "castle", "Korean": "한국어간판", "Chinese": "东京大学", "Arabic": "مرحبا", "Bangla": "য়াদের", "Hindi": "हिन्दी"}
_TRUTH = re.compile(r"\s*(-?[0-9]+)\s*," * 8 + r"\s*(\w+)\s*,(.*)")
_DETECTION = re.compile(r"\s*(-?[0-9]+)\s*," * 8 + r"\s*([0-1].?[0-9]*)\s*,(.*)")

Words = list[tuple[shapely.Polygon, str]]


def main() -> None:
    """Time both sides, print the figures, and end with one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the images, one round")
    quick = parser.parse_args().quick
    figures: dict[str, object] = {**time_scoring(*((1, IMAGES // 10) if quick else (3, IMAGES))), "machine": machine_name()}
    print_figures(figures)
    print(json.dumps(figures))


def score_2000_images_s(rounds: int = 3, images: int = IMAGES) -> float:
    """Return the CPU seconds of one evaluation of 2,000 images.

    It is the median over the rounds. With fewer ``images`` it is scaled up.
    """
    return time_scoring(rounds, images)["score_2000_images_s"]


def time_scoring(rounds: int, images: int) -> dict[str, float]:
    """Return the CPU seconds of both sides, scaled to 2,000 images."""
    spent: dict[str, list[float]] = {"score_2000_images_s": [], "plain_shapely_loop_s": []}
    with tempfile.TemporaryDirectory() as folder:
        truth, submission = write_truth_and_submission(Path(folder), images)
        sides: dict[str, Callable[[], tuple[float, ...]]] = {
            "score_2000_images_s": lambda: score_with_raygroup(truth, submission),
            "plain_shapely_loop_s": lambda: score_with_plain_loop(truth, submission),
        }
        score_with_raygroup(truth, submission)
        for _ in range(rounds):
            scores = {}
            for name, score in sides.items():
                began = time.process_time()
                scores[name] = score()
                spent[name].append(time.process_time() - began)
            if len({tuple(round(value, 9) for value in each) for each in scores.values()}) > 1:
                raise SystemExit(f"raygroup and the plain loop find different scores: {scores}")
    return {name: round(median(seconds) * IMAGES / images, 3) for name, seconds in spent.items()}


def write_truth_and_submission(folder: Path, images: int) -> tuple[Path, Path]:
    """Write the zips of ground truth and submission.

    Words are straight, slanted or in perspective, and one in ten is marked as don't care.
    Detections are a few pixels off, and six in ten have the right text.
    """
    draw = random.Random(0)
    paths = folder / "gt.zip", folder / "sub.zip"
    with zipfile.ZipFile(paths[0], "w", zipfile.ZIP_DEFLATED) as truths, zipfile.ZipFile(paths[1], "w", zipfile.ZIP_DEFLATED) as results:
        for image in range(1, images + 1):
            lines = [_draw_lines(draw) for _ in range(WORDS)]
            truths.writestr(f"gt_img_{image:05d}.txt", "\n".join(line for line, _ in lines))
            draw.shuffle(lines)
            results.writestr(f"res_img_{image:05d}.txt", "\n".join(line for _, line in lines))
    return paths


def _draw_lines(draw: random.Random) -> tuple[str, str]:
    """Draw one word, and return its lines in both files."""
    x, y, width, height, slant = (draw.randrange(*limits) for limits in ((1800,), (1000,), (20, 200), (10, 60), (0, 6)))
    corners = [x, y, x + width, y + slant, x + width - slant, y + height + slant, x - slant // 2, y + height]
    script = draw.choice(list(_TEXTS))
    text = _TEXTS[script][draw.randrange(3) :] + str(draw.randrange(100))
    truth = f"{','.join(map(str, corners))},{script},{text if draw.random() > 0.1 else '###'}"
    moved = ",".join(str(value + draw.randint(-2, 2)) for value in corners)
    return truth, f"{moved},{draw.random():.4f},{text if draw.random() < 0.6 else text + 'x'}"


def score_with_raygroup(truth: Path, submission: Path) -> tuple[float, ...]:
    """Return precision, recall and 1-NED."""
    scores = evaluate("mlt19-task4", truth, submission).scores
    assert scores.one_minus_ned is not None
    return scores.precision, scores.recall, scores.one_minus_ned


def score_with_plain_loop(truth: Path, submission: Path) -> tuple[float, ...]:
    """Compute the same scores with one intersection for each pair of polygons."""
    words = detections = correct = 0
    shares: list[float] = []
    all_detected = _read(submission, _DETECTION, "res_img_")
    for image, true in _read(truth, _TRUTH, "gt_img_").items():
        ignored = [polygon for polygon, text in true if text == "###"]
        detected = [
            (polygon, text)
            for polygon, text in all_detected.get(image, [])
            if not any(polygon.intersection(each).area > polygon.area / 2 for each in ignored)
        ]
        pairs = _match(true, detected)
        words, detections = words + len(true) - len(ignored), detections + len(detected)
        correct += sum(one == other for one, other, _ in pairs)
        shares += [Levenshtein.distance(one, other) / longer for one, other, longer in pairs]
        shares += [1.0] * (len(true) - len(ignored) + len(detected) - 2 * len(pairs))
    return correct / detections, correct / words, 1 - sum(shares) / len(shares)


def _match(true: Words, detected: Words) -> list[tuple[str, str, int]]:
    """Pair each word with its first free detection.

    A pair is both texts and the longer length.
    """
    pairs, free = [], list(range(len(detected)))
    for polygon, text in true:
        if text == "###":
            continue
        match = next((place for place in free if _overlap(polygon, detected[place][0]) > 0.5), None)
        if match is not None:
            free.remove(match)
            other = detected[match][1]
            pairs.append((text.upper(), other.upper(), max(len(text), len(other))))
    return pairs


def _read(path: Path, pattern: re.Pattern[str], prefix: str) -> dict[str, Words]:
    words = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            matches = [pattern.fullmatch(line) for line in archive.read(name).decode().split("\n")]
            words[name.removeprefix(prefix)] = [(_polygon(match), match[10]) for match in matches if match]
    return words


def _polygon(match: re.Match[str]) -> shapely.Polygon:
    values = [int(match[place]) for place in range(1, 9)]
    return shapely.Polygon(list(zip(values[::2], values[1::2], strict=True)))


def _overlap(one: shapely.Polygon, other: shapely.Polygon) -> float:
    """Return the intersection over the union of two polygons."""
    if not one.intersects(other):
        return 0.0
    shared = one.intersection(other).area
    return float(shared / (one.area + other.area - shared))


if __name__ == "__main__":
    main()
