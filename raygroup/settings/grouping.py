"""The grouping module and the losses of a trial."""

from dataclasses import field

from raygroup.config_sections import COUNTS_IF_SET, Changes, require, require_changes, require_choice, require_number, section


@section
class Grouping:
    """The grouping module: Eq. (3), (4), (7), (9), and its share of Eq. (8)."""

    method: str = "gumbel"
    """``gumbel``: the grouping is learned, as in the paper. ``one-per-task``: task i stays on head i. ``explicit``: ``groups`` says it.
    ``trained``: that of the stage-2 trial that this trial comes after (``Finetuning`` sets it). ``cover``: a bank of group heads. Each
    head learns from the words of its own one of ``groups`` alone, and groups may share tasks. It is no grouping, but evidence for all.
    ``probe``: all heads learn alike from all words for the first ``probe`` of the steps. Then the tasks whose gradients agree share a head.
    For one head that reads all tasks, set ``heads.count`` to 1."""
    groups: tuple[tuple[str, ...], ...] = field(default=(), metadata=COUNTS_IF_SET)
    """The tasks of each head, if ``method`` is ``explicit`` or ``cover``, such as ``(("ar", "ko"), ("bn",), ("zh", "hi", "ja", "la"))``."""
    probe: float = field(default=0.0, metadata=COUNTS_IF_SET)
    """Share of the steps before the grouping is chosen, if ``method`` is ``probe``. Gradients are gathered at every
    ``training.evidence_every``-th of these steps."""
    probe_by: str = field(default="cosine", metadata=COUNTS_IF_SET)
    """Gradients that a probe compares by their mean cosine. ``cosine``: those of all weights of a head. ``inner cosine``: those without
    the embedding and the output layer, where tasks without common characters look hostile by construction."""
    temperature: float = 1.0
    """Temperature of the Gumbel-Softmax, Eq. (3)."""
    base_coefficient: float = 0.2
    """epsilon of Eq. (8)."""
    base_coefficient_changes: Changes = field(default=(), metadata=COUNTS_IF_SET)
    """Later values of epsilon: ``((0.5, 0.1),)`` sets it to 0.1 from half of the steps on. Section 3.3 has 0.2 at first and 0.1 later."""
    temperature_changes: Changes = field(default=(), metadata=COUNTS_IF_SET)
    """Later values of the temperature, in the same form."""
    min_tasks: float = 1.0
    """mu_j of Eq. (9), the same for every head."""
    sample: str = "step"
    """``step``: one Gumbel draw serves all words of a step, as in the released code. ``word``: each word has its own draw."""
    penalty_on: str = "sample"
    """What Eq. (9) sums: the Gumbel ``sample`` (released code) or the ``softmax`` of R_TM."""
    word_tasks: str = "soft"
    """P_WT of words without a task. ``soft``: the share of their characters that each task can spell (paper).
    ``argmax``: the task with the largest share (released code)."""
    route: str = "hard"
    """The head that reads a word at test time. ``hard``: argmax task, then argmax head (paper).
    ``soft``: argmax of P_WM (released code)."""
    control: bool = False
    """Make this trial a control: every head gets the mean loss over heads, so only noise and Eq. (9) move R_TM."""

    def __post_init__(self) -> None:
        require_choice("grouping.method", self.method, "gumbel", "one-per-task", "explicit", "trained", "cover", "probe")
        self._require_groups()
        self._require_probe()
        require_number("grouping.temperature", self.temperature, low=1e-3)
        require_number("grouping.base_coefficient", self.base_coefficient, low=0)
        require_changes("grouping.base_coefficient_changes", self.base_coefficient_changes, low=0)
        require_changes("grouping.temperature_changes", self.temperature_changes, low=1e-3)
        require_number("grouping.min_tasks", self.min_tasks, low=0)
        require_choice("grouping.sample", self.sample, "step", "word")
        require_choice("grouping.penalty_on", self.penalty_on, "sample", "softmax")
        require_choice("grouping.word_tasks", self.word_tasks, "soft", "argmax")
        require_choice("grouping.route", self.route, "hard", "soft")
        require(
            not self.is_fixed or not self.control, "grouping.control", self.control,
            "False if the grouping is fixed, because there is nothing to control for",
        )  # fmt: skip
        require(
            not self.is_fixed or not self.temperature_changes, "grouping.temperature_changes", self.temperature_changes,
            "empty if the grouping is fixed, because nothing is sampled",
        )  # fmt: skip
        if self.is_cover:
            self._require_cover()

    @property
    def is_fixed(self) -> bool:
        """Return True if no gradient changes the grouping. That of a probe is set once."""
        return self.method != "gumbel"

    @property
    def is_cover(self) -> bool:
        """Return True if the heads are group heads, whose groups may share tasks."""
        return self.method == "cover"

    def _require_groups(self) -> None:
        if self.method not in ("explicit", "cover"):
            require(not self.groups, "grouping.groups", self.groups, "empty unless grouping.method is 'explicit' or 'cover'")
            return
        if self.is_cover:
            right = 'the tasks of each head, no group twice, such as (("ar",), ("ko",), ("ar", "ko"))'
            are_sets = all(len(set(group)) == len(group) > 0 for group in self.groups)
            is_cover = are_sets and len({frozenset(group) for group in self.groups}) == len(self.groups) > 0
            require(is_cover, "grouping.groups", self.groups, right)
            return
        named = [task for group in self.groups for task in group]
        right = 'the tasks of each head, each task once, such as (("ar", "ko"), ("bn",))'
        require(bool(self.groups) and all(self.groups) and len(set(named)) == len(named), "grouping.groups", self.groups, right)

    def _require_probe(self) -> None:
        require_number("grouping.probe", self.probe, low=0, high=1)
        require_choice("grouping.probe_by", self.probe_by, "cosine", "inner cosine")
        if self.method == "probe":
            require(0 < self.probe < 1, "grouping.probe", self.probe, "above 0 and below 1 if grouping.method is 'probe', such as 0.2")
            return
        require(self.probe == 0, "grouping.probe", self.probe, "0 unless grouping.method is 'probe'")
        require(self.probe_by == "cosine", "grouping.probe_by", self.probe_by, "'cosine' unless grouping.method is 'probe'")

    def _require_cover(self) -> None:
        """Check that a bank of group heads sets nothing that would have no effect."""
        plain = {"base_coefficient": 0, "base_coefficient_changes": (), "min_tasks": 1, "sample": "step", "penalty_on": "sample"}
        for name, value in (plain | {"route": "hard"}).items():
            require(
                getattr(self, name) == value, f"grouping.{name}", getattr(self, name),
                f"{value!r} if grouping.method is 'cover', because a group head learns from the words of its group alone",
            )  # fmt: skip


@section
class Loss:
    """How losses are normalised and summed: Eq. (2), (5), (6), (8), (9)."""

    length: str = "mean"
    """A word's loss is the ``mean`` over its characters (Eq. 5) or their ``sum`` (released code)."""
    words: str = "mean"
    """A step's loss is the ``mean`` over its words (released code) or their ``sum`` (Eq. 6 and 8 as printed)."""
    recognition: float = 1.0
    """Weight of Eq. (8). The released code uses 0.5."""
    grouping: float = 1.0
    """Weight of Eq. (9)."""
    task: float = 1.0
    """Weight of Eq. (2)."""

    def __post_init__(self) -> None:
        require_choice("loss.length", self.length, "mean", "sum")
        require_choice("loss.words", self.words, "mean", "sum")
        for name in ("recognition", "grouping", "task"):
            require_number(f"loss.{name}", getattr(self, name), low=0)
