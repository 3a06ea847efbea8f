"""What a finished sweep shows: groupings and how decided they are, accuracy, a handful of words as truth and reading, and pictures."""

import math
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from rich.console import Console, Group
from rich.text import Text

from raygroup.files.atomic import whole
from raygroup.files.local_copies import localised
from raygroup.files.places import Place, size_of
from raygroup.history.assignments import assignment, decisiveness, grouping, settling_row
from raygroup.history.reader import read_history
from raygroup.runtime.planning.plan import Job, Plan
from raygroup.scoring.predictions import FILE as PREDICTIONS
from raygroup.scoring.predictions import read_predictions, score_predictions
from raygroup.storage.sweeps import DONE, read_sweeps
from raygroup.tables.sweep_choice import yardsticks
from raygroup.terminal import size_text, table, titled
from raygroup.words.charset import Charset
from raygroup.words.importing.report import Report
from raygroup.words.word_store import WordTable, read_words

FIGURES = "figures"
_INTERRUPTION_S = 60.0
"""A longer gap between two steps counts as this much: a trial that waited overnight did not train all night."""


def summarise(plan: Plan, console: Console, failed: dict[str, str]) -> None:
    """Prints the sweep's table and words; draws what is better looked at into ``<sweep>/figures``."""
    done = [job for job in plan.jobs if job.done]
    for store in sorted({job.store for job in done}):
        if store.is_file():
            _print_lines(console, words_lines(read_words(localised(store))))
    if done:
        console.print(_trials_table(plan, done))
        _show_words(plan, done, console)
    for job in plan.jobs:
        if job.id in failed:
            console.print(f"failed: {job.label}: {failed[job.id]} ({job.folder})", style="red", soft_wrap=True, markup=False)


def words_lines(words: WordTable) -> list[str]:
    """What became of the words on their way in, for a person to read."""
    report = words.metadata.report
    if "missing_glyph" in report:
        lines = [f"words: {len(words)} renders of {sum(sum(counts.values()) for counts in report['words'].values())} words"]
        dropped = {task: count for task, count in report["missing_glyph"].items() if count}
        lines += [f"  {count} renders dropped, {task}: a glyph was missing in every font" for task, count in dropped.items()]
    else:
        lines = Report.from_json(report).lines()
    return lines + [f"  {source}: outside the charset: {_counts(counts)}" for source, counts in outside_charset(words).items()]


def outside_charset(words: WordTable) -> dict[str, Counter[str]]:
    """By source, how often each character stands in tested words that no training word holds: no head can write it."""
    labels, sources = words.labels(), words.columns["source"].to_pylist()
    charset = Charset.of(labels[row] for row in words.rows_of("train"))
    tested: dict[str, list[str]] = {}
    for row in [*words.rows_of("new"), *words.rows_of("unseen")]:
        tested.setdefault(sources[row], []).append(labels[row])
    found = {source: charset.unsupported(texts) for source, texts in tested.items()}
    return {source: counts for source, counts in found.items() if counts}


def _trials_table(plan: Plan, done: list[Job]) -> Group:
    columns = ("decided", "settled", "new 1-NED", "exact", "unseen 1-NED", "exact ", "worst task", "time")
    rows = table("trial", "grouping", *columns, right=columns)
    for label, folder in [*((job.label, job.folder) for job in done), *_yardsticks(plan)]:
        history = read_history(folder)
        assigned = assignment(history.r_tm)
        settled = int(history.step[settling_row(assigned)])
        took = f"{np.minimum(np.diff(history.clock_s), _INTERRUPTION_S).sum():.0f} s"
        rows.add_row(
            label, str(grouping(history.tasks, history.heads, assigned[-1])), f"{decisiveness(history.r_tm[-1]):.2f}", str(settled),
            *_scores(folder), took,
        )  # fmt: skip
    return titled(f"{plan.sweep.name}: accuracy of words routed by each trial's own classifier", rows)


def _yardsticks(plan: Plan) -> list[tuple[str, Place]]:
    """Finished sweeps with one head, and with one a task, on the same words: what a grouping is measured against."""
    beside = yardsticks(read_sweeps(plan.storage), plan.jobs[0].data)
    others = {kind: sweep for kind, sweep in beside.items() if sweep.name != plan.sweep.name}
    return [(f"{kind} ({sweep.name})", sweep.in_state(DONE)[0].folder) for kind, sweep in others.items()]


def _scores(folder: Place) -> list[str]:
    predictions = read_predictions(folder / PREDICTIONS, ("split", "task", "text", "reading", "reading_by_true_task"))
    shown, worst = [], math.inf
    for split in ("new", "unseen"):
        scores = score_predictions(predictions, split)
        mean = scores.mean if scores.by_task else scores.all
        shown += [f"{mean.one_minus_ned:.3f}", f"{mean.accuracy:.3f}"] if mean.num_words else ["-", "-"]
        worst = min([worst, *(score.one_minus_ned for score in scores.by_task.values())])
    return [*shown, f"{worst:.3f}" if worst < math.inf else "-"]


def _show_words(plan: Plan, done: list[Job], console: Console) -> None:
    """A contact sheet of the trial in the middle of the sweep, and the same words as text."""
    from raygroup.figures.word_sheet import sheet_figure, shown_words

    job = done[len(done) // 2]
    words = shown_words(read_predictions(job.folder / PREDICTIONS))
    if not words:
        return
    sheet = plan.folder / FIGURES / f"words-{job.id}.png"
    pictures = f"; with their pictures: {sheet}"
    try:
        if not sheet.exists():
            sheet.parent.mkdir(exist_ok=True)
            with whole(sheet, safe=False) as file:
                sheet_figure(words, f"{plan.sweep.name}, {job.label}").savefig(file, dpi=120, format="png")
    except OSError as error:
        pictures = f"; their pictures could not be written: {error}"
    by_task: dict[str, list[str]] = {}
    for word in words:
        shown = word.text if word.text == word.reading else f"{word.text} -> {word.reading}"
        by_task.setdefault(word.task or "?", []).append(shown)
    rows = table("task", "truth, and the reading where it differs")
    for task, texts in by_task.items():
        rows.add_row(task, Text("   ".join(texts)))
    console.print(titled(f"words as {job.label} reads them{pictures}", rows), soft_wrap=True)


def next_steps(plan: Plan) -> Iterable[str]:
    yield f"{size_text(size_of(plan.folder))} in {plan.folder}; tensorboard --logdir {shlex.quote(str(plan.folder))}"
    if any("base_coefficient" in path for path in plan.sweep.grid):
        yield f"the paper's Table 3 beside this: python -m raygroup.reproduce table3 --storage-path {shlex.quote(str(plan.storage))}"


def _print_lines(console: Console, lines: list[str]) -> None:
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)


def _counts(counts: Mapping[str, int]) -> str:
    most = sorted(counts.items(), key=lambda item: -item[1])[:12]
    return " ".join(f"{character} ({count})" for character, count in most) + (f" and {len(counts) - 12} more" if len(counts) > 12 else "")
