"""Print Table 3.

It has our numbers beside the paper's, the groupings, the words read, and remarks on their limits.
"""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable
from rich.text import Text

from raygroup.paper import TABLE_3_STEPS
from raygroup.scoring.word_accuracy import WordScore
from raygroup.tables.sheets.sheet import Sheet, SheetColumn, terminal_table, text_column, whole_columns
from raygroup.tables.spread import Spread
from raygroup.tables.table3 import Table3, Table3Row
from raygroup.tables.trial_evidence import TrialEvidence
from raygroup.task_groups import pair_agreement
from raygroup.terminal import print_table, table

CONTROL = (
    "The control gives every head the mean loss over heads. Each row of P_TM sums to 1, so recognition then has no gradient on R_TM. "
    "At one seed R_TM takes the same path for every epsilon: its groups come from Gumbel noise and Eq. (9) alone. "
    "If a trial's grouping differs from the control's at the same seed, recognition made the difference, though not always a better "
    "grouping. If it is the same, recognition may or may not have mattered."
)
COUNTING = (
    "Counting: 'raw' is the rule of the released code (every step, argmax of R_TM, heads by label). 'tasks' counts each task that moved. "
    "'settled K' counts changes between assignments that each stood for K steps. The paper does not say which rule it used. In a separate "
    "toy of 80 seeds, the rule changed the counts far more than epsilon did, and the paper's 1/3/5/2/2, one run each, lay within the noise "
    "of seeds."
)
LAPTOP = (
    "Laptop scale means few rendered words, capped characters, a small trunk and short training. It makes Chinese, Japanese and Korean the "
    "easy tasks and Arabic, Bengali and Hindi the hard ones, the reverse of the paper's data. It can show how the method behaves: whether "
    "assignments settle, how sure they are, what epsilon and the control do. It cannot say which languages belong together, and its "
    "groups say nothing about the paper's Table 2."
)
_FEW_SEEDS = 10
_UNDECIDED = 0.85
"""Mean max P_TM below which groups are still noise."""


def print_table3(table3: Table3, out: Console) -> None:
    """Print the changes, the groupings, the words read and the remarks."""
    print_table(out, heading(table3), terminal_table(changes_sheet(table3)))
    print_table(out, "\nGroupings at the end", _groupings(table3))
    for split, title in (("new", "new renders of training words"), ("unseen", "words never trained on")):
        for routing in ("classifier", "true task"):
            words = _words(table3, split, routing)
            if words.row_count:
                print_table(out, f"\nWords read, {title}, routed by the {routing}: accuracy/1-NED in %, mean over seeds", words)
    for remark in remarks(table3):
        out.print(Text(f"\n{remark}"), soft_wrap=not (out.is_terminal or out.is_jupyter))


def remarks(table3: Table3) -> list[str]:
    """Return remarks on the numbers, one paragraph each.

    They say what the numbers mean and what they cannot show.
    """
    paragraphs = [COUNTING]
    if table3.control is None:
        paragraphs.append(f"Control: {table3.control_sweep}. Without one, recognition's part in the grouping cannot be told from noise.")
    else:
        paragraphs.append(CONTROL)
    if table3.control_differs:
        seeds = ", ".join(map(str, table3.control_differs))
        paragraphs.append(f"WARNING: the control's assignments depend on epsilon at seed {seeds}: R_TM got a gradient from recognition.")
    fewest = min(row.raw.count for row in table3.rows)
    if fewest < _FEW_SEEDS:
        paragraphs.append(f"Seeds: {fewest} per epsilon. A difference between epsilons means something from about ten seeds on.")
    undecided = [trial.label for trial in table3.trials if trial.decisiveness < _UNDECIDED]
    if undecided:
        paragraphs.append(f"Undecided (mean max P_TM below {_UNDECIDED}), so their groups are still noise: {'; '.join(undecided)}.")
    return [*paragraphs, LAPTOP] if table3.trials[0].counted < TABLE_3_STEPS else paragraphs


def all_rows(table3: Table3) -> list[Table3Row]:
    """Return the rows of the epsilons, then that of the control."""
    return [*table3.rows, *([table3.control] if table3.control else [])]


