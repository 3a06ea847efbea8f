"""Say what Table 5 has and lacks, and what its numbers mean."""

from collections.abc import Iterator

from raygroup.errors import first_names
from raygroup.tables.reproduced.runs import missing_remark
from raygroup.tables.reproduced.table5 import Table5
from raygroup.tables.stability.stability import FEWEST_RUNS

PAPER = (
    "The paper's numbers are those that it prints, on the MLT19 test set and with spotters that also learn to find words. Ours come from "
    "other scenes and a smaller spotter. Compare the order of the arrangements, not the numbers."
)
WORDS = (
    "Words: 'new' are new images of training words, 'unseen' are words never trained on. 'exact' is the share of words read without a "
    "mistake. The classifier routes each word. Parameters are those of the heads alone. 'pruned' leaves out heads without a task, and "
    "characters that no task of a head has."
)
DIFFERENCES = (
    "± is the standard deviation over seeds. 'low' and 'high' bound a 95 % interval: Student's over seeds for a mean difference, and over "
    "images for F. p comes from an exact sign-flip test, without a correction for the number of rows. It is given from "
    f"{FEWEST_RUNS} seeds on, because with fewer it cannot reach 5 %."
)
_MOST_NAMED = 4


def table5_remarks(table: Table5) -> Iterator[str]:
    """Yield the remarks, one paragraph each."""
    yield _arrangements(table)
    yield from missing_remark(table.missing, sum(len(row.trials) for row in table.rows if row.stage == 2))
    yield _stage3(table)
    yield from _end_to_end(table)
    if table.has_papers_tasks:
        yield PAPER
    yield WORDS
    yield DIFFERENCES


def _arrangements(table: Table5) -> str:
    """Say which arrangements and seeds were run."""
    parts = [f"Run: {len(table.arrangements)} arrangements of heads for {len(table.tasks)} tasks"]
    if table.not_run:
        parts.append(f"Not run: {', '.join(map(_lower, table.not_run))}")
    seeds = {row.arrangement: {trial.seed for trial in row.trials} for row in table.rows if row.stage == 2}
    every = set().union(*seeds.values())
    lacks = [f"{_lower(one)} lacks {_seeds_text(every - run)}" for one, run in seeds.items() if run != every]
    parts.append("; ".join(lacks).capitalize() if lacks else f"All have {_seeds_text(every)}")
    if len(every) == 1:
        parts.append("One seed says nothing about other seeds")
    return ". ".join(parts) + "."


def _stage3(table: Table5) -> str:
    if table.stage3 is None:
        return f"Stage 3 was not run: {table.why_no_stage3}."
    stage3 = table.stage3
    ends = " ".join(missing_remark(stage3.missing, len(stage3.trials)))
    text = f"Stage 3: {len(stage3.trials)} trials of the sweep {stage3.sweep.name} go on from those of {table.sweep.name}. {ends}".rstrip()
    if len(stage3.trials) and not stage3.gains:
        text += " They were tested on other words than stage 2, so no difference is shown."
    return text


def _end_to_end(table: Table5) -> Iterator[str]:
    """Say which scenes were read, and which trials lack scores."""
    storage = table.sweep.folder.parent
    command = f"python -m raygroup.reproduce table5 {table.sweep.name} --scenes FOLDER --storage-path {storage}"
    scored = next((trial.end_to_end for trial in table.trials if trial.end_to_end), None)
    lacking = [trial for row in table.rows for trial in row.lacking]
    if scored:
        detector = f", found by the detector {scored.detector[:12]}" if scored.detector else ""
        yield f"End to end: {scored.images} scenes ({scored.scenes[:12]}) with {scored.words} words{detector}."
    if lacking:
        names = first_names([trial.label for trial in lacking], _MOST_NAMED)
        yield f"{len(lacking)} trials have no end-to-end scores{' on these scenes' if scored else ''}: {names}. '{command}' makes them."


def _seeds_text(seeds: set[int]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, sorted(seeds)))}"


def _lower(arrangement: object) -> str:
    text = str(arrangement)
    return text[0].lower() + text[1:]
