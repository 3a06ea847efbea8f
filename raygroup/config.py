"""The settings of a trial, in frozen sections that check their values when they are made."""

from dataclasses import field, replace
from typing import Any

from raygroup.config_sections import (
    COUNTS_IF_SET,
    NO_EFFECT,
    fingerprint,
    replace_field,
    require,
    require_changes,
    require_choice,
    require_number,
    result_fields,
    section,
    section_from_json,
)
from raygroup.spotter_config import Detector
from raygroup.spotting_config import Spotting
from raygroup.tasks import PAPER_TASKS, TASKS, part_names

RECIPE_VERSION = 2
"""Version of the mathematics and of the rendering. Trials of another version count as different trials."""

MIXTURE_WEIGHTINGS = ("per_sample", "per_dataset")
Changes = tuple[tuple[float, float], ...]
"""Later values of a setting: pairs of a share of the steps, from 0 to 1, and the value from there on."""


@section
class Words:
    """The words that a trial reads.

    ``--words PATH`` replaces the rendered words with the user's own. The crop size still applies to them.
    """

    source: str = "rendered"
    """``rendered`` uses word lists and fonts. Any other name requires ``--words`` and tells the user in messages what to pass."""
    tasks: tuple[str, ...] = PAPER_TASKS
    """The languages. Each is one task, unless ``parts`` divides it."""
    parts: tuple[int, ...] = field(default=(), metadata=COUNTS_IF_SET)
    """For each language, the number of tasks that its words are dealt to, such as ``(2, 1)``. Empty means one task each.

    The parts of ``zh`` are the tasks ``zh-1``, ``zh-2`` and so on. They share characters and fonts, and no word. A word's part is a fixed
    property of the word.
    """
    characters: tuple[int, ...] = (30, 40, 400, 40, 200, 150, 60)
    """For each language, how many of its most frequent characters it may use. The proportions follow Table 4."""
    words_per_task: int | tuple[int, ...] = 600
    """Training words of a task: one number for all, or one for each of ``task_names``."""
    unseen_per_task: int = 60
    """Number of words kept for validation. Changing the counts never moves a word between training and validation."""
    renders: int = 6
    """Training images of each word. One more image is held out."""
    max_characters: int = 8
    """Longest word to render. A decoder reads at most 31 characters. Longer words of the user are left out and counted."""
    variation: float = 0.6
    """Strength of the scene-like variation, from 0 (clean) to 1."""
    photographs: float = field(default=0.0, metadata=COUNTS_IF_SET)
    """Share of the crops that look cut out of a photograph: a loose or tight frame, a busy ground, uneven light, little contrast and few
    pixels. It comes on top of ``variation``."""
    height: int = 32
    """Height of a word crop in pixels. The laptop trunk reads 32."""
    width: int = 96
    """Width of a word crop in pixels. The laptop trunk reads 96."""
    seed: int = 0
    """Seed of the rendering. The trials of a sweep share it, so that they read the same words."""
    mixture: tuple[tuple[str, float], ...] = field(default=(), metadata=COUNTS_IF_SET)
    """Relative sampling ratio of each source in ``--words``, such as ``(("MLT19", 100), ("LSVT19", 20))``.

    It must name every source (``paper.TABLE_1_RATIOS`` holds the paper's ratios). A source of ratio 0 is never drawn, and the words
    may lack it. Empty means that all words count alike.
    """
    mixture_weighting: str = field(default="per_sample", metadata=COUNTS_IF_SET)
    """``per_sample``: a ratio belongs to one word, so a source weighs ratio times size (released code).
    ``per_dataset``: a ratio belongs to the whole source. Table 1 does not say which one it means. For SynthTextMLT the
    two give 10.68 % and 0.36 % of all draws."""

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
            require_number("words.characters", count, low=2, whole=True)
        self._require_parts()
        for name in ("renders", "height", "width"):
            require_number(f"words.{name}", getattr(self, name), low=1, whole=True)
        require_number("words.max_characters", self.max_characters, low=1, high=31, whole=True)
        require_number("words.unseen_per_task", self.unseen_per_task, low=0, whole=True)
        require_number("words.seed", self.seed, low=0, whole=True)
        require_number("words.variation", self.variation, low=0, high=1)
        require_number("words.photographs", self.photographs, low=0, high=1)

    @property
    def task_names(self) -> tuple[str, ...]:
        """The tasks that are trained: the parts of each language, in the order of ``tasks``."""
        return tuple(name for language in self.tasks for name in self.parts_of[language])

    @property
    def parts_of(self) -> dict[str, tuple[str, ...]]:
        """The tasks of each language."""
        parts = self.parts or (1,) * len(self.tasks)
        return {language: part_names(language, number) for language, number in zip(self.tasks, parts, strict=True)}

    @property
    def words_of(self) -> dict[str, int]:
        """The number of training words of each of ``task_names``."""
        names, counts = self.task_names, self.words_per_task
        return dict(zip(names, counts if isinstance(counts, tuple) else (counts,) * len(names), strict=True))

    def _require_parts(self) -> None:
        """Check the parts, and the numbers of words, which may be one for each part."""
        require(
            len(self.parts) in (0, len(self.tasks)), "words.parts", self.parts,
            f"one number for each of the {len(self.tasks)} languages of words.tasks, or empty",
        )  # fmt: skip
        for number in self.parts:
            require_number("words.parts", number, low=1, high=1000, whole=True)
        counts, num_tasks = self.words_per_task, len(self.task_names)
        for count in counts if isinstance(counts, tuple) else (counts,):
            require_number("words.words_per_task", count, low=1, whole=True)
        fits = not isinstance(counts, tuple) or len(counts) == num_tasks
        require(fits, "words.words_per_task", counts, f"one number, or one for each of the {num_tasks} tasks")

    def _require_mixture(self) -> None:
        """Check the mixture and bring it to one form: sorted by source, with float ratios."""
        require_choice("words.mixture_weighting", self.mixture_weighting, *MIXTURE_WEIGHTINGS)
        mixture = self.mixture
        are_pairs = isinstance(mixture, tuple) and all(isinstance(entry, tuple | list) and len(entry) == 2 for entry in mixture)
        right = 'pairs of a source and its ratio, each source once, such as (("MLT19", 100), ("LSVT19", 20))'
        require(are_pairs and all(isinstance(name, str) and name for name, _ in mixture), "words.mixture", mixture, right)
        require(len({name for name, _ in mixture}) == len(mixture), "words.mixture", mixture, right)
        for name, ratio in mixture:
            is_number = isinstance(ratio, int | float) and not isinstance(ratio, bool)
            require(is_number and 0 <= ratio < float("inf"), f"words.mixture['{name}']", ratio, "a number from 0")
        require(not mixture or any(ratio > 0 for _, ratio in mixture), "words.mixture", mixture, "ratios of which at least one is above 0")
        require(
            len(mixture) > 0 or self.mixture_weighting == MIXTURE_WEIGHTINGS[0], "words.mixture_weighting", self.mixture_weighting,
            f"'{MIXTURE_WEIGHTINGS[0]}' if words.mixture is empty, because there is nothing to weigh",
        )  # fmt: skip
        object.__setattr__(self, "mixture", tuple(sorted((name, float(ratio)) for name, ratio in mixture)))


