"""Table 3 in a terminal: ours beside the paper's, the groupings and the control, the words read, and what all this can show."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable
from rich.text import Text

from raygroup.paper import TABLE_3_STEPS
from raygroup.scoring.word_accuracy import WordScore
from raygroup.tables.table3 import Row, Spread, Table3
from raygroup.tables.trial_evidence import TrialEvidence
from raygroup.task_groups import pair_agreement
from raygroup.terminal import show, table

CONTROL = (
    "In the control every head is given the mean loss over heads. Each row of P_TM sums to 1, so recognition then has no gradient on "
    "R_TM, and R_TM's path at a seed does not depend on epsilon: its groups come from Gumbel noise and Eq. (9) alone. Where a trial's "
    "grouping differs from the control's at the same seed, recognition made the difference (not "
    "necessarily a better one); where it is the same, it need not have."
)
COUNTING = (
    "Counting: raw is the released code's rule (every step, argmax of R_TM, heads by label), tasks counts each task that moved, settled K "
    "counts changes between assignments that each stood for K steps. The paper does not say which rule its numbers "
    "follow. In a separate toy of 80 seeds the rule changed the counts far more than epsilon did, and 1/3/5/2/2, one run each, lay "
    "within the noise of seeds."
)
LAPTOP = (
    "Laptop scale (few rendered words, capped characters, a small trunk, short training) makes Chinese, Japanese and Korean the easy "
    "tasks and Arabic, Bengali and Hindi the hard ones, the reverse of the paper's data. It can show how the method behaves: whether "
    "assignments settle, how sure they are, what epsilon and the control do. It cannot say which languages belong together, and its "
    "groups say nothing about the paper's Table 2."
)


def print_table3(found: Table3, out: Console) -> None:
    show(out, _heading(found), _changes(found))
    show(out, "\nGroupings at the end", _groupings(found))
    for split, title in (("new", "new renders of training words"), ("unseen", "words never trained on")):
        for routing in ("classifier", "true task"):
            words = _words(found, split, routing)
            if words.row_count:
                show(out, f"\nWords read, {title}, routed by the {routing}: accuracy/1-NED in %, mean over seeds", words)
    for remark in remarks(found):
        out.print(Text(f"\n{remark}"), soft_wrap=not (out.is_terminal or out.is_jupyter))


def remarks(found: Table3) -> list[str]:
    """What the figures mean and what they cannot show, one paragraph each."""
    said = [COUNTING]
    if found.control is None:
        said.append(f"Control: {found.control_sweep}; without one nothing tells recognition's part in the grouping from noise.")
    else:
        said.append(CONTROL)
    if found.control_differs:
        seeds = ", ".join(map(str, found.control_differs))
        said.append(f"WARNING: the control's assignments depend on epsilon at seed {seeds}: R_TM got a gradient from recognition.")
    fewest = min(row.raw.count for row in found.rows)
    if fewest < 10:
        said.append(f"Seeds: {fewest} per epsilon; ten or more are needed before a difference between epsilons means anything.")
    undecided = [trial.label for trial in found.trials if trial.decisiveness < 0.85]
    if undecided:
        said.append(f"Undecided (mean max P_TM below 0.85), so their groups are still noise: {'; '.join(undecided)}.")
    return [*said, LAPTOP] if found.trials[0].counted < TABLE_3_STEPS else said


def spread_text(spread: Spread, digits: int = 1) -> str:
    """``3.4±1.1``; without the spread for one seed."""
    mean = f"{spread.mean:.{digits}f}"
    return mean if math.isnan(spread.sd) else f"{mean}±{spread.sd:.{digits}f}"


def _rows(found: Table3) -> list[Row]:
    return [*found.rows, *([found.control] if found.control else [])]


def _heading(found: Table3) -> str:
    counted = found.trials[0].counted
    over = f"{counted:,} steps" if counted == TABLE_3_STEPS else f"{counted:,} steps, all there are (paper: {TABLE_3_STEPS:,})"
    return f"Table 3: assignment changes within the first {over}; sweep {found.sweep.name}"


def _changes(found: Table3) -> RichTable:
    holds = list(found.rows[0].settled)
    numbers = ("paper", "seeds", "raw", "tasks", *(f"settled {hold}" for hold in holds), "max P_TM", "settled at")
    made = table("epsilon", *numbers, right=numbers)
    for row in _rows(found):
        settled = [spread_text(row.settled[hold]) if hold in row.settled else "-" for hold in holds]
        paper = "-" if row.paper is None else str(row.paper)
        ends = (spread_text(row.decisiveness, 2), spread_text(row.settling_step, 0))
        made.add_row(row.name, paper, str(row.raw.count), spread_text(row.raw), spread_text(row.tasks), *settled, *ends)
    return made


def _groupings(found: Table3) -> RichTable:
    numbers = ("max P_TM", "lowest", "settled at")
    beside = ("as control",) if found.control else ()
    made = table("epsilon", "seed", "grouping", *numbers, "", *beside, right=("seed", *numbers))
    control = {trial.config.seed: trial for trial in found.control.trials} if found.control else {}
    for row in _rows(found):
        for trial in row.trials:
            lowest = min(trial.max_p_tm, key=lambda task: trial.max_p_tm[task])
            remark = ", ".join(_oddities(trial))
            sure = (f"{trial.decisiveness:.2f}", f"{escape(lowest)} {trial.max_p_tm[lowest]:.2f}", str(trial.settling_step))
            alike = [_likeness(trial, control)] if beside else []
            made.add_row(row.name, str(trial.config.seed), escape(str(trial.grouping)), *sure, remark, *alike)
    return made


def _oddities(trial: TrialEvidence) -> list[str]:
    idle = len(trial.grouping.idle)
    return [*(["unstable"] if trial.unstable else []), *([f"{idle} idle"] if idle else [])]


def _likeness(trial: TrialEvidence, control: dict[int, TrialEvidence]) -> str:
    """Whether the groups are the control's of the same seed; otherwise the pairs of tasks that both join or both part."""
    other = control.get(trial.config.seed)
    if other is None or trial.config.grouping.control:
        return ""
    if other.grouping.groups == trial.grouping.groups:
        return "same"
    alike, pairs = pair_agreement(trial.grouping.groups, other.grouping.groups)
    return f"{alike}/{pairs} pairs"


