"""Table 4: heads of different sizes, the tasks that they got, and their parameters before and after pruning."""

from dataclasses import dataclass
from typing import Any

from raygroup.costs import head_parameters
from raygroup.errors import ConfigError
from raygroup.files.places import Place
from raygroup.paper import TABLE_3_STEPS, TABLE_4, HeadSize
from raygroup.storage.layout import WORD_FACTS_FILE
from raygroup.storage.sweeps import StoredSweep, StoredTrial, read_sweeps
from raygroup.tables.reproduced.rank_correlation import RankCorrelation, rank_correlation
from raygroup.tables.reproduced.runs import MissingTrial, learned_trials, missing_trials, run_json
from raygroup.tables.score_intervals import Interval, seed_interval
from raygroup.tables.sweep_choice import choose_sweep
from raygroup.tables.task_results import head_sizes
from raygroup.tables.trial_evidence import TrialEvidence, trial_evidence
from raygroup.tasks import by_paper_order
from raygroup.words.word_facts import read_word_facts

PAPER_CLASSES = 9000
"""Characters of a head before pruning. The paper does not print it, but all its counts follow from it."""
PAPER_SHAPE = (256, 16, 64)
"""Features, rows and columns of a word in the released code."""


@dataclass(frozen=True)
class PaperHead:
    """A row of the paper's table, with the parameters that its sizes give."""

    printed: HeadSize
    parameters: int
    pruned_parameters: int


@dataclass(frozen=True)
class SizedHead:
    """One head of a run."""

    head: int
    embed: int
    hidden: int
    tasks: tuple[str, ...]
    """Empty for an idle head."""
    parameters: int
    num_characters: int
    """Characters in the training words of its tasks."""
    pruned_parameters: int | None
    """None for an idle head, which is left out of a package."""


@dataclass(frozen=True)
class SizedRun:
    """One run with heads of different sizes."""

    trial: TrialEvidence
    heads: tuple[SizedHead, ...]
    correlation: RankCorrelation | None
    """Spearman's rho of the parameters before pruning against the characters, over heads with a task. None if they are too few."""


@dataclass(frozen=True)
class Table4:
    """The paper's table, recomputed, and ours if there is a sweep."""

    paper: tuple[PaperHead, ...]
    paper_correlation: RankCorrelation | None
    sweep: StoredSweep | None
    why_none: str
    """The reason why there is no sweep. Empty if there is one."""
    runs: tuple[SizedRun, ...]
    missing: tuple[MissingTrial, ...]

    @property
    def mean_rho(self) -> Interval | None:
        """Mean of rho over runs, with Student's 95 % interval if there are two or more. None without runs that have a rho."""
        return seed_interval([run.correlation.rho for run in self.runs if run.correlation])


def table4(storage: Place, name: str | None = None) -> Table4:
    """Return the paper's Table 4, recomputed, beside a sweep with heads of different sizes.

    By default it is the newest finished sweep that fits, or none. A sweep that is named may be half done. Raises ConfigError if a sweep
    that is named does not fit. The message says why.
    """
    paper = tuple(map(_paper_head, TABLE_4))
    correlation = rank_correlation([head.parameters for head in paper], [row.num_characters for row in TABLE_4])
    try:
        sweep = choose_sweep(
            read_sweeps(storage), storage, name, "Table 4", lambda one: size_misfit(one, partial=name is not None), "table4_laptop"
        )
    except ConfigError as error:
        if name is not None:
            raise
        return Table4(paper, correlation, None, str(error), (), ())
    learned, _ = learned_trials(sweep, partial=name is not None)
    return Table4(paper, correlation, sweep, "", tuple(map(_sized_run, learned)), missing_trials(sweep))


def size_misfit(sweep: StoredSweep, *, partial: bool) -> str:
    """Return the reason why a sweep does not fit Table 4, or nothing."""
    learned, reason = learned_trials(sweep, partial=partial)
    if reason:
        return reason
    if any(len({*zip(trial.config().heads.embeds, trial.config().heads.hiddens, strict=True)}) < 2 for trial in learned):
        return "has trials whose heads all have one size (give heads.embed and heads.hidden a value for each head)"
    without = next((trial.label for trial in learned if not (trial.folder / WORD_FACTS_FILE).is_file()), None)
    return f"has no {WORD_FACTS_FILE} for {without}, which an earlier version trained" if without else ""


def table4_json(table: Table4) -> dict[str, Any]:
    """Return every number of the table as JSON values."""
    mean = table.mean_rho
    return {
        "table": 4, "sweep": table.sweep.name if table.sweep else None, "why_no_sweep": table.why_none,
        "not_run": [str(trial) for trial in table.missing],
        "paper": [
            {
                "embed": head.printed.embed, "hidden": head.printed.hidden, "task": head.printed.task,
                "characters": head.printed.num_characters, "parameters_m": head.printed.parameters_m,
                "pruned_parameters_m": head.printed.pruned_parameters_m, "parameters": head.parameters,
                "pruned_parameters": head.pruned_parameters,
            }
            for head in table.paper
        ],
        "paper_correlation": table.paper_correlation and table.paper_correlation.to_json(),
        "mean_rho": mean and {"mean": mean.mean, "low": mean.low, "high": mean.high, "over": mean.over, "count": mean.count},
        "trials": [
            {
                **run_json(run.trial), "correlation": run.correlation and run.correlation.to_json(),
                "sizes": [{**vars(head), "tasks": list(head.tasks)} for head in run.heads],
            }
            for run in table.runs
        ],
    }  # fmt: skip


def _paper_head(row: HeadSize) -> PaperHead:
    whole = head_parameters(row.embed, row.hidden, PAPER_CLASSES, PAPER_SHAPE)
    return PaperHead(row, whole, head_parameters(row.embed, row.hidden, row.num_characters, PAPER_SHAPE))


def _sized_run(trial: StoredTrial) -> SizedRun:
    evidence = trial_evidence(trial, TABLE_3_STEPS)
    facts = read_word_facts(trial.folder / WORD_FACTS_FILE)
    assert facts is not None  # size_misfit has looked
    heads, groups = evidence.config.heads, evidence.grouping
    sized = []
    for head, group in groups.by_head.items():
        embed, hidden = heads.embeds[head], heads.hiddens[head]
        parameters, pruned = head_sizes(head, groups, heads, facts)
        assert parameters is not None
        characters = facts.kept_characters([*group], [*dict(groups.head_of)]) if group else 0
        sized.append(SizedHead(head, embed, hidden, by_paper_order(set(group)), parameters, characters, pruned if group else None))
    busy = [head for head in sized if head.tasks]
    correlation = rank_correlation([head.parameters for head in busy], [head.num_characters for head in busy])
    return SizedRun(evidence, tuple(sized), correlation)
