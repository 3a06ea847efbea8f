"""Tables and lines about data sets, for people."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from raygroup.terminal import print_line, print_table, table

if TYPE_CHECKING:
    from raygroup.scenes.inspection import Inspection
    from raygroup.scenes.scene import Problems

_MAX_PROBLEMS = 3
"""Problems of each kind that are printed in full."""
_MAX_CHARACTERS = 24
_MAX_SIZES = 4
_NUMBERS = ("instances", "don't-care", "characters", "mean length")


def print_inspection(inspection: "Inspection", title: str, sheet: Path | None, out: Console) -> None:
    """Print a table of scripts, then one line for each other fact."""
    rows = table("script", *_NUMBERS, "most frequent", right=_NUMBERS)
    for name, script in sorted(inspection.by_script.items(), key=lambda item: -item[1].instances):
        words = script.instances - script.dont_cares
        frequent = " ".join(character for character, _ in script.characters.most_common(_MAX_CHARACTERS) if not character.isspace())
        length = f"{script.length / words:.1f}" if words else "-"
        rows.add_row(escape(name), str(script.instances), str(script.dont_cares), str(len(script.characters)), length, escape(frequent))
    counts = f"{inspection.scenes} scenes, {inspection.instances} {inspection.unit}s, {inspection.dont_cares} of them don't-cares"
    print_table(out, f"{title}: {counts}", rows)
    for line in _inspection_lines(inspection):
        print_line(out, line)
    if sheet:
        print_line(out, f"contact sheet: {sheet}")


def _inspection_lines(inspection: "Inspection") -> Iterator[str]:
    yield "tasks: " + ", ".join(f"{name} {count:,.0f}" for name, count in inspection.by_task.most_common() if count >= 0.5)
    yield "corners: " + ", ".join(f"{number}: {count}" for number, count in sorted(inspection.corners.items()))
    if inspection.heights:
        low, middle, high = inspection.height_quantiles()
        yield f"pixels of the shorter side: {low:g} / {middle:g} / {high:g} (5, 50 and 95 % quantiles)"
    if inspection.sizes:
        sizes = ", ".join(f"{width}x{height}: {count}" for (width, height), count in inspection.sizes.most_common(_MAX_SIZES))
        more = ", ..." if len(inspection.sizes) > _MAX_SIZES else ""
        yield f"sizes of {inspection.sizes.total()} images: {sizes}{more}"
    for (labelled, written), count in inspection.contradicting.most_common():
        yield f"{count} labelled {labelled} and written in letters of {written}"
    yield from _problem_lines(inspection.problems.to_json())


def print_summary(summary: dict[str, Any], title: str, folder: Path, out: Console) -> None:
    """Print the counts of an import, and the command that trains on its words."""
    lines = [f"{summary['source']} ({title}): {summary['scenes']} scenes, {summary['words']} {summary['unit']}s"]
    lines.append("  tasks: " + ", ".join(f"{name} {count}" for name, count in summary["by_task"].items()))
    if summary["copies"]:
        lines.append(f"  {summary['copies']} more crops of these words, with moved corners")
    lines += [f"  {count} without a word: {reason}" for reason, count in summary["dropped"].items()]
    lines += [f"  {count} labels normalised: {change}" for change, count in summary["changed"].items()]
    for pair, count in summary["contradicting"].items():
        labelled, _, written = pair.partition("/")
        lines.append(f"  {count} kept and marked: labelled {labelled}, written in letters of {written}")
    if summary["duplicate_images"]:
        lines.append(f"  {summary['duplicate_images']} images are exact copies of others")
    lines += [f"  {line}" for line in _problem_lines(summary["problems"])]
    lines.append(f"  train on the words: python -m raygroup.sweep --words {folder / 'words'}")
    for line in lines:
        print_line(out, line)


def print_problems(problems: "Problems", out: Console) -> None:
    """Print the number of problems of each kind, and the first ones."""
    for kind, count in problems.counts.most_common():
        print_line(out, f"{kind}: {count}")
        for problem in [problem for problem in problems.entries if problem.kind == kind][:_MAX_PROBLEMS]:
            print_line(out, f"  {problem}")


def _problem_lines(problems: dict[str, Any]) -> Iterator[str]:
    """Yield one line for each kind of problem, with the first places."""
    for kind, count in problems["counts"].items():
        listed = [problem for problem in problems["listed"] if problem["kind"] == kind][:_MAX_PROBLEMS]
        places = "; ".join(f"{problem['place']}: {problem['what']}" for problem in listed)
        more = f"; and {count - len(listed)} more" if count > len(listed) else ""
        yield f"{count} x {kind}: {places}{more}"
