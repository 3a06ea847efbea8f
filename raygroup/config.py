"""What a trial is: frozen sections of settings, checked when they are made, and the fingerprint of those that change its result."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

from raygroup.errors import ConfigError
from raygroup.tasks import PAPER_TASKS, TASKS

RECIPE_VERSION = 2
"""Raised when the mathematics or the drawing of words changes: trials of another version are never taken for these."""

MIXTURE_WEIGHTINGS = ("per_sample", "per_dataset")

Section = TypeVar("Section")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def section(cls: type[Section]) -> type[Section]:
    """A frozen keyword-only dataclass that answers a misspelt field with the valid ones; 1 for a real number is 1.0, so that the two
    have one fingerprint."""
    made: Any = dataclass(frozen=True, kw_only=True)(cls)
    generated: Callable[..., None] = made.__init__
    names = [f.name for f in fields(made)]
    reals = [f.name for f in fields(made) if f.type is float]

    def init(self: Section, **values: Any) -> None:
        for name in values:
            if name not in names:
                raise ConfigError(f"no field '{name}'; {cls.__name__} has: {', '.join(names)}")
        whole = {name: float(values[name]) for name in reals if type(values.get(name)) is int}
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        generated(self, **values | whole | lists)

    made.__init__ = init
    return cls


def require(ok: bool, where: str, value: object, right: str) -> None:
    if not ok:
        raise ConfigError(f"{where} is {value!r}: it must be {right}")


def _number(where: str, value: object, *, low: float, high: float = float("inf"), whole: bool = False) -> None:
    kind = "a whole number" if whole else "a number"
    limits = f"{kind} from {low:g}" + ("" if high == float("inf") else f" to {high:g}")
    right_type = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    require(right_type and low <= value <= high and value < float("inf"), where, value, limits)  # type: ignore[operator]


def _choice(where: str, value: object, *choices: str) -> None:
    require(value in choices, where, value, "one of " + ", ".join(choices))


_COUNTS_IF_SET = {"counts_if_set": True}
"""Of a field that came after trials were run: at its default it is not part of a fingerprint, so that they keep their ids."""


@section
class Words:
    """Which words are read. With ``--words PATH`` the user's words take the place of rendered ones; the crop size still holds."""

    source: str = "rendered"
    """``rendered``: word lists and fonts; any other name asks for ``--words`` and says in messages what it should hold."""
    tasks: tuple[str, ...] = PAPER_TASKS
    characters: tuple[int, ...] = (30, 40, 400, 40, 200, 150, 60)
    """How many of its most frequent characters each task may use; the proportions follow Table 4."""
    words_per_task: int = 600
    unseen_per_task: int = 60
    """Words kept for validation and never trained on; which words is a fixed property of the word, whatever the counts."""
    renders: int = 6
    """Training renders a word; one more is held out."""
    max_characters: int = 8
    """A longer word is not drawn; a decoder takes 31 at most, and given words beyond that are left out and counted."""
    variation: float = 0.6
    """Strength of the scene-like variation, 0 (clean) to 1."""
    height: int = 32
    width: int = 96
    seed: int = 0
    mixture: tuple[tuple[str, float], ...] = field(default=(), metadata=_COUNTS_IF_SET)
    """Source of the words of ``--words`` -> its relative sampling ratio, such as ``(("MLT19", 100), ("LSVT19", 20))``, for every source
    there is (``paper.TABLE_1_RATIOS`` has the paper's). Empty: all words are alike, whatever their source."""
    mixture_weighting: str = field(default="per_sample", metadata=_COUNTS_IF_SET)
    """``per_sample``: a ratio is that of one word, so a source weighs ratio times size (released code); ``per_dataset``: that of the whole
    source. Table 1 does not say which; the draws of a small set and a large one differ thirty-fold."""

    def __post_init__(self) -> None:
        self._require_mixture()
        require(len(set(self.tasks)) == len(self.tasks) > 0, "words.tasks", self.tasks, "task names, each once")
        unknown = [task for task in self.tasks if task not in TASKS]
        require(not unknown, "words.tasks", self.tasks, f"among {', '.join(TASKS)} (tasks of your own come with --words)")
        require(
            len(self.characters) == len(self.tasks), "words.characters", self.characters,
            f"one number for each of the {len(self.tasks)} tasks",
        )  # fmt: skip
        for count in self.characters:
            _number("words.characters", count, low=2, whole=True)
        for name in ("words_per_task", "renders", "height", "width"):
            _number(f"words.{name}", getattr(self, name), low=1, whole=True)
        _number("words.max_characters", self.max_characters, low=1, high=31, whole=True)
        _number("words.unseen_per_task", self.unseen_per_task, low=0, whole=True)
        _number("words.seed", self.seed, low=0, whole=True)
        _number("words.variation", self.variation, low=0, high=1)

    def _require_mixture(self) -> None:
        """Equal mixtures are made equal: sources by name, ratios real numbers."""
        _choice("words.mixture_weighting", self.mixture_weighting, *MIXTURE_WEIGHTINGS)
        given = self.mixture
        pairs = isinstance(given, tuple) and all(isinstance(entry, tuple | list) and len(entry) == 2 for entry in given)
        right = 'pairs of a source and its ratio, each source once, such as (("MLT19", 100), ("LSVT19", 20))'
        require(pairs and all(isinstance(name, str) and name for name, _ in given), "words.mixture", given, right)
        require(len({name for name, _ in given}) == len(given), "words.mixture", given, right)
        for name, ratio in given:
            number = isinstance(ratio, int | float) and not isinstance(ratio, bool)
            require(number and 0 < ratio < float("inf"), f"words.mixture['{name}']", ratio, "a number above 0")
        require(
            len(given) > 0 or self.mixture_weighting == MIXTURE_WEIGHTINGS[0], "words.mixture_weighting", self.mixture_weighting,
            f"'{MIXTURE_WEIGHTINGS[0]}' where words.mixture is empty: there is nothing to weigh",
        )  # fmt: skip
        object.__setattr__(self, "mixture", tuple(sorted((name, float(ratio)) for name, ratio in given)))


