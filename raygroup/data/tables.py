"""What ``raygroup.data.__main__`` says to a person: a data set that was looked at, and one that was taken in."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from raygroup.terminal import say, show, table

if TYPE_CHECKING:
    from raygroup.scenes.inspection import Inspection

_LISTED = 3
_SIGNS = 24


def print_inspection(found: "Inspection", title: str, sheet: Path | None, out: Console) -> None:
    """A table of scripts, then a line a fact."""
    rows = table("script", "instances", "don't-care", "characters", "mean length", "most frequent",
                 right=("instances", "don't-care", "characters", "mean length"))  # fmt: skip
    for name, script in sorted(found.by_script.items(), key=lambda item: -item[1].instances):
        words = script.instances - script.dont_cares
        signs = " ".join(sign for sign, _ in script.characters.most_common(_SIGNS) if not sign.isspace())
        length = f"{script.length / words:.1f}" if words else "-"
        rows.add_row(escape(name), str(script.instances), str(script.dont_cares), str(len(script.characters)), length, escape(signs))
    show(out, f"{title}: {found.scenes} scenes, {found.instances} {found.unit}s, {found.dont_cares} of them don't-cares", rows)
    lines = [
        "tasks: " + ", ".join(f"{name} {count:,.0f}" for name, count in found.by_task.most_common() if count >= 0.5),
        "corners: " + ", ".join(f"{number}: {count}" for number, count in sorted(found.corners.items())),
    ]
    if found.heights:
        low, middle, high = found.height_quantiles()
        lines.append(f"pixels of the shorter side: {low:g} / {middle:g} / {high:g} (5 %, half, 95 %)")
    if found.sizes:
        sizes = ", ".join(f"{width}x{height}: {count}" for (width, height), count in found.sizes.most_common(4))
        lines.append(f"image sizes, of {found.sizes.total()} looked at: {sizes}" + (", ..." if len(found.sizes) > 4 else ""))
    lines += [
        f"{count} labelled {labelled} and written in letters of {seen}" for (labelled, seen), count in found.contradicting.most_common()
    ]
    lines += problem_lines(found.problems.to_json())
    if sheet:
        lines.append(f"contact sheet: {sheet}")
    for line in lines:
        say(out, line)


def print_summary(summary: dict[str, Any], title: str, folder: Path, out: Console) -> None:
    """What became of a data set that was taken in, and what to do with it."""
    lines = [f"{summary['source']} ({title}): {summary['scenes']} scenes, {summary['words']} {summary['unit']}s"]
    lines.append("  tasks: " + ", ".join(f"{name} {count}" for name, count in summary["by_task"].items()))
    lines += [f"  {count} without a word: {why}" for why, count in summary["dropped"].items()]
    lines += [f"  {count} labels normalised: {what}" for what, count in summary["changed"].items()]
    for pair, count in summary["contradicting"].items():
        labelled, _, seen = pair.partition("/")
        lines.append(f"  {count} kept and marked: labelled {labelled}, written in letters of {seen}")
    if summary["duplicate_images"]:
        lines.append(f"  {summary['duplicate_images']} images are exact copies of others")
    lines += [f"  {line}" for line in problem_lines(summary["problems"])]
    lines.append(f"  train on the words: python -m raygroup.sweep --words {folder / 'words'}")
    for line in lines:
        say(out, line)


def problem_lines(problems: dict[str, Any]) -> list[str]:
    """One line a kind, with the first places."""
    lines = []
    for kind, count in problems["counts"].items():
        told = [f"{found['place']}: {found['what']}" for found in problems["listed"] if found["kind"] == kind][:_LISTED]
        more = f"; and {count - len(told)} more" if count > len(told) else ""
        lines.append(f"{count} x {kind}: {'; '.join(told)}{more}")
    return lines
