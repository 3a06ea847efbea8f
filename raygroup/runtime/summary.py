"""Print the result of a sweep.

It has lines on the words, a row for each trial, the results by task of the trial to ship, and a few words with their readings.
"""

import functools
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, Group
from rich.text import Text

from raygroup.config import Pretraining
from raygroup.errors import ConfigError
from raygroup.files.local_copies import local_copy
from raygroup.files.places import Place, size_of
from raygroup.files.retry import NO_RETRY, Retry
from raygroup.runtime.planning.plan import Plan
from raygroup.runtime.shown_trial import print_shown_trial
from raygroup.runtime.stage1.job import jobs_on_words
from raygroup.search_space import GROUP_HEADS, SCENES, STAGE_1
from raygroup.spotter_config import Detector
from raygroup.storage.sweeps import TrialState, read_sweeps
from raygroup.tables.group_heads.bank_report import banks_table, sweep_lines
from raygroup.tables.spotter.spotter_report import print_weights, spotter_trials_table
from raygroup.tables.stage1.stage1_report import print_stage1_tasks, stage1_trials_table
from raygroup.tables.sweep_choice import yardsticks
from raygroup.tables.sweep_result import SweepResult, bank_trials, spotter_trials, stage1_trials, sweep_result
from raygroup.tables.trial_result import TESTED_SPLITS, TrialResult, mean_score
from raygroup.terminal import Column, fitted_table, print_warning, print_words, size_text, titled
from raygroup.words.charset import Charset
from raygroup.words.importing.report import Report
from raygroup.words.word_store import WordStore, open_word_store

_COLUMNS = (
    Column("trial", shortest=20),
    Column("grouping", shortest=16),
    Column("decided", right=True, rank=3),
    Column("settled", right=True, rank=7),
    Column("new 1-NED", right=True, rank=5),
    Column("exact", right=True, rank=6),
    Column("unseen 1-NED", right=True),
    Column("exact ", right=True, rank=2),
    Column("worst task", right=True, rank=4),
    Column("time", right=True, rank=1),
)
_MOST_CHARACTERS = 12
"""Characters outside the charset that are listed one by one."""


def print_summary(plan: Plan, console: Console, failed: Mapping[str, str], retry: Retry = NO_RETRY) -> None:
    """Print a sweep's tables and words, and draw the pictures of one trial.

    They go into ``<sweep>/figures``. ``failed`` holds the reasons of the trials that failed in this
    run, by id. ``retry`` repeats reading that fails.
    """
    done = [job for job in plan.jobs if job.done]
    for store in sorted({job.store for job in jobs_on_words(done)}):
        if store.is_file():
            try:
                lines = retry(functools.partial(_words_lines_of, store))
            except ConfigError as error:
                print_warning(str(error))  # the trials are done, and their results do not need it
            else:
                for line in lines:
                    print_words(console, line)
    if done:
        result = retry(lambda: sweep_result(plan.folder))
        printers = {SCENES: _print_scene_trials, STAGE_1: _print_stage1_trials, GROUP_HEADS: _print_banks}
        printers.get(plan.trains_on, _print_grouped_trials)(plan, result, console, retry)
        for line in result.damaged:
            print_warning(line)
    for job in plan.jobs:
        if job.id in failed:
            console.print(f"failed: {job.label}: {failed[job.id]} ({job.folder})", style="red", soft_wrap=True, markup=False)


def _print_grouped_trials(plan: Plan, result: SweepResult, console: Console, retry: Retry) -> None:
    others = retry(lambda: _read_trials(plan, result))
    console.print(_trials_table(plan, result, others, console.width))
    if result.shown is not None:
        print_shown_trial(result, result.shown, console, retry)


def _print_scene_trials(plan: Plan, result: SweepResult, console: Console, retry: Retry) -> None:
    trials = retry(lambda: spotter_trials(result.readable))
    if trials:
        console.print(spotter_trials_table(plan.sweep.name, trials, console.width))
        print_weights(trials, console)


def _print_stage1_trials(plan: Plan, result: SweepResult, console: Console, retry: Retry) -> None:
    trials = retry(lambda: stage1_trials(result.readable))
    if trials:
        console.print(stage1_trials_table(plan.sweep.name, trials, console.width))
        print_stage1_tasks(trials[0], console)
        print_weights(trials, console)


def _print_banks(plan: Plan, result: SweepResult, console: Console, retry: Retry) -> None:
    banks = retry(lambda: bank_trials(result.readable))
    if banks:
        console.print(banks_table(plan.sweep.name, banks, console.width))
        for line in retry(lambda: [*sweep_lines(result.stored)]):
            print_words(console, line)