@section
class Weights:
    """The frozen trunk and the universal head (stage 1) that a trial starts from."""

    file: str = field(default="laptop", metadata=NO_EFFECT)
    """``laptop`` uses the weights in the package. Any other value is the path of a file that ``raygroup.pretrain`` wrote.
    The file's content is part of the data fingerprint. Its name is not."""


@section
class Heads:
    """The recognition heads M_j."""

    count: int = 5
    embed: int | tuple[int, ...] = 32
    """Size of the character embedding: one for all heads, or one for each (Table 4)."""
    hidden: int | tuple[int, ...] = 64
    """Hidden size of the decoder: one for all heads, or one for each (Table 4)."""
    start: str = "universal"
    """``universal``: heads start as copies of the stage-1 head (paper 4.2). Heads of another size start from their own random weights.
    ``independent``: every head starts from its own random weights.
    ``trained``: heads go on from those of the stage-2 trial that this trial comes after. ``Finetuning`` sets it."""
    word_dropout: float = 0.4
    """Share of the decoder's input characters that are hidden. Without it, a decoder with few words learns to spell, not to read."""

    def __post_init__(self) -> None:
        require_number("heads.count", self.count, low=1, high=10_000, whole=True)
        for name in ("embed", "hidden"):
            sizes = getattr(self, name)
            for size in sizes if isinstance(sizes, tuple) else (sizes,):
                require_number(f"heads.{name}", size, low=1, whole=True)
            fits = not isinstance(sizes, tuple) or len(sizes) == self.count
            require(fits, f"heads.{name}", sizes, f"one size, or one for each of the {self.count} heads")
        require_choice("heads.start", self.start, "universal", "independent", "trained")
        require_number("heads.word_dropout", self.word_dropout, low=0, high=1)

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
    """The grouping module: Eq. (3), (4), (7), (9), and its share of Eq. (8)."""

    method: str = "gumbel"
    """``gumbel``: the grouping is learned, as in the paper. ``one-per-task``: task i stays on head i. ``explicit``: ``groups`` says it.
    ``trained``: that of the stage-2 trial that this trial comes after (``Finetuning`` sets it). ``cover``: a bank of group heads. Each
    head learns from the words of its own one of ``groups`` alone, and groups may share tasks. It is no grouping, but evidence for all.
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

    def __post_init__(self) -> None:
        require_choice("grouping.method", self.method, "gumbel", "one-per-task", "explicit", "trained", "cover")
        self._require_groups()
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
        """Return True if the grouping does not change in training."""
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


@section
class Training:
    """Steps, learning rates, and the interval between checkpoints."""

    steps: int = 600
    """Optimiser steps."""
    batch: int = 48
    """Words in one step."""
    learning_rate: float = 1e-3
    """Learning rate of the heads and the task classifier. It is constant for the first half, then falls linearly to 1 %."""
    assignment_learning_rate: float = 0.1
    """Learning rate of R_TM. At the heads' rate the assignment stays Gumbel noise within a short training."""
    assignment_learning_rate_changes: Changes = field(default=(), metadata=COUNTS_IF_SET)
    """Later learning rates of R_TM: ``((0.0, 0.0), (0.3, 0.1))`` holds R_TM for the first 30 % of the steps."""
    weight_decay: float = 1e-4
    """Weight decay of the heads and the task classifier. R_TM has none (the released code decays it too)."""
    clip: float = 5.0
    """Largest gradient norm, for each head by itself."""
    order_seed: int = 0
    """Seed of the order of words. The trials of a sweep share it, so that they differ in nothing else."""
    order: str = field(default="shared", metadata=COUNTS_IF_SET)
    """``shared``: all seeds read the same words at the same step. ``seed``: the trial's seed is added to ``order_seed``, so seeds vary the
    order too."""
    draw: str = field(default="word", metadata=COUNTS_IF_SET)
    """What a step draws. ``word``: all training images count alike. ``task``: all tasks count alike, whatever their numbers of images.
    A word without a task then counts for the one with most of its characters."""
    checkpoint_every: int = field(default=100, metadata=NO_EFFECT)
    """Steps between two checkpoints."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "checkpoint_every"):
            require_number(f"training.{name}", getattr(self, name), low=1, whole=True)
        require_number("training.order_seed", self.order_seed, low=0, whole=True)
        require_choice("training.order", self.order, "shared", "seed")
        require_choice("training.draw", self.draw, "word", "task")
        for name in ("learning_rate", "assignment_learning_rate", "weight_decay"):
            require_number(f"training.{name}", getattr(self, name), low=0)
        require_changes("training.assignment_learning_rate_changes", self.assignment_learning_rate_changes, low=0)
        require_number("training.clip", self.clip, low=1e-9)


@section
class Pretraining:
    """Stage 1 at laptop scale: the trunk and the universal head together, then the head alone on frozen features.

    It is what ``python -m raygroup.pretrain`` trains, and a trial of a sweep. The weights in the package come from
    ``search_spaces/pretrain.py``, which trains for longer than these defaults.
    """

    path_prefix = ""
    words: Words = Words(words_per_task=3000, unseen_per_task=200, renders=4)
    start: str = field(default="", metadata=NO_EFFECT)
    """First weights: ``laptop``, ``spotter`` (the trunk that reads words in the shipped spotter), or a file of ``raygroup.pretrain``.
    Empty: none, so it learns from nothing. The file's content is part of the data fingerprint. Its name is not. ``--from`` of
    ``raygroup.pretrain`` takes its place."""
    steps: int = 9000
    """Steps of the trunk and the head together. With ``start`` it may be 0: the trunk stays as it is, and only the head is trained.
    Then the head may have another size than that of ``start``, and such a head begins at random, with the characters of the words
    alone."""
    head_steps: int = 3000
    """Steps of the head alone."""
    batch: int = 64
    learning_rate: float = 2e-3
    head_learning_rate: float = 1e-3
    connectionist: float = 0.3
    """Weight of an auxiliary CTC loss on the features. It aligns them early, and its layer is not kept."""
    heads: Heads = Heads(count=1, start="independent")
    weight_decay: float = 1e-4
    clip: float = 5.0
    seed: int = 0
    draw: str = "word"
    """What a step draws. ``word``: all training images count alike. ``task``: all tasks count alike, so a small one learns as soon as a
    large one."""
    new_task_weight: float = 1.0
    """How often a step draws a new task, compared with the others. It needs ``draw`` ``task``. A task is new if the first weights
    (``--from``) know fewer than half of its characters."""
    rehearsal: int = 0
    """Words to render from the built-in list of each task of a user's ``--words``. They keep first weights (``--from``) from forgetting."""
    jitter: float = field(default=0.0, metadata=COUNTS_IF_SET)
    """How far the edges of a crop move at random, as a share of its height: detected words never fit their crops exactly."""
    checkpoint_every: int = field(default=200, metadata=NO_EFFECT)
    """Steps between two checkpoints."""

    def __post_init__(self) -> None:
        for name in ("head_steps", "batch", "checkpoint_every"):
            require_number(name, getattr(self, name), low=1, whole=True)
        for name in ("learning_rate", "head_learning_rate", "connectionist", "weight_decay"):
            require_number(name, getattr(self, name), low=0)
        require_number("clip", self.clip, low=1e-9)
        require_number("steps", self.steps, low=0, whole=True)
        require(
            self.steps > 0 or self.start != "", "steps", self.steps,
            "a whole number from 1 without start, because a trunk that learns from nothing must be trained",
        )  # fmt: skip
        require_number("seed", self.seed, low=0, whole=True)
        require_choice("draw", self.draw, "word", "task")
        require_number("new_task_weight", self.new_task_weight, low=0.01, high=100)
        require(
            self.draw == "task" or self.new_task_weight == 1, "new_task_weight", self.new_task_weight,
            "1 if draw is 'word', because no task is drawn",
        )  # fmt: skip
        require_number("rehearsal", self.rehearsal, low=0, whole=True)
        require_number("jitter", self.jitter, low=0, high=0.4)
        require(self.heads.count == 1, "heads.count", self.heads.count, "1: the universal head")
        require(
            self.draw == "word" or not self.words.mixture, "draw", self.draw,
            "'word' with words.mixture, because the mixture decides what is drawn",
        )  # fmt: skip

    @property
    def recipe_version(self) -> int:
        """Version of the mathematics and of the rendering."""
        return RECIPE_VERSION

    @property
    def all_steps(self) -> int:
        """Steps of both phases."""
        return self.steps + self.head_steps

    def replaced(self, path: str, value: object) -> "Pretraining":
        """Return the trial with one field changed. ``path`` is dotted, such as ``heads.hidden``."""
        trial: Pretraining = replace_field(self, path, value)
        return trial


