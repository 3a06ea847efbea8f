"""Print the results of one trial task by task, with the reason why this trial is shown."""

from collections.abc import Iterator

from rich.console import Console

from raygroup.tables.task_columns import NO_TASK, columns_note, fitted_task_table
from raygroup.tables.trial_choice import TrialChoice
from raygroup.tables.trial_result import TrialResult
from raygroup.terminal import print_words


def print_task_report(trial: TrialResult, choice: TrialChoice | None, out: Console) -> None:
    """Print a trial's results by task. If it is the sweep's choice, say why, and what that does not show."""
    results = trial.task_results()
    if not results:
        return
    is_choice = choice is not None and choice.trial is trial
    print_words(out, f"by task: {choice.title() if choice and is_choice else trial.label}", style="bold")
    rows = fitted_task_table(results, out.width)
    out.print(rows)
    print_words(out, columns_note(rows), style="dim")
    for line in _lines_on_tasks(trial):
        print_words(out, line)
    for line in choice.caveats() if choice and is_choice else ():
        print_words(out, line)


def _lines_on_tasks(trial: TrialResult) -> Iterator[str]:
    worst = trial.worst_task
    if worst is not None:
        yield f"worst task: {worst.task}, 1-NED {worst.scores['classifier'].one_minus_ned.mean:.3f} on {worst.split} words"
    tested = {result.task for result in trial.task_results()}
    if None in tested:
        yield f"{NO_TASK}: words without a task, which have no head of their own and no routing errors"
    elif untested := [task for task in trial.history.tasks if task not in tested]:
        yield f"without a tested word: {', '.join(untested)}"
