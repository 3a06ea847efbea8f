"""How many words a second one core draws, by task: ``python benchmarks/rendering.py [--quick]``.

CPU time, so that other work on the machine does not count. Every kind of drawing takes its turn on the same words before the next
words come, so that a slow moment of the machine falls on all of them. The last line is one JSON object.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from raygroup.config import Words
from raygroup.randomness import generator
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
"""RGB words a CPU second that every task should reach."""
PATIENCE = {False: 10.0, True: 1.6}
"""CPU seconds a task, by whether it is a quick run."""
TURN = 64
"""Words drawn in one way before it is the next way's turn."""
PLAIN, RATIO = "Pillow, plain", "ink / Pillow"

Draw = Callable[[CropOrder], object]


def ways(words: Words, fonts: tuple[FontFile, ...]) -> dict[str, Draw]:
    """How a word may be drawn: as the sweep does, in colour, ink alone, and the baseline, which neither joins letters nor varies."""

    def ink_alone(order: CropOrder) -> object:
        return ink(order.text, fonts[order.number % len(fonts)], order.task, 32)

    def pillow(order: CropOrder) -> object:
        font = _pillow_font(fonts[order.number % len(fonts)])
        left, top, right, bottom = font.getbbox(order.text)
        page = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4), 255)
        ImageDraw.Draw(page).text((2 - left, 2 - top), order.text, font=font, fill=0)
        return page.resize((min(max(8, page.width * 32 // page.height), words.width), words.height), Image.Resampling.BILINEAR)

    return {
        "gray PNG": lambda order: draw_png(order, words, fonts),
        "RGB": lambda order: draw_pixels(order, words, fonts, gray=False),
        "ink": ink_alone,
    } | ({PLAIN: pillow} if Image else {})


@lru_cache(None)
def _pillow_font(font: FontFile) -> Any:
    return ImageFont.truetype(font.path, 32, index=font.index, layout_engine=ImageFont.Layout.BASIC)


def speeds(orders: Sequence[CropOrder], drawing: dict[str, Draw], patience: float) -> dict[str, float]:
    """Words a CPU second of each way of drawing, in turns over the same words until the patience is spent."""
    for draw_one in drawing.values():
        for order in orders[:TURN]:
            draw_one(order)
    spent, done, start = dict.fromkeys(drawing, 0.0), 0, 0
    while sum(spent.values()) < patience:
        turn = orders[start : start + TURN]
        start = start + TURN if start + 2 * TURN <= len(orders) else 0
        for name, draw_one in drawing.items():
            before = time.process_time()
            for order in turn:
                draw_one(order)
            spent[name] += time.process_time() - before
        done += len(turn)
    return {name: done / seconds for name, seconds in spent.items()}


def cpu() -> str:
    """The processor's name, where Linux tells it."""
    told = Path("/proc/cpuinfo")
    names = (
        [line.split(":", 1)[1].strip() for line in told.read_text().splitlines() if line.startswith("model name")] if told.exists() else []
    )
    return names[0] if names else platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a rough answer within 20 seconds")
    quick = parser.parse_args().quick
    words = Words(words_per_task=300, unseen_per_task=0, renders=4)
    fonts, found = fonts_of(words, None), {}
    orders = [order for order in plan_crops(words) if order.split == "train"]
    for task in TASKS:
        mine = [order for order in orders if order.task == task]
        shuffled = [mine[place] for place in generator("benchmark", task).permutation(len(mine))]
        found[task] = speeds(shuffled, ways(words, fonts[task]), PATIENCE[quick])
    report(found)


def report(found: dict[str, dict[str, float]]) -> None:
    kinds = list(next(iter(found.values())))
    shown = table("task", *kinds, *([RATIO] if PLAIN in kinds else []), right=(*kinds, RATIO))
    for task, speed in found.items():
        ratio = [f"{speed['ink'] / speed[PLAIN]:.1f}"] if PLAIN in kinds else []
        shown.add_row(TASKS[task].title, *(f"{speed[kind]:,.0f}" for kind in kinds), *ratio)
    screen = console()
    screen.print("words a second of one core, height 32, at most 96 wide")
    screen.print(shown)
    slow = [TASKS[task].title for task, speed in found.items() if speed["RGB"] < TARGET]
    screen.print(f"target of {TARGET} RGB words: {'missed by ' + ', '.join(slow) if slow else 'reached by every task'}")
    names = {
        "words_per_s_per_core": "RGB",
        "words_per_s_per_core_gray": "gray PNG",
        "ink_per_s_per_core": "ink",
        "pillow_per_s_per_core": PLAIN,
    }
    numbers = {key: {task: round(speed[kind]) for task, speed in found.items()} for key, kind in names.items() if kind in kinds}
    machine = {
        "cpu": cpu(),
        "python": platform.python_version(),
        "uharfbuzz": version("uharfbuzz"),
        "opencv": version("opencv-python-headless"),
    }
    print(json.dumps(numbers | {"machine": machine}, ensure_ascii=False))


if __name__ == "__main__":
    main()
