"""The facts about one trial that a report shows. A trial that has not come far has few of them."""

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from raygroup.errors import ConfigError
from raygroup.history.reader import History
from raygroup.history.spotter_history import SpotterHistory
from raygroup.scoring.word_intervals import WordInterval
from raygroup.search_space import AnyTrial
from raygroup.storage.layout import CONFIG_FILE
from raygroup.storage.leases import attempt_records
from raygroup.storage.records import intact_record
from raygroup.storage.sweeps import TrialState
from raygroup.tables.group_heads.bank_trial import BankTrialResult
from raygroup.tables.spotter.spotter_trial import SpotterTrialResult
from raygroup.tables.sweep_view import TrialView
from raygroup.tables.trial_choice import unseen_score
from raygroup.tables.trial_result import TrialResult

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class TrialFacts:
    """One declared trial. A value that its records do not have is None or empty."""

    result: TrialResult

    @property
    def is_readable(self) -> bool:
        """True if the trial is done and its records are whole."""
        return self.result.is_readable

    @functools.cached_property
    def damage(self) -> str | None:
        """Why a finished trial cannot be read. None if it can, or if it is not finished."""
        if self.result.state != TrialState.DONE:
            return None
        try:
            return self.result.damage
        except ConfigError as error:
            return str(error)

    @functools.cached_property
    def settings(self) -> AnyTrial | None:
        """The complete settings. None for a trial that was never started."""
        result = self.result
        return _or_none(lambda: result.any_settings if isinstance(result, SpotterTrialResult) else result.settings)

    @functools.cached_property
    def history(self) -> History | SpotterHistory | None:
        """Every recorded step."""
        result = self.result
        return _or_none(lambda: result.steps if isinstance(result, SpotterTrialResult) else result.history)

    @functools.cached_property
    def outcome(self) -> Mapping[str, Any]:
        """The content of ``DONE.json`` or ``FAILED.json``."""
        return self.result.stored.outcome()

    @functools.cached_property
    def config(self) -> Mapping[str, Any]:
        """The content of ``config.json``: the settings and the inputs."""
        return intact_record(self.result.folder / CONFIG_FILE)

    @functools.cached_property
    def attempts(self) -> Sequence[Mapping[str, Any]]:
        """The last attempts, oldest first."""
        return attempt_records(self.result.folder)

    @property
    def num_attempts(self) -> int | None:
        """Number of attempts."""
        recorded = self.attempts[-1].get("attempt") if self.attempts else self.outcome.get("attempts")
        return None if recorded is None else int(recorded)

    @property
    def lost_steps(self) -> int | None:
        """Steps that were trained again after interruptions, as far as attempts recorded them. None if none did."""
        lost = [attempt["lost_steps"] for attempt in self.attempts if isinstance(attempt.get("lost_steps"), int)]
        return sum(lost) if lost else (0 if self.num_attempts == 1 else None)

    @property
    def steps(self) -> int | None:
        """The last recorded step."""
        return None if self.history is None else int(self.history.step[-1])

    @property
    def steps_per_s(self) -> float | None:
        """Steps in a second of training. Long pauses do not count."""
        if self.history is None or len(self.history.step) < 2:
            return None
        seconds = self.result.training_s
        return (len(self.history.step) - 1) / seconds if seconds > 0 else None

    @functools.cached_property
    def view(self) -> TrialView:
        """The trial as its scheduler saw it, without a history if it trains on scenes."""
        history = self.history if isinstance(self.history, History) else None
        return TrialView(self.result.label, self.result.state, dict(self.outcome), history)

    @functools.cached_property
    def paused_s(self) -> float | None:
        """Seconds between stretches of steps. None without the history of a trial on words."""
        spans = self.view.spans
        return sum(after[0] - before[1] for before, after in itertools.pairwise(spans)) if spans else None

    @functools.cached_property
    def unseen(self) -> WordInterval | None:
        """Mean exact match on unseen words, by which reports order trials."""
        if not self.is_readable or isinstance(self.result, SpotterTrialResult | BankTrialResult):
            return None
        return unseen_score(self.result)


def _or_none(read: Callable[[], _Value]) -> _Value | None:
    try:
        return read()
    except ConfigError:
        return None
