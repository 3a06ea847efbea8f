"""The settings of a trial, in frozen sections that check their values when they are made.

The sections of words, heads, grouping, loss and training are in ``raygroup.settings``. This module gives them all, and the trials of the
three stages, which they make up.
"""

from dataclasses import field, replace
from typing import Any

from raygroup.config_sections import (
    COUNTS_IF_SET,
    NO_EFFECT,
    fingerprint,
    replace_field,
    require,
    require_choice,
    require_number,
    result_fields,
    section,
    section_from_json,
)
from raygroup.settings.grouping import Grouping as Grouping
from raygroup.settings.grouping import Loss as Loss
from raygroup.settings.heads import Heads as Heads
from raygroup.settings.heads import Weights as Weights
from raygroup.settings.training import Training as Training
from raygroup.settings.words import Words as Words
from raygroup.spotter_config import Detector
from raygroup.spotting_config import Spotting

RECIPE_VERSION = 2
"""Version of the mathematics and of the rendering. Trials of another version count as different trials."""


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
        self._require_evidence()
        right = "0 if grouping.method is 'cover', because the groups of a bank are given"
        require(self.loss.grouping == 0 or not self.grouping.is_cover, "loss.grouping", self.loss.grouping, right)
        for name in ("embeds", "hiddens") if self.grouping.is_cover else ():
            sizes = getattr(self.heads, name)
            require(len({*sizes}) == 1, f"heads.{name[:-1]}", sizes, "one size if grouping.method is 'cover', because groups are compared")
        self._require_sampled_heads()
        self._require_assignment()

    @property
    def gathering_share(self) -> float:
        """The share of the steps at which gradients of the tasks are gathered."""
        every = 1 / self.training.evidence_every
        if self.training.gathers_gradients:
            return every
        return every * self.grouping.probe if self.grouping.method == "probe" else 0.0

    def _require_sampled_heads(self) -> None:
        """Check the number of heads that read a word, and that every head reads one in each step."""
        per_word, count, batch = self.grouping.heads_per_word, self.heads.count, self.training.batch
        if per_word:
            fewest = -(-count // batch)
            require(
                fewest <= per_word < count, "grouping.heads_per_word", per_word,
                f"0 (all heads read all words), or from {fewest} to {count - 1} with {count} heads and {batch} words a step, so that every "
                "head reads a word",
            )  # fmt: skip

    def _require_assignment(self) -> None:
        """Check that nothing is set that acts on the gradients of R_TM if it has none, or on an Eq. (9) that does not count."""
        if self.grouping.assignment == "loss":
            right = "if grouping.assignment is 'loss', because R_TM has no gradients"
            require(self.loss.grouping == 0, "loss.grouping", self.loss.grouping, f"0 {right}")
            changes = self.training.assignment_learning_rate_changes
            require(not changes, "training.assignment_learning_rate_changes", changes, f"empty {right}")
        require(
            self.loss.grouping > 0 or not self.grouping.penalty_while_idle, "grouping.penalty_while_idle", self.grouping.penalty_while_idle,
            "False if loss.grouping is 0, because Eq. (9) then counts never",
        )  # fmt: skip

    def _require_evidence(self) -> None:
        """Check that nothing is set on evidence that is not gathered."""
        training, is_probe = self.training, self.grouping.method == "probe"
        require(
            training.evidence == "none" or not self.grouping.heads_per_word, "training.evidence", training.evidence,
            "'none' if grouping.heads_per_word is set, because a head then reads only some words of a task",
        )  # fmt: skip
        every, words = training.evidence_every, training.evidence_words
        right = "10 if training.evidence is 'none', because nothing is gathered"
        require(every == 10 or is_probe or training.evidence != "none", "training.evidence_every", every, right)
        right = "0 unless training.evidence is 'gradients' or 'lookahead', or grouping.method is 'probe', because it draws no words"
        require(words == 0 or is_probe or training.gathers_gradients, "training.evidence_words", words, right)
        require(
            words > 0 or not is_probe, "training.evidence_words", words,
            "above 0 if grouping.method is 'probe', such as 48: the words of a step are too few to compare the gradients of tasks",
        )  # fmt: skip
        require(
            not is_probe or every <= self.grouping.probe * training.steps, "training.evidence_every", every,
            f"at most the {self.grouping.probe * training.steps:g} steps of the probe, or it has no gradients to choose by",
        )  # fmt: skip

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
            grouped.grouping, method="trained", groups=(), probe=0.0, probe_by="cosine", base_coefficient=0.0, base_coefficient_changes=(),
            temperature_changes=(), control=False, heads_per_word=0, assignment="gradient", loss_gain=Grouping.loss_gain,
            loss_decay=Grouping.loss_decay, penalty_while_idle=False,
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
