"""``runs pictures``: the pictures of every finished trial of a sweep. ``draw_pictures`` is its Python twin."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from raygroup.errors import ConfigError
from raygroup.files.places import Place, parse_place
from raygroup.runs.find import find_sweep
from raygroup.storage.layout import FIGURES_FOLDER
from raygroup.terminal import console, print_json, print_line, print_warning

if TYPE_CHECKING:
    from raygroup.tables.sweep_result import SweepResult

OnTrial = Callable[[int, int], None]
"""Called with the number of trials that are drawn, and the number of all."""


def draw_pictures(name: str, storage_path: Place | str = "runs") -> list[Place]:
    """Draw the assignment over time and some words of every finished trial of a sweep. Return the pictures.

    They go into the folder ``figures`` of the sweep. Pictures that exist stay as they are. Raises
    ConfigError if there is no such sweep, and OSError if the folder cannot be written.
    """
    return _draw(_result(name, [parse_place(str(storage_path))]), lambda done, total: None)[0]


def show_pictures(name: str, storages: Sequence[Place], out: Console, *, as_json: bool) -> None:
    """Draw the pictures of a sweep, and print their paths."""
    from raygroup.runtime.progress import progress_bars

    result = _result(name, storages)
    with progress_bars(console(stderr=True) if as_json else out, "drawing") as progress:
        paths, warning = _draw(result, lambda done, total: progress("trials drawn", done, total))
    if as_json:
        print_json({"name": result.name, "pictures": [str(path) for path in paths], "damaged": [*result.damaged]})
    else:
        for path in paths:
            print_line(out, str(path))
    for line in (*result.damaged, *([warning] if warning else [])):
        print_warning(line)
    if not paths and not as_json:
        print_line(out, f"{result.name}: no finished trial to draw")


def _result(name: str, storages: Sequence[Place]) -> "SweepResult":
    from raygroup.tables.sweep_result import SweepResult

    sweep = find_sweep(name, storages)
    if not sweep.learns_groupings:
        raise ConfigError(
            f"{name}: its trials train {'on ' * sweep.trains_on_scenes}{sweep.trains_on}: pictures are drawn of trials that group words"
        )
    return SweepResult.of(sweep)


def _draw(result: "SweepResult", on_trial: OnTrial) -> tuple[list[Place], str | None]:
    """Draw the pictures of all readable trials. Return them, and a line on letters that no font has."""
    from raygroup.figures.trial_pictures import draw_trial_pictures, missing_letters_line, read_trial_drawing

    trials = result.readable
    paths: list[Place] = []
    texts: set[str] = set()
    on_trial(0, len(trials))
    for number, trial in enumerate(trials, 1):
        drawing = read_trial_drawing(trial, result.name)
        paths += draw_trial_pictures(drawing, result.folder / FIGURES_FOLDER)
        texts.update(drawing.texts())
        on_trial(number, len(trials))
    return paths, missing_letters_line(sorted(texts))