@section
class Trial:
    """One point of a sweep. With the data it determines the result completely."""

    path_prefix = ""
    seed: int = 0
    """Seed of the heads' random weights, the Gumbel noise and the dropout. A sweep varies it by ``seeds``."""
    words: Words = Words()
    weights: Weights = Weights()
    heads: Heads = Heads()
    grouping: Grouping = Grouping()
    loss: Loss = Loss()
    training: Training = Training()

    def __post_init__(self) -> None:
        require_number("seed", self.seed, low=0, whole=True)
        require(
            self.training.draw == "word" or not self.words.mixture, "training.draw", self.training.draw,
            "'word' if words.mixture is set, because the mixture draws the words",
        )  # fmt: skip
        for name in ("grouping", "task") if self.grouping.is_cover else ():
            right = "0 if grouping.method is 'cover', because group heads need neither Eq. (9) nor a classifier"
            require(getattr(self.loss, name) == 0, f"loss.{name}", getattr(self.loss, name), right)
        for name in ("embeds", "hiddens") if self.grouping.is_cover else ():
            sizes = getattr(self.heads, name)
            require(len({*sizes}) == 1, f"heads.{name[:-1]}", sizes, "one size if grouping.method is 'cover', because groups are compared")

    @property
    def order_seed(self) -> int:
        """The seed of the order of words: that of the training, with the trial's own added if ``training.order`` says so."""
        return self.training.order_seed + (self.seed if self.training.order == "seed" else 0)

    @property
    def recipe_version(self) -> int:
        """Version of the mathematics and of the rendering."""
        return RECIPE_VERSION

    def replaced(self, path: str, value: object) -> "Trial":
        """Return the trial with one field changed. ``path`` is dotted, such as ``grouping.base_coefficient``."""
        trial: Trial = replace_field(self, path, value)
        return trial