@section
class Weights:
    """The frozen trunk and the universal head (stage 1) a trial starts from."""

    file: str = field(default="laptop", metadata={"changes_result": False})
    """``laptop``: the weights in the package; otherwise the path of a safetensors file of ``raygroup.pretrain``.
    Its content counts, not its name: it is part of the data fingerprint."""


@section
class Heads:
    """The recognition heads M_j."""

    count: int = 5
    embed: int | tuple[int, ...] = 32
    """One size for all heads, or one for each (Table 4)."""
    hidden: int | tuple[int, ...] = 64
    """One size for all heads, or one for each (Table 4)."""
    start: str = "universal"
    """``universal``: copies of the stage-1 head (paper 4.2), but for heads of another size; ``independent``: each from its own random
    weights."""
    word_dropout: float = 0.4
    """Share of the decoder's input characters that are hidden: with few words a decoder learns to spell, not to read."""

    def __post_init__(self) -> None:
        _number("heads.count", self.count, low=1, whole=True)
        for name in ("embed", "hidden"):
            sizes = getattr(self, name)
            for size in sizes if isinstance(sizes, tuple) else (sizes,):
                _number(f"heads.{name}", size, low=1, whole=True)
            right = not isinstance(sizes, tuple) or len(sizes) == self.count
            require(right, f"heads.{name}", sizes, f"one size, or one for each of the {self.count} heads")
        _choice("heads.start", self.start, "universal", "independent")
        _number("heads.word_dropout", self.word_dropout, low=0, high=1)

    @property
    def embeds(self) -> tuple[int, ...]:
        """The embedding size of each head."""
        return self.embed if isinstance(self.embed, tuple) else (self.embed,) * self.count

    @property
    def hiddens(self) -> tuple[int, ...]:
        """The hidden size of each head."""
        return self.hidden if isinstance(self.hidden, tuple) else (self.hidden,) * self.count


