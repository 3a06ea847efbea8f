"""Declare a sweep in Python, run it without Ray, and print what it found: python examples/first_sweep.py [STORAGE_PATH]."""

import sys

import raygroup


def main(storage_path: str = "runs", steps: int = 60) -> raygroup.SweepResult:
    """Train two small trials that differ in the base coefficient, or read them if they are done."""
    sweep = raygroup.Sweep(
        name="first_sweep",
        trial=raygroup.Trial(
            words=raygroup.Words(words_per_task=60, unseen_per_task=12, renders=3),
            heads=raygroup.Heads(count=3),
            training=raygroup.Training(steps=steps),
        ),
        grid={"grouping.base_coefficient": (0.0, 0.2)},
    )
    return raygroup.run_sweep(sweep, storage_path=storage_path, local=True, progress=True)


if __name__ == "__main__":
    result = main(*sys.argv[1:2])
    for label, groups in result.groupings.items():
        print(label, groups, sep=": ")
    for row in result.table().to_pylist():
        print(f"{row['trial']}: accuracy on unseen words {row['unseen_accuracy']:.3f}, decided {row['decisiveness']:.2f}")