def heading(table3: Table3) -> str:
    """Return the title of the table, with the number of steps and the sweep."""
    counted = table3.trials[0].counted
    steps = f"{counted:,} steps" if counted == TABLE_3_STEPS else f"{counted:,} steps, all there are (paper: {TABLE_3_STEPS:,})"
    return f"Table 3: assignment changes within the first {steps}; sweep {table3.sweep.name}"


def changes_sheet(table3: Table3) -> Sheet:
    """Return the changes, one row for each epsilon and one for the control."""
    holds = list(table3.rows[0].settled)
    columns = (
        text_column("epsilon", "epsilon"), *whole_columns(paper="paper", seeds="seeds"), SheetColumn("raw", "raw", 1),
        SheetColumn("tasks", "tasks", 1), *(SheetColumn(f"settled_{hold}", f"settled {hold}", 1) for hold in holds),
        SheetColumn("max_p_tm", "max P_TM", 2), SheetColumn("settling_step", "settled at"),
    )  # fmt: skip
    rows = tuple(
        (
            row.name, row.paper, row.raw.count, row.raw, row.tasks, *(row.settled.get(hold) for hold in holds), row.decisiveness,
            row.settling_step,
        )
        for row in all_rows(table3)
    )  # fmt: skip
    return Sheet("changes", "Assignment changes, beside the paper's", columns, rows)


def _groupings(table3: Table3) -> RichTable:
    numbers = ("max P_TM", "lowest", "settled at")
    control_column = ("as control",) if table3.control else ()
    rows = table("epsilon", "seed", "grouping", *numbers, "", *control_column, right=("seed", *numbers))
    control = {trial.config.seed: trial for trial in table3.control.trials} if table3.control else {}
    for row in all_rows(table3):
        for trial in row.trials:
            lowest = min(trial.max_p_tm, key=lambda task: trial.max_p_tm[task])
            sure = (f"{trial.decisiveness:.2f}", f"{escape(lowest)} {trial.max_p_tm[lowest]:.2f}", str(trial.settling_step))
            agreement = [_agreement(trial, control)] if control_column else []
            rows.add_row(row.name, str(trial.config.seed), escape(str(trial.grouping)), *sure, ", ".join(_oddities(trial)), *agreement)
    return rows


def _oddities(trial: TrialEvidence) -> list[str]:
    idle = len(trial.grouping.idle)
    return [*(["unstable"] if trial.unstable else []), *([f"{idle} idle"] if idle else [])]


def _agreement(trial: TrialEvidence, control: dict[int, TrialEvidence]) -> str:
    """Compare a grouping with the control's at the same seed.

    Returns ``same``, or the number of task pairs that both groupings join or both separate.
    """
    other = control.get(trial.config.seed)
    if other is None or trial.config.grouping.control:
        return ""
    if other.grouping.groups == trial.grouping.groups:
        return "same"
    alike, pairs = pair_agreement(trial.grouping.groups, other.grouping.groups)
    return f"{alike}/{pairs} pairs"


def _words(table3: Table3, split: str, routing: str) -> RichTable:
    series: list[tuple[str, Sequence[TrialEvidence]]] = [(row.name, row.trials) for row in all_rows(table3)]
    series += [(escape(name), trials) for name, trials in table3.yardsticks.items()]
    means = {name: mean_scores(trials, split, routing) for name, trials in series}
    names = list(dict.fromkeys(column for scores in means.values() for column in scores))
    totals = ("mean", "all")
    columns = [name for name in names if name not in totals] + [name for name in totals if name in names]
    rows = table("epsilon", *columns, right=tuple(columns))
    for name, scores in means.items():
        if scores:
            rows.add_row(name, *(_score_text(scores.get(column), ".1f" if column == "mean" else ".0f") for column in columns))
    return rows


def mean_scores(trials: Sequence[TrialEvidence], split: str, routing: str) -> dict[str, WordScore]:
    """Return the mean over trials of each score row.

    Rows are the tasks, ``mean`` and ``all``. The result is empty if no trial has scores of this
    split.
    """
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