@section
class Grouping:
    """The grouping module: Eq. (3), (4), (7), (9) and its share of (8)."""

    method: str = "gumbel"
    """``gumbel``: learned (the paper); ``one-per-task``: task i on head i, fixed; ``all-in-one`` is ``heads.count`` 1."""
    temperature: float = 1.0
    base_coefficient: float = 0.2
    """epsilon of Eq. (8)."""
    min_tasks: float = 1.0
    """mu_j of Eq. (9), the same for every head."""
    sample: str = "step"
    """``step``: one Gumbel draw for all words of a step, as the released code does; ``word``: one for each word."""
    penalty_on: str = "sample"
    """What Eq. (9) sums: the Gumbel ``sample`` (released code) or the ``softmax`` of R_TM."""
    word_tasks: str = "soft"
    """P_WT of words without a task: ``soft`` shares of characters (paper) or their ``argmax`` (released code)."""
    route: str = "hard"
    """Which head reads a word at test time: ``hard``, argmax task then argmax head (paper); ``soft``, argmax of P_WM (released code)."""
    control: bool = False
    """Honest control: every head is given the mean loss over heads, so that only noise and Eq. (9) move R_TM."""

    def __post_init__(self) -> None:
        _choice("grouping.method", self.method, "gumbel", "one-per-task")
        _number("grouping.temperature", self.temperature, low=1e-3)
        _number("grouping.base_coefficient", self.base_coefficient, low=0)
        _number("grouping.min_tasks", self.min_tasks, low=0)
        _choice("grouping.sample", self.sample, "step", "word")
        _choice("grouping.penalty_on", self.penalty_on, "sample", "softmax")
        _choice("grouping.word_tasks", self.word_tasks, "soft", "argmax")
        _choice("grouping.route", self.route, "hard", "soft")
        require(
            self.method == "gumbel" or not self.control, "grouping.control", self.control,
            "False where the grouping is fixed: there is nothing to control for",
        )  # fmt: skip


@section
class Loss:
    """How the losses are normalised and summed: Eq. (2), (5), (6), (8), (9)."""

    length: str = "mean"
    """A word's loss is the ``mean`` over its characters (Eq. 5) or their ``sum`` (released code)."""
    words: str = "mean"
    """The step's loss is the ``mean`` over words (released code) or their ``sum`` (Eq. 6 and 8 as printed)."""
    recognition: float = 1.0
    """Weight of Eq. (8); 0.5 in the released code."""
    grouping: float = 1.0
    task: float = 1.0

    def __post_init__(self) -> None:
        _choice("loss.length", self.length, "mean", "sum")
        _choice("loss.words", self.words, "mean", "sum")
        for name in ("recognition", "grouping", "task"):
            _number(f"loss.{name}", getattr(self, name), low=0)


@section
class Training:
    """Steps, rates, and how often evidence is made safe."""

    steps: int = 600
    batch: int = 48
    learning_rate: float = 1e-3
    """Of the heads and the task classifier: constant for the first half, then falling linearly to 1 % of itself."""
    assignment_learning_rate: float = 0.1
    """Of R_TM: at the heads' rate the assignment stays Gumbel noise within a short training."""
    weight_decay: float = 1e-4
    """Of the heads and the task classifier; R_TM has none (the released code decays it too)."""
    clip: float = 5.0
    """Gradient norm at most this, head by head."""
    order_seed: int = 0
    """Order of the words, shared by the trials of a sweep so that they differ in nothing else."""
    checkpoint_every: int = field(default=100, metadata={"changes_result": False})

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "checkpoint_every"):
            _number(f"training.{name}", getattr(self, name), low=1, whole=True)
        _number("training.order_seed", self.order_seed, low=0, whole=True)
        for name in ("learning_rate", "assignment_learning_rate", "weight_decay"):
            _number(f"training.{name}", getattr(self, name), low=0)
        _number("training.clip", self.clip, low=1e-9)


