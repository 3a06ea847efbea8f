"""Score a sweep end to end for a command: progress while it works, then lines about the outcome."""

from pathlib import Path

from raygroup.end_to_end.sweep_scores import SweepScores, score_end_to_end
from raygroup.files.places import Place
from raygroup.runtime.progress import progress_bars
from raygroup.terminal import console, print_line


def report_end_to_end(storage: Place, sweep: str, scenes: Path, detector: str | None, *, on_stderr: bool) -> SweepScores:
    """Score the trials of a sweep, and print what was scored and skipped. Raises ConfigError like ``score_end_to_end``."""
    out = console(stderr=on_stderr)
    with progress_bars(out, "scoring end to end") as show_progress:
        scores = score_end_to_end(storage, sweep, scenes, detector, progress=show_progress)
    for line in scores.lines():
        print_line(out, line)
    return scores
