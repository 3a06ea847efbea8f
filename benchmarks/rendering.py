"""Measure how many words one core draws in a second.

Run ``python benchmarks/rendering.py [--quick]``. Each task counts by itself. Times are CPU seconds,
so that other work on the machine does not count. Every way of drawing takes its turn on the same
words, so that a slow moment of the machine falls on all of them. The last line is one JSON object.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from raygroup.config import Words
from raygroup.randomness import generator
from raygroup.runtime.placement import machine_model
from raygroup.tasks import TASKS
from raygroup.terminal import console, table
from raygroup.words.rendering.fonts import FontFile
from raygroup.words.rendering.shaping import ink
from raygroup.words.rendering.synthesis import CropOrder, draw_pixels, draw_png, fonts_of, plan_crops

try:
    from PIL import Image, ImageDraw, ImageFont
except ImportError:
    Image = None

TARGET = 800
"""Colour words in a CPU second that every task should reach."""
TASK_S, QUICK_TASK_S = 10.0, 1.6
"""CPU seconds for each task."""
TURN = 64
"""Words that one way draws before the next way's turn."""
PLAIN, RATIO = "Pillow, plain", "ink / Pillow"
JSON_KEYS = {
    "words_per_s_per_core": "RGB",
    "words_per_s_per_core_gray": "gray PNG",
    "ink_per_s_per_core": "ink",
    "pillow_per_s_per_core": PLAIN,
}
"""Key of the JSON object -> way of drawing."""

Draw = Callable[[CropOrder], object]


def main() -> None:
    """Measure every task, print a table, and end with one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a rough answer within 20 seconds")
    limit_s = QUICK_TASK_S if parser.parse_args().quick else TASK_S
    words = Words(words_per_task=300, unseen_per_task=0, renders=4)
    fonts = fonts_of(words, None)
    orders = [order for order in plan_crops(words) if order.split == "train"]
    speeds = {}
    for task in TASKS:
        of_task = [order for order in orders if order.task == task]
        shuffled = [of_task[place] for place in generator("benchmark", task).permutation(len(of_task))]
        speeds[task] = measure_speeds(shuffled, ways_to_draw(words, fonts[task]), limit_s)
    print_speeds(speeds)
    kinds = next(iter(speeds.values()))
    numbers = {key: {task: round(speed[kind]) for task, speed in speeds.items()} for key, kind in JSON_KEYS.items() if kind in kinds}
    machine = {
        "cpu": machine_model("cpu") or platform.machine(), "python": platform.python_version(),
        "uharfbuzz": version("uharfbuzz"), "opencv": version("opencv-python-headless"),
    }  # fmt: skip
    print(json.dumps(numbers | {"machine": machine}, ensure_ascii=False))


def ways_to_draw(words: Words, fonts: tuple[FontFile, ...]) -> dict[str, Draw]:
    """Return the ways to draw a word, by name.

    They are the sweep's, colour, ink alone, and the baseline. The baseline neither joins letters nor
    varies its words, and is left out without Pillow.
    """

    def draw_ink(order: CropOrder) -> object:
        return ink(order.text, fonts[order.number % len(fonts)], order.task, 32)

    def draw_with_pillow(order: CropOrder) -> object:
        font = _pillow_font(fonts[order.number % len(fonts)])
        left, top, right, bottom = font.getbbox(order.text)
        page = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4), 255)
        ImageDraw.Draw(page).text((2 - left, 2 - top), order.text, font=font, fill=0)
        return page.resize((min(max(8, page.width * 32 // page.height), words.width), words.height), Image.Resampling.BILINEAR)

    return {
        "gray PNG": lambda order: draw_png(order, words, fonts),
        "RGB": lambda order: draw_pixels(order, words, fonts, gray=False),
        "ink": draw_ink,
    } | ({PLAIN: draw_with_pillow} if Image else {})


@lru_cache(None)
def _pillow_font(font: FontFile) -> Any:
    return ImageFont.truetype(font.path, 32, index=font.index, layout_engine=ImageFont.Layout.BASIC)


def measure_speeds(orders: Sequence[CropOrder], ways: dict[str, Draw], limit_s: float) -> dict[str, float]:
    """Return the words in a CPU second of each way.

    The ways take turns on the same words until ``limit_s`` CPU seconds are spent.
    """
    for draw in ways.values():
        for order in orders[:TURN]:
            draw(order)
    spent, done, start = dict.fromkeys(ways, 0.0), 0, 0
    while sum(spent.values()) < limit_s:
        turn = orders[start : start + TURN]
        start = start + TURN if start + 2 * TURN <= len(orders) else 0
        for name, draw in ways.items():
            began = time.process_time()
            for order in turn:
                draw(order)
            spent[name] += time.process_time() - began
        done += len(turn)
    return {name: done / seconds for name, seconds in spent.items()}


def print_speeds(speeds: dict[str, dict[str, float]]) -> None:
    """Print a table, and the tasks that miss the target."""
    kinds = list(next(iter(speeds.values())))
    rows = table("task", *kinds, *([RATIO] if PLAIN in kinds else []), right=(*kinds, RATIO))
    for task, speed in speeds.items():
        ratio = [f"{speed['ink'] / speed[PLAIN]:.1f}"] if PLAIN in kinds else []
        rows.add_row(TASKS[task].title, *(f"{speed[kind]:,.0f}" for kind in kinds), *ratio)
    screen = console()
    screen.print("words in a second of one core, height 32, at most 96 wide")
    screen.print(rows)
    slow = [TASKS[task].title for task, speed in speeds.items() if speed["RGB"] < TARGET]
    screen.print(f"target of {TARGET} RGB words: {'missed by ' + ', '.join(slow) if slow else 'reached by every task'}")


if __name__ == "__main__":
    main()
