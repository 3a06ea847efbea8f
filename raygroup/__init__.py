"""Decide which languages should share a recognition head: grouped multilingual text recognition on Ray.

The public names below load on first use, so ``import raygroup`` is quick and needs neither torch nor Ray.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from raygroup.choose.adding import add_task
    from raygroup.choose.choosing import choose_groups
    from raygroup.config import Finetuning, Grouping, Heads, Loss, Pretraining, Training, Trial, Weights, Words
    from raygroup.end_to_end.sweep_scores import SweepScores, score_end_to_end
    from raygroup.errors import ClusterLostError, ConfigError, HistoryError, OverBudgetError, RaygroupError
    from raygroup.history.reader import History
    from raygroup.history.spotter_history import SpotterHistory
    from raygroup.model.heads.decoding import Reader
    from raygroup.read.opening import load
    from raygroup.reading.package import Package, WordReading
    from raygroup.report.page import Report, write_report
    from raygroup.runs.compare import compare
    from raygroup.runs.pictures import draw_pictures
    from raygroup.runtime.planning.words_preview import preview_words
    from raygroup.search_space import Sweep
    from raygroup.searches.head_sizes import HeadSizes, SizeRange, SizeSearch
    from raygroup.spot.explanation import ExplainedWord, Explanation, explain_photographs
    from raygroup.spot.opening import load_spotter
    from raygroup.spotter_config import Detector
    from raygroup.spotting.spotter import SpottedWord, Spotter
    from raygroup.spotting_config import Spotting
    from raygroup.sweep import run_sweep
    from raygroup.tables.choices.added_task import AddedTask
    from raygroup.tables.choices.choice import Choice
    from raygroup.tables.choices.request import Request
    from raygroup.tables.comparison import Comparison
    from raygroup.tables.group_heads.bank_trial import BankTrialResult
    from raygroup.tables.group_heads.group_cache import GroupCache, read_group_cache
    from raygroup.tables.searches.search_result import SizeSearchResult
    from raygroup.tables.spotter.spotter_trial import SpotterTrialResult
    from raygroup.tables.stage1.stage1_trial import Stage1TrialResult
    from raygroup.tables.strategies.known_evidence import read_evidence
    from raygroup.tables.sweep_result import SweepResult, history_table, read_history, read_spotter_history, read_sweep, read_sweeps
    from raygroup.tables.trial_result import TrialResult
    from raygroup.task_groups import TaskGroups
    from raygroup.words.importing.preview import WordsPreview

_HOMES = {
    "raygroup.choose.adding": ("add_task",),
    "raygroup.choose.choosing": ("choose_groups",),
    "raygroup.config": ("Finetuning", "Grouping", "Heads", "Loss", "Pretraining", "Training", "Trial", "Weights", "Words"),
    "raygroup.end_to_end.sweep_scores": ("SweepScores", "score_end_to_end"),
    "raygroup.errors": ("ClusterLostError", "ConfigError", "HistoryError", "OverBudgetError", "RaygroupError"),
    "raygroup.history.reader": ("History",),
    "raygroup.history.spotter_history": ("SpotterHistory",),
    "raygroup.model.heads.decoding": ("Reader",),
    "raygroup.read.opening": ("load",),
    "raygroup.spot.explanation": ("ExplainedWord", "Explanation", "explain_photographs"),
    "raygroup.spot.opening": ("load_spotter",),
    "raygroup.spotting.spotter": ("SpottedWord", "Spotter"),
    "raygroup.reading.package": ("Package", "WordReading"),
    "raygroup.report.page": ("Report", "write_report"),
    "raygroup.runs.compare": ("compare",),
    "raygroup.runs.pictures": ("draw_pictures",),
    "raygroup.runtime.planning.words_preview": ("preview_words",),
    "raygroup.search_space": ("Sweep",),
    "raygroup.searches.head_sizes": ("HeadSizes", "SizeRange", "SizeSearch"),
    "raygroup.spotter_config": ("Detector",),
    "raygroup.spotting_config": ("Spotting",),
    "raygroup.sweep": ("run_sweep",),
    "raygroup.tables.choices.added_task": ("AddedTask",),
    "raygroup.tables.choices.choice": ("Choice",),
    "raygroup.tables.choices.request": ("Request",),
    "raygroup.tables.comparison": ("Comparison",),
    "raygroup.tables.group_heads.bank_trial": ("BankTrialResult",),
    "raygroup.tables.group_heads.group_cache": ("GroupCache", "read_group_cache"),
    "raygroup.tables.searches.search_result": ("SizeSearchResult",),
    "raygroup.tables.strategies.known_evidence": ("read_evidence",),
    "raygroup.tables.sweep_result": ("SweepResult", "history_table", "read_history", "read_spotter_history", "read_sweep", "read_sweeps"),
    "raygroup.tables.spotter.spotter_trial": ("SpotterTrialResult",),
    "raygroup.tables.stage1.stage1_trial": ("Stage1TrialResult",),
    "raygroup.tables.trial_result": ("TrialResult",),
    "raygroup.task_groups": ("TaskGroups",),
    "raygroup.words.importing.preview": ("WordsPreview",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "AddedTask",
    "BankTrialResult",
    "Choice",
    "ClusterLostError",
    "Comparison",
    "ConfigError",
    "Detector",
    "ExplainedWord",
    "Explanation",
    "Finetuning",
    "GroupCache",
    "Grouping",
    "HeadSizes",
    "Heads",
    "History",
    "HistoryError",
    "Loss",
    "OverBudgetError",
    "Package",
    "Pretraining",
    "RaygroupError",
    "Reader",
    "Report",
    "Request",
    "SizeRange",
    "SizeSearch",
    "SizeSearchResult",
    "SpottedWord",
    "Spotter",
    "SpotterHistory",
    "SpotterTrialResult",
    "Spotting",
    "Stage1TrialResult",
    "Sweep",
    "SweepResult",
    "SweepScores",
    "TaskGroups",
    "Training",
    "Trial",
    "TrialResult",
    "Weights",
    "WordReading",
    "Words",
    "WordsPreview",
    "__version__",
    "add_task",
    "choose_groups",
    "compare",
    "draw_pictures",
    "explain_photographs",
    "history_table",
    "load",
    "load_spotter",
    "preview_words",
    "read_evidence",
    "read_group_cache",
    "read_history",
    "read_spotter_history",
    "read_sweep",
    "read_sweeps",
    "run_sweep",
    "score_end_to_end",
    "write_report",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("raygroup")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'raygroup' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
