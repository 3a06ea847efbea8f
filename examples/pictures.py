"""Draw the pictures of the README from a finished sweep: python examples/pictures.py runs quickstart docs/images."""

import sys
from pathlib import Path

import raygroup
from raygroup.figures.assignment import assignment_figure
from raygroup.figures.word_sheet import shown_words, word_sheet_figure
from raygroup.scoring.predictions import read_predictions

PIXELS_PER_INCH = 80
WORDS_PER_TASK = 3


def main(storage_path: str, sweep_name: str, out: str) -> list[Path]:
    """Draw the assignment over time and some words of the sweep's middle trial. Returns the two files."""
    trials = raygroup.read_sweep(sweep_name, storage_path).done
    trial = trials[len(trials) // 2]
    heading = f"{sweep_name}, {trial.label}"
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)

    assignment = folder / "assignment.png"
    assignment_figure(trial.history, heading).savefig(assignment, dpi=PIXELS_PER_INCH)

    words = shown_words(read_predictions(trial.folder / "predictions.parquet"))
    tasks = dict.fromkeys(word.task for word in words)
    few = [word for task in tasks for word in [each for each in words if each.task == task][:WORDS_PER_TASK]]
    sheet = folder / "words.png"
    word_sheet_figure(few, heading).savefig(sheet, dpi=PIXELS_PER_INCH)
    return [assignment, sheet]


if __name__ == "__main__":
    for path in main(*sys.argv[1:4]):
        print(path)
