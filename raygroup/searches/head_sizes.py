"""A search for good sizes of recognition heads, as pure data.

Its trials are not all known at the start: Optuna chooses the sizes of the next point from the points before it.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from raygroup.config import Trial
from raygroup.config_sections import fingerprint, require, require_number, result_fields, section
from raygroup.search_space import MAX_TRIALS, Sweep

_MAX_SEED = 2**31 - 1


@section
class SizeRange:
    """The sizes that a head may have: from ``low`` to ``high`` in equal steps."""

    low: int
    high: int
    step: int = 8

    def __post_init__(self) -> None:
        for name in ("low", "high", "step"):
            require_number(f"sizerange.{name}", getattr(self, name), low=1, whole=True)
        right = f"at least sizerange.low, which is {self.low}: the range is empty"
        require(self.high >= self.low, "sizerange.high", self.high, right)
        require((self.high - self.low) % self.step == 0, "sizerange.high", self.high, f"{self.low} plus a multiple of the step {self.step}")

    def __str__(self) -> str:
        return f"{self.low} to {self.high} in steps of {self.step}"

    @property
    def sizes(self) -> range:
        """All sizes of the range."""
        return range(self.low, self.high + 1, self.step)


@section
class HeadSizes:
    """The sizes of all heads of one point."""

    embed: int | tuple[int, ...]
    """Size of the character embedding: one for all heads, or one for each."""
    hidden: int | tuple[int, ...]
    """Hidden size of the decoder: one for all heads, or one for each."""


@section
class SizeSearch(Sweep):
    """A search for heads that read well and are small.

    It has two objectives. Accuracy is the mean 1-NED over tasks on new renders, by the classifier's route, averaged over the seeds. Size is
    the number of parameters after pruning, without idle heads.
    """

    path_prefix = ""
    embed: SizeRange
    """The sizes of the character embedding among which the search chooses, for each head by itself."""
    hidden: SizeRange
    """The hidden sizes among which the search chooses, for each head by itself."""
    points: tuple[HeadSizes, ...]
    """The points to start with. Optuna learns from them, so they should differ much."""
    num_points: int = 20
    """Points that the search finishes. Each is trained with every seed. A later run may raise it."""
    points_at_once: int = 0
    """Most points that train at a time. With 1 the search is repeatable. 0 asks for another point whenever there is room."""
    sampler_seed: int = 0
    """Seed of Optuna's sampler."""
    confirm_seeds: tuple[int, ...] = ()
    """Fresh seeds. Once the search is over, it trains the points of the front again with them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(isinstance(self.trial, Trial), "trial", type(self.trial).__name__, "a Trial on words, which has heads to size")
        require(not self.grid, "grid", self.grid, "empty: a search of sizes has no grid")
        require_number("num_points", self.num_points, low=1, high=MAX_TRIALS, whole=True)
        require_number("points_at_once", self.points_at_once, low=0, whole=True)
        require_number("sampler_seed", self.sampler_seed, low=0, high=_MAX_SEED, whole=True)
        for seed in self.confirm_seeds:
            self.trial.replaced("seed", seed)
        are_fresh = len({*self.confirm_seeds, *self.seeds}) == len(self.confirm_seeds) + len(self.seeds)
        require(are_fresh, "confirm_seeds", self.confirm_seeds, f"seeds each once, and none of the search's own {self.seeds}")
        require(
            self.word_trial.heads.start == "independent", "trial.heads.start", self.word_trial.heads.start,
            "'independent': a point rarely has a head of the universal head's size",
        )  # fmt: skip
        require(len(self.points) > 0, "points", self.points, "the sizes to start with, at least one point")
        for point in self.points:
            self._require_in_range(point)

    @property
    def word_trial(self) -> Trial:
        """The trial whose heads get other sizes."""
        assert isinstance(self.trial, Trial)
        return self.trial

    @property
    def first_points(self) -> tuple[HeadSizes, ...]:
        """The different points to start with, with a size for each head."""
        trials = (self.sized_trial(point, self.seeds[0]) for point in self.points)
        return tuple(dict.fromkeys(HeadSizes(embed=trial.heads.embeds, hidden=trial.heads.hiddens) for trial in trials))

    def sized_trial(self, point: HeadSizes, seed: int) -> Trial:
        """Return the trial of a point with one seed."""
        heads = replace(self.word_trial.heads, embed=point.embed, hidden=point.hidden)
        # Heads of one size are written as one number, so that a trial of equal heads is that of any other sweep.
        whole: dict[str, Any] = {
            name: sizes[0] for name, sizes in (("embed", heads.embeds), ("hidden", heads.hiddens)) if len(set(sizes)) == 1
        }
        return replace(self.word_trial, heads=replace(heads, **whole), seed=seed)

    def point_trials(self, number: int, point: HeadSizes, seeds: Iterable[int]) -> list[tuple[str, Trial]]:
        """Return (label, trial) of a point for each of the seeds, such as ``point=12 seed=0``."""
        return [(f"point={number} seed={seed}", self.sized_trial(point, seed)) for seed in seeds]

    def trials(self) -> list[tuple[str, Trial]]:  # type: ignore[override]
        """Return every (label, trial) of the points to start with. Those of later points are not known yet."""
        points = self.first_points[: self.num_points]
        return [trial for number, point in enumerate(points) for trial in self.point_trials(number, point, self.seeds)]

    def identity(self, data: str) -> str:
        """Return a hash of everything that a point's values depend on. ``data`` is the fingerprint of the words and the weights.

        The number of points, the points to start with and the fresh seeds are not part of it, because a search may change them and go on.
        """
        base = result_fields(self.sized_trial(self.first_points[0], 0))
        del base["heads"]["embed"], base["heads"]["hidden"]
        ranges = [result_fields(self.embed), result_fields(self.hidden)]
        return fingerprint(self.word_trial.recipe_version, base, ranges, self.seeds, self.sampler_seed, data)[:12]

    def _require_in_range(self, point: HeadSizes) -> None:
        """Raise ConfigError unless the search could choose the sizes of a point."""
        trial = self.sized_trial(point, self.seeds[0])
        for name, sizes, allowed in (("embed", trial.heads.embeds, self.embed), ("hidden", trial.heads.hiddens, self.hidden)):
            require(set(sizes) <= set(allowed.sizes), f"points: {name}", getattr(point, name), f"among the sizes of {name}: {allowed}")


def _one_if_equal(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    return sizes[0] if len(set(sizes)) == 1 else sizes
