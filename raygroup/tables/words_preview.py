"""Print what raygroup reads of a user's words, as a table of at most 80 columns."""

from rich.console import Console
from rich.text import Text

from raygroup.terminal import Column, fitted_table, print_line, show_controls, titled, visible_character, wrapped
from raygroup.words.importing.bad_share import num_left_out, num_lost
from raygroup.words.importing.preview import WordsPreview
from raygroup.words.importing.reasons import LEFT_OUT
from raygroup.words.importing.word_groups import WordGroup

_WIDTH = 80
_INDENT = "  "
_MAX_ROWS = 40
"""Most groups that are listed one by one. The rarest are left out."""
_MAX_CHARACTERS = 8
_MAX_GROUPS = 3
_MAX_EXAMPLES = 2
_COLUMNS = (
    Column("task", shortest=8), Column("script", shortest=8), Column("listed", right=True), Column("kept", right=True),
    Column("dropped", right=True), Column("left out", right=True), Column("unseen characters", shortest=17),
)  # fmt: skip
_LABELS_ONLY = "images are not opened in a dry run or before the import: missing and unreadable ones are not counted yet"


def print_words_preview(preview: WordsPreview, out: Console) -> None:
    """Print one row for each task and script, then a line for each reason and note.

    "Unseen characters" are those that the universal head has not seen: their number and the most
    frequent ones. They are those of the words that are kept.
    """
    width = min(_WIDTH, out.width)
    rows = [_row(preview, group) for group in preview.report.groups[:_MAX_ROWS]]
    out.print(titled(f"words of {preview.report.name}, by task and script", fitted_table(_COLUMNS, rows, width)))
    for line in preview_lines(preview):
        for number, part in enumerate(wrapped(out, show_controls(line), width - len(_INDENT))):
            print_line(out, _INDENT * (number > 0) + part)


def preview_lines(preview: WordsPreview) -> list[str]:
    """Return the lines below the table: totals, reasons, and notes."""
    report = preview.report
    num_more = len(report.groups) - _MAX_ROWS
    lines = [f"and {num_more} more rows, of {sum(group.listed for group in report.groups[_MAX_ROWS:])} words"] if num_more > 0 else []
    lines.append(
        f"{report.listed} words listed: {report.kept} kept, {preview.lost} dropped ({100 * preview.lost_share:.3g}%), "
        f"{preview.left_out} left out (don't-care marks, exact repeats; they are not in the share)"
    )
    lines += [_reason_line(preview, reason) for reason in report.dropped]
    lines += [*report.notes] if preview.images_opened else [*report.notes, _LABELS_ONLY]
    return [*lines, f"tasks: {', '.join(preview.tasks)}"]


def _row(preview: WordsPreview, group: WordGroup) -> list[Text]:
    lost, left_out = num_lost(group.dropped), num_left_out(group.dropped)
    unseen = preview.unseen(group)
    cell = f"{len(unseen)}: {' '.join(map(visible_character, [*unseen][:_MAX_CHARACTERS]))}" if unseen else "0"
    return [Text(str(value)) for value in (group.task, group.script, group.listed, group.kept, lost, left_out, cell)]


def _reason_line(preview: WordsPreview, reason: str) -> str:
    words = preview.report.dropped[reason]
    counts = {f"{group.task} {group.script}": group.dropped[reason] for group in preview.report.groups if reason in group.dropped}
    shown = sorted(counts.items(), key=lambda entry: -entry[1])[:_MAX_GROUPS]
    of = ", ".join(f"{name} {count}" for name, count in shown) + (" and others" if len(counts) > len(shown) else "")
    verb = "left out" if reason in LEFT_OUT else "dropped"
    return f"{words.count} {verb}, {reason} ({of}): {', '.join(words.examples[:_MAX_EXAMPLES])}"