def _words_lines_of(store: Place) -> list[str]:
    return words_lines(open_word_store(local_copy(store)))


def _read_trials(plan: Plan, result: SweepResult) -> list[tuple[str, TrialResult]]:
    """Read the records of a sweep's trials, which stay in memory, and return its yardsticks."""
    _ = (result.readable, result.damaged, result.choice)
    return _yardstick_trials(plan)


def next_steps(plan: Plan) -> Iterable[str]:
    """Return the lines that say what a user can do next."""
    folder = shlex.quote(str(plan.folder))
    evidence = "losses" if isinstance(plan.sweep.trial, Detector | Pretraining) else "losses and assignments"
    yield f"{size_text(size_of(plan.folder))} in {plan.folder}; to see {evidence}: tensorboard --logdir {folder}"
    if plan.scenes is None and any("base_coefficient" in path for path in plan.sweep.grid):
        storage = shlex.quote(str(plan.storage))
        yield f"to compare with the paper's Table 3: python -m raygroup.reproduce table3 --storage-path {storage}"


def words_lines(words: WordStore) -> list[str]:
    """Return lines that count the words used, and those dropped by reason."""
    report = words.metadata.report
    if "missing_glyph" in report:
        lines = [f"words: {len(words)} renders of {sum(sum(counts.values()) for counts in report['words'].values())} words"]
        dropped = {task: count for task, count in report["missing_glyph"].items() if count}
        lines += [f"  {count} renders dropped, {task}: a glyph was missing in every font" for task, count in dropped.items()]
    else:
        lines = Report.from_json(report).lines()
    return lines + [f"  {source}: outside the charset: {_counts_text(counts)}" for source, counts in outside_charset(words).items()]


def outside_charset(words: WordStore) -> dict[str, Counter[str]]:
    """Count the characters in tested words that no training word holds, by source. No head can write them."""
    labels, sources = words.labels(), words.columns["source"].to_pylist()
    charset = Charset.from_labels(labels[row] for row in words.rows_of("train"))
    tested: dict[str, list[str]] = {}
    for row in [*words.rows_of("new"), *words.rows_of("unseen")]:
        tested.setdefault(sources[row], []).append(labels[row])
    by_source = {source: charset.unsupported_characters(texts) for source, texts in tested.items()}
    return {source: counts for source, counts in by_source.items() if counts}


def _trials_table(plan: Plan, result: SweepResult, others: Sequence[tuple[str, TrialResult]], width: int) -> Group:
    rows = []
    trials = [(trial.label, trial) for trial in result.readable]
    for label, trial in [*trials, *others]:
        decided, settled = f"{trial.decisiveness:.2f}", str(trial.settling_step)
        rows.append([label, str(trial.groups), decided, settled, *_score_cells(trial), f"{trial.training_s:.0f} s"])
    cells = [[Text(cell) for cell in row] for row in rows]
    return titled(f"{plan.sweep.name}: accuracy of words routed by each trial's own classifier", fitted_table(_COLUMNS, cells, width))


def _yardstick_trials(plan: Plan) -> list[tuple[str, TrialResult]]:
    """Return yardsticks: finished trials on the same words.

    One has one head, and one has a head for each task. They bound what a grouping can gain.
    """
    others = yardsticks(read_sweeps(plan.storage), plan.jobs[0].data)
    trials = [
        (f"{kind} ({sweep.name})", TrialResult(sweep.in_state(TrialState.DONE)[0]))
        for kind, sweep in others.items()
        if sweep.name != plan.sweep.name
    ]
    # ``runs show`` of another sweep says what is wrong with its trials.
    return [(name, trial) for name, trial in trials if trial.is_readable]


def _score_cells(trial: TrialResult) -> list[str]:
    cells = []
    for split in TESTED_SPLITS:
        mean = mean_score(trial.scores(split))
        cells += [f"{mean.one_minus_ned:.3f}", f"{mean.accuracy:.3f}"] if mean.num_words else ["-", "-"]
    worst = trial.worst_task
    return [*cells, f"{worst.task} {trial.worst_one_minus_ned:.3f}" if worst else "-"]


def _counts_text(counts: Mapping[str, int]) -> str:
    most = sorted(counts.items(), key=lambda item: -item[1])[:_MOST_CHARACTERS]
    rest = len(counts) - _MOST_CHARACTERS
    return " ".join(f"{character} ({count})" for character, count in most) + (f" and {rest} more" if rest > 0 else "")