def _words(found: Table3, split: str, routing: str) -> RichTable:
    series: list[tuple[str, Sequence[TrialEvidence]]] = [(row.name, row.trials) for row in _rows(found)]
    series += [(escape(name), trials) for name, trials in found.yardsticks.items()]
    means = {name: mean_scores(trials, split, routing) for name, trials in series}
    columns = list(dict.fromkeys(column for scores in means.values() for column in scores))
    columns = [column for column in columns if column not in ("mean", "all")] + [c for c in ("mean", "all") if c in columns]
    made = table("epsilon", *columns, right=tuple(columns))
    for name, scores in means.items():
        if scores:
            made.add_row(name, *(_score_text(scores.get(column), ".1f" if column == "mean" else ".0f") for column in columns))
    return made


def mean_scores(trials: Sequence[TrialEvidence], split: str, routing: str) -> dict[str, WordScore]:
    """Mean over trials of every row of their scores: the tasks, ``mean``, ``all``; empty where no trial has scores of that split."""
    rows = [dict(trial.scores[split, routing].rows()) for trial in trials if (split, routing) in trial.scores]
    if not rows:
        return {}

    def mean(name: str) -> WordScore:
        scores = [row[name] for row in rows]
        accuracy = Spread.of(score.accuracy for score in scores).mean
        return WordScore(scores[0].num_words, accuracy, Spread.of(score.one_minus_ned for score in scores).mean)

    return {name: mean(name) for name in rows[0]}


def _score_text(score: WordScore | None, form: str) -> str:
    return "-" if score is None else f"{100 * score.accuracy:{form}}/{100 * score.one_minus_ned:{form}}"