@section
class Finetuning:
    """Stage 3 (paper 4.2): each head of a stage-2 trial goes on with the words of its own group alone.

    A sweep of such trials comes ``after`` a sweep of ``Trial``. The grouping is frozen, epsilon is 0, and all else, such as the seed, the
    words and the sizes of heads, stays as in stage 2. Words without a task still go to every head by their share P_WM. The task
    classifier goes on as well.
    """

    path_prefix = ""
    training: Training = Training()
    """Steps, batch and rates of stage 3. ``assignment_learning_rate`` has no effect."""
    word_dropout: float | None = None
    """Share of the decoder's input characters that are hidden. None keeps that of stage 2."""

    def __post_init__(self) -> None:
        if self.word_dropout is not None:
            require_number("word_dropout", self.word_dropout, low=0, high=1)

    def replaced(self, path: str, value: object) -> "Finetuning":
        """Return these settings with one field changed. ``path`` is dotted, such as ``training.learning_rate``."""
        settings: Finetuning = replace_field(self, path, value)
        return settings

    def trial_after(self, grouped: Trial) -> Trial:
        """Return the stage-3 trial that goes on from a stage-2 trial."""
        dropout = grouped.heads.word_dropout if self.word_dropout is None else self.word_dropout
        frozen = replace(
            grouped.grouping, method="trained", groups=(), base_coefficient=0.0, base_coefficient_changes=(), temperature_changes=(),
            control=False,
        )  # fmt: skip
        heads = replace(grouped.heads, start="trained", word_dropout=dropout)
        return replace(grouped, heads=heads, grouping=frozen, training=self.training)


def trial_from_json(stored: dict[str, Any]) -> Trial:
    """Return the trial that ``to_json`` wrote. Raises ConfigError for fields that this version does not know."""
    return section_from_json(Trial, stored)


def trial_id(sweep: str, trial: Trial | Pretraining | Detector | Spotting, data: str, recipe: int | None = None) -> str:
    """Return ``<sweep>-<12 hex digits>``, a hash of everything that changes the trial's result.

    That is the settings, the recipe version, and ``data``, the fingerprint of words and weights, of
    scenes, or of scenes and weights. ``recipe`` is this version's by default.
    """
    return f"{sweep}-{trial_fingerprint(trial, data, recipe)[:12]}"


def trial_fingerprint(trial: "Trial | Pretraining | Detector | Spotting", data: str, recipe: int | None = None) -> str:
    """Return the whole hash of ``trial_id``. Later stages name their input by it."""
    return fingerprint(trial.recipe_version if recipe is None else recipe, result_fields(trial), data)