@section
class Pretraining:
    """Stage 1 at laptop scale: the trunk and the universal head, trained together, then the head alone on the frozen features."""

    words: Words = Words(words_per_task=3000, unseen_per_task=200, renders=4)
    steps: int = 9000
    head_steps: int = 3000
    batch: int = 64
    learning_rate: float = 2e-3
    head_learning_rate: float = 1e-3
    connectionist: float = 0.3
    """Weight of an auxiliary CTC loss on the features, which aligns them early; it is not kept."""
    heads: Heads = Heads(count=1, start="independent")
    weight_decay: float = 1e-4
    clip: float = 5.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "head_steps", "batch"):
            _number(f"pretraining.{name}", getattr(self, name), low=1, whole=True)
        require(self.heads.count == 1, "pretraining.heads.count", self.heads.count, "1: the universal head")
        require(not self.words.mixture, "pretraining.words.mixture", self.words.mixture, "empty: rendered words are of one source")


@section
class Trial:
    """One point of a sweep, complete: with the words it is all that its result depends on."""

    seed: int = 0
    words: Words = Words()
    weights: Weights = Weights()
    heads: Heads = Heads()
    grouping: Grouping = Grouping()
    loss: Loss = Loss()
    training: Training = Training()

    def __post_init__(self) -> None:
        _number("seed", self.seed, low=0, whole=True)
        for f in fields(self):
            require(
                isinstance(getattr(self, f.name), f.type if isinstance(f.type, type) else object),
                f.name, getattr(self, f.name), f"a {getattr(f.type, '__name__', f.type)}",
            )  # fmt: skip

    def replaced(self, path: str, value: object) -> "Trial":
        """The trial with the field at a dotted path, such as ``grouping.base_coefficient``, set to a value."""
        changed: Trial = _replaced(self, path, path, value)
        return changed


def _replaced(config: Any, path: str, rest: str, value: object) -> Any:
    name, _, deeper = rest.partition(".")
    names = [f.name for f in fields(config)]
    if name not in names:
        owner = path[: len(path) - len(rest)].rstrip(".") or type(config).__name__.lower()
        raise ConfigError(f"no field '{path}'; {owner} has: {', '.join(names)}")
    if deeper and not dataclasses.is_dataclass(getattr(config, name)):
        raise ConfigError(f"no field '{path}'; '{path[: len(path) - len(deeper) - 1]}' is a single value")
    return dataclasses.replace(config, **{name: _replaced(getattr(config, name), path, deeper, value) if deeper else value})


def to_json(config: Any) -> dict[str, Any]:
    """Plain JSON values, every field; ``from_json`` reads them back."""
    return json.loads(json.dumps(dataclasses.asdict(config)))  # type: ignore[no-any-return]


def from_json(stored: dict[str, Any]) -> Trial:
    """The trial that ``to_json`` wrote; raises ConfigError for fields this version does not know."""
    return _from_json(Trial, stored)


def _from_json(cls: type[Section], stored: dict[str, Any]) -> Section:
    kinds = {f.name: f.type for f in fields(cls)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, value in stored.items():
        kind = kinds.get(name)
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            values[name] = _from_json(kind, value)
        else:
            values[name] = tuple(value) if isinstance(value, list) else value
    return cls(**values)


def result_fields(config: Any) -> dict[str, Any]:
    """The settings that change a trial's numbers, as plain JSON values."""
    chosen = {}
    for f in fields(config):
        value = getattr(config, f.name)
        unset = f.metadata.get("counts_if_set", False) and value == f.default
        if f.metadata.get("changes_result", True) and not unset:
            chosen[f.name] = result_fields(value) if dataclasses.is_dataclass(value) else value
    return chosen


def fingerprint(*evidence: object) -> str:
    """SHA-256 over canonical JSON: equal evidence, equal name, on every machine."""
    text = json.dumps(evidence, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def trial_id(sweep: str, trial: Trial, data: str) -> str:
    """``sweep-<12 hex digits>`` of what changes the result: settings, recipe version, and the fingerprint of words and weights."""
    return f"{sweep}-{fingerprint(RECIPE_VERSION, result_fields(trial), data)[:12]}"
