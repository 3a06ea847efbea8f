"""What a team asks of a grouping."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raygroup.errors import ConfigError
from raygroup.strategies.group_scores import Floats, GroupScores

if TYPE_CHECKING:
    from raygroup.strategies.budget import Budget

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A budget for a grouping. Every field is optional; without any, the best grouping of all is meant."""

    heads: int | None = None
    """The most heads."""
    max_parameters: int | None = None
    """The most weights of all heads together, after pruning to the characters of their groups."""
    max_latency_ms: float | None = None
    """The most milliseconds to read a word, greedily, one word at a time on one core: the mean over tasks."""
    target_accuracy: float | None = None
    """The least exact match on unseen words, from 0 to 1: the mean over tasks. The smallest grouping that reaches it is chosen."""
    together: Pairs = ()
    """Pairs of tasks that must share a head."""
    apart: Pairs = ()
    """Pairs of tasks that must not."""

    def __post_init__(self) -> None:
        for name in ("heads", "max_parameters", "max_latency_ms", "target_accuracy"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} is {value}: it must be above 0")
        if self.target_accuracy is not None and self.target_accuracy > 1:
            raise ConfigError(f"target_accuracy is {self.target_accuracy}: it must be a share from 0 to 1, such as 0.5")

    @property
    def limits_heads_alone(self) -> bool:
        """True if nothing but the number of heads is limited."""
        others = (self.max_parameters, self.max_latency_ms, self.target_accuracy)
        return all(other is None for other in others) and not self.together and not self.apart

    def text(self) -> str:
        """Return the request in words, such as ``at most 3 heads, at most 12,000,000 parameters``. Empty without any."""
        parts = [
            None if self.heads is None else f"at most {self.heads} heads",
            None if self.max_parameters is None else f"at most {self.max_parameters:,} parameters",
            None if self.max_latency_ms is None else f"at most {self.max_latency_ms:g} ms a word",
            None if self.target_accuracy is None else f"an accuracy of at least {self.target_accuracy:g}",
            *(f"{one} and {other} together" for one, other in self.together),
            *(f"{one} and {other} apart" for one, other in self.apart),
        ]
        return ", ".join(part for part in parts if part)

    def to_json(self) -> dict[str, Any]:
        """Return the request as JSON values."""
        return {
            "heads": self.heads, "max_parameters": self.max_parameters, "max_latency_ms": self.max_latency_ms,
            "target_accuracy": self.target_accuracy, "together": list(map(list, self.together)), "apart": list(map(list, self.apart)),
        }  # fmt: skip

    def budget(self, parameters: Floats, latency_ms: Floats | None) -> "Budget":
        """Return the limits on groups. Raises ConfigError if the latency is limited, but not known."""
        from raygroup.strategies.budget import Budget, Limit

        limits = []
        if self.max_parameters is not None:
            limits.append(Limit(name="parameters", costs=parameters, most=self.max_parameters))
        if self.max_latency_ms is not None:
            if latency_ms is None:
                raise ConfigError("max_latency_ms: the latency of the heads is not known: measure it, or leave the limit out")
            limits.append(Limit(name="latency in ms", costs=latency_ms, most=self.max_latency_ms))
        return Budget(most_groups=self.heads, limits=tuple(limits), together=self.together, apart=self.apart)


def parameters_as_scores(scores: GroupScores, parameters: Floats) -> GroupScores:
    """Return a table whose best grouping has the fewest parameters: each task bears an equal share of its group's, with a minus sign."""
    sizes = (~(scores.values != scores.values)).sum(axis=1, keepdims=True)
    values = scores.values * 0 - parameters[:, None] / sizes.clip(min=1)
    return GroupScores(tasks=scores.tasks, values=values, cost_s=scores.cost_s)
