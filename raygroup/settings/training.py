"""Steps, rates and draws of a trial."""

from dataclasses import field

from raygroup.config_sections import COUNTS_IF_SET, NO_EFFECT, Changes, require, require_changes, require_choice, require_number, section


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
    evidence: str = field(default="none", metadata=COUNTS_IF_SET)
    """Evidence on tasks to gather for strategies, at every ``evidence_every``-th step. It changes no number of the training.
    ``losses``: the loss of each task under each head. ``gradients``: also the products of the tasks' gradients. ``lookahead``: also what a
    step on each task does to the losses of all (TAG, Fifty et al., 2021)."""
    evidence_every: int = field(default=10, metadata=COUNTS_IF_SET)
    """Steps between two gatherings. TAG takes every tenth step."""
    evidence_words: int = field(default=0, metadata=COUNTS_IF_SET)
    """Words of each task to draw for gradients and lookahead. 0: the step's own words serve, which are few if the batch is small."""
    checkpoint_every: int = field(default=100, metadata=NO_EFFECT)
    """Steps between two checkpoints."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "checkpoint_every"):
            require_number(f"training.{name}", getattr(self, name), low=1, whole=True)
        require_number("training.order_seed", self.order_seed, low=0, whole=True)
        require_choice("training.order", self.order, "shared", "seed")
        require_choice("training.draw", self.draw, "word", "task")
        require_choice("training.evidence", self.evidence, "none", "losses", "gradients", "lookahead")
        require_number("training.evidence_every", self.evidence_every, low=1, whole=True)
        fits = self.evidence == "none" or self.evidence_every <= self.steps
        require(fits, "training.evidence_every", self.evidence_every, f"at most training.steps, which is {self.steps}")
        require_number("training.evidence_words", self.evidence_words, low=0, whole=True)
        for name in ("learning_rate", "assignment_learning_rate", "weight_decay"):
            require_number(f"training.{name}", getattr(self, name), low=0)
        require_changes("training.assignment_learning_rate_changes", self.assignment_learning_rate_changes, low=0)
        require_number("training.clip", self.clip, low=1e-9)

    @property
    def gathers_gradients(self) -> bool:
        """Return True if the evidence has products of gradients."""
        return self.evidence in ("gradients", "lookahead")
