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
    heads_per_word: int = field(default=0, metadata=COUNTS_IF_SET)
    """How many heads read a word in training, drawn anew at every step. All heads read equally many words. Eq. (8) is divided by the
    probability that a head reads a word, so its gradients are right on average, and a step's cost does not grow with the heads.
    0: all heads read all words."""
    assignment: str = field(default="gradient", metadata=COUNTS_IF_SET)
    """What drives R_TM. ``gradient``: the gradients of Eq. (8) and (9), as in the paper. ``loss``: R_TM is 1 - ``loss_gain`` times how
    much worse than the mean head a head reads a task, by a moving average of losses. Eq. (3) samples heads from it as well."""
    loss_gain: float = field(default=10.0, metadata=COUNTS_IF_SET)
    """The change of R_TM for each nat of loss, if ``assignment`` is ``loss``."""
    loss_decay: float = field(default=0.95, metadata=COUNTS_IF_SET)
    """How much less a step's losses count at the next step, if ``assignment`` is ``loss``. 0.95 averages over about 20 steps."""
    penalty_while_idle: bool = field(default=False, metadata=COUNTS_IF_SET)
    """Whether Eq. (9) counts a head only while it is no task's most probable head. Otherwise Eq. (9) moves R_TM much more than reading
    does."""
    probe: float = field(default=0.0, metadata=COUNTS_IF_SET)
    """Share of the steps before the grouping is chosen, if ``method`` is ``probe``. Gradients are gathered at every
    ``training.evidence_every``-th of these steps."""
    probe_by: str = field(default="cosine", metadata=COUNTS_IF_SET)
    """Gradients that a probe compares by their mean cosine. ``cosine``: those of all weights of a head. ``inner cosine``: those without
    the embedding and the output layer, where tasks without common characters look hostile by construction."""

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
        require_number("grouping.heads_per_word", self.heads_per_word, low=0, whole=True)
        require(
            not self.is_fixed or not self.heads_per_word, "grouping.heads_per_word", self.heads_per_word,
            "0 if the grouping is fixed, because the head of a word is known",
        )  # fmt: skip
        self._require_assignment()

    @property
    def has_gradient(self) -> bool:
        """Return True if R_TM is trained by gradients."""
        return not self.is_fixed and self.assignment == "gradient"

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

    def _require_assignment(self) -> None:
        """Check what drives R_TM."""
        require_choice("grouping.assignment", self.assignment, "gradient", "loss")
        require_number("grouping.loss_gain", self.loss_gain, low=0)
        require_number("grouping.loss_decay", self.loss_decay, low=0, high=0.9999)
        by_loss = self.assignment == "loss"
        right = "'gradient' if the grouping is fixed or the trial a control, because losses of heads drive nothing there"
        require(not by_loss or not (self.is_fixed or self.control), "grouping.assignment", self.assignment, right)
        for name, default in (("loss_gain", 10.0), ("loss_decay", 0.95)):
            right = f"{default:g} unless grouping.assignment is 'loss'"
            require(by_loss or getattr(self, name) == default, f"grouping.{name}", getattr(self, name), right)
        require(
            not self.penalty_while_idle or self.has_gradient, "grouping.penalty_while_idle", self.penalty_while_idle,
            "False if R_TM has no gradient (a fixed grouping, or grouping.assignment 'loss'), because Eq. (9) then moves nothing",
        )  # fmt: skip

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
