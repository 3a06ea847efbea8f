"""Print the results of one trial task by task, with the reason why this trial is shown."""

from rich.console import Console

from raygroup.tables.task_columns import COLUMNS_NOTE, fitted_task_table
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
    out.print(fitted_task_table(results, out.width))
    print_words(out, COLUMNS_NOTE, style="dim")
    for line in choice.caveats() if choice and is_choice else ():
        print_words(out, line)
