"""Write a user's words: a folder of images with a label file."""

import csv
from pathlib import Path

from raygroup.config import Words
from raygroup.words.rendering.synthesis import draw_png, fonts_of, plan_crops

WORDS = Words(tasks=("hi", "la"), characters=(20, 20), words_per_task=24, unseen_per_task=4, renders=1)


def write_folder(folder: Path, *, columns: tuple[str, ...] = ("path", "text"), task_names: dict[str, str] | None = None) -> Path:
    """Write Hindi and Latin words to ``images/``, and labels.csv with these columns."""
    fonts = fonts_of(WORDS, None)
    rows = []
    (folder / "images").mkdir(parents=True)
    for number, order in enumerate(plan_crops(WORDS)):
        image = draw_png(order, WORDS, fonts[order.task])
        assert image is not None
        path = f"images/mot-é-{number}.png"
        (folder / path).write_bytes(image)
        task = (task_names or {}).get(order.task, order.task)
        rows.append({"path": path, "text": order.text, "task": task, "split": order.split})
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return folder
