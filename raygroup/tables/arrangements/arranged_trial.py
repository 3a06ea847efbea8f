"""One finished trial with its arrangement of heads: grouping, sizes and scores."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from raygroup.config_sections import fingerprint
from raygroup.costs import head_parameters
from raygroup.scoring.word_accuracy import WordScore
from raygroup.storage.layout import CONFIG_FILE
from raygroup.storage.records import intact_record
from raygroup.storage.sweeps import StoredTrial
from raygroup.tables.arrangements.arrangement import Arrangement
from raygroup.tables.arrangements.end_to_end import EndToEndScores, read_end_to_end
from raygroup.tables.task_results import head_sizes
from raygroup.tables.trial_result import TESTED_SPLITS, TrialResult, mean_score
from raygroup.task_groups import TaskGroups


@dataclass(frozen=True)
class ArrangedTrial:
    """The numbers of one trial that Table 5 shows."""

    address: str
    """Its sweep and its id, such as ``table5/table5-0123456789ab``."""
    start: str | None
    """The address of the trial whose weights it started from. None if it started from none."""
    label: str
    seed: int
    arrangement: Arrangement
    groups: TaskGroups
    parameters: int | None
    """Weights of all heads. None if the trial did not record the facts about its words."""
    pruned_parameters: int | None
    """Weights of the heads with a task, each with the characters of its tasks alone."""
    scores: Mapping[str, WordScore]
    """Split -> mean over tasks. The classifier routed the words."""
    tested_words: str
    """Fingerprint of the tested words. Scores of two trials can be paired if it is the same."""
    end_to_end: EndToEndScores | None

    def value(self, split: str, measure: str) -> float | None:
        """Return a score from 0 to 1. ``measure`` is a field of ``WordScore``. None if no word of the split was tested."""
        score = self.scores.get(split)
        return None if score is None else float(getattr(score, measure))

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON values."""
        return {
            "trial": self.address, "start": self.start, "label": self.label, "seed": self.seed, "arrangement": self.arrangement.kind,
            "heads": self.arrangement.heads, "grouping": str(self.groups), "groups": len(self.groups.groups),
            "parameters": self.parameters, "pruned_parameters": self.pruned_parameters,
            "scores": {split: vars(score) for split, score in self.scores.items()},
            "end_to_end": self.end_to_end and vars(self.end_to_end),
        }  # fmt: skip


def arranged_trial(trial: StoredTrial) -> ArrangedTrial:
    """Read a finished trial of stage 2. Raises ConfigError or HistoryError if a record is damaged."""
    result = TrialResult(trial)
    whole, pruned = _sizes(result)
    return ArrangedTrial(
        address=_address(trial), start=start_of(trial), label=trial.label, seed=result.settings.seed,
        arrangement=Arrangement.of(result.settings), groups=result.groups, parameters=whole, pruned_parameters=pruned,
        **_scores(result),
    )  # fmt: skip


def continued_trial(trial: StoredTrial, earlier: ArrangedTrial) -> ArrangedTrial:
    """Read a finished trial of stage 3. Seed, grouping and sizes are those of the trial that it goes on from."""
    return replace(earlier, address=_address(trial), start=earlier.address, label=trial.label, **_scores(TrialResult(trial)))


def start_of(trial: StoredTrial) -> str | None:
    """Return the address of the trial that it starts from, or None."""
    start = intact_record(trial.folder / CONFIG_FILE).get("start")
    return start if isinstance(start, str) else None


def _address(trial: StoredTrial) -> str:
    return f"{trial.folder.parent.name}/{trial.id}"


def _sizes(result: TrialResult) -> tuple[int | None, int | None]:
    facts, groups, heads = result.word_facts, result.groups, result.settings.heads
    if facts is None:
        return None, None
    sizes = zip(heads.embeds, heads.hiddens, strict=True)
    pruned = (head_sizes(head, groups, heads, facts)[1] for head, group in groups.by_head.items() if group)
    return sum(head_parameters(*size, facts.classes, facts.shape) for size in sizes), sum(size or 0 for size in pruned)


def _scores(result: TrialResult) -> dict[str, Any]:
    words = result.predictions
    means = {split: mean_score(result.scores(split)) for split in TESTED_SPLITS}
    return {
        "scores": {split: score for split, score in means.items() if score.num_words},
        "tested_words": fingerprint(*(words[name].to_pylist() for name in ("split", "task", "text"))),
        "end_to_end": read_end_to_end(result.folder),
    }
