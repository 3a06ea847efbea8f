"""Train on your own words: python examples/own_words.py [FOLDER].

The script first makes a small folder in the right form: images of words, and a labels.csv with the columns path, text and task. Replace
that part with your own folder.
"""

import csv
import sys
from pathlib import Path

import cv2
import numpy as np

import raygroup

LATIN = ["house", "water", "light", "green", "north", "paper", "stone", "river", "cloud", "bread", "glass", "seven"]
NUMBERS = ["1024", "2048", "3,50", "17:30", "12.05", "99", "365", "7001", "48%", "2026", "5-6", "800"]
COPIES = 4


def write_words(folder: Path) -> Path:
    """Draw the words with OpenCV and write labels.csv beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for task, texts in {"latin": LATIN, "numbers": NUMBERS}.items():
        for number, text in enumerate(texts * COPIES):
            image = np.full((48, 26 * len(text) + 24, 3), 235 - number % 40, np.uint8)
            cv2.putText(image, text, (12, 34), cv2.FONT_HERSHEY_SIMPLEX, 1, (20, 20 + number % 60, 20), 2, cv2.LINE_AA)
            name = f"{task}-{number:03}.png"
            cv2.imwrite(str(folder / name), image)
            rows.append({"path": name, "text": text, "task": task})
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["path", "text", "task"])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def main(folder: str = "own_words", steps: int = 60) -> raygroup.SweepResult:
    """Train one trial with two heads on the words of the folder."""
    words = write_words(Path(folder) / "words")
    trial = raygroup.Trial(heads=raygroup.Heads(count=2), training=raygroup.Training(steps=steps, batch=16))
    sweep = raygroup.Sweep(name="own_words", trial=trial)
    return raygroup.run_sweep(sweep, storage_path=Path(folder) / "runs", words=words, local=True, progress=True)


if __name__ == "__main__":
    for row in main(*sys.argv[1:2]).task_scores().to_pylist():
        print(f"{row['task']}, {row['split']} words: {row['words']} words, accuracy {row['accuracy']:.3f}")
