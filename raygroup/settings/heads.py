"""The recognition heads of a trial, and the weights that they start from."""

from dataclasses import field

from raygroup.config_sections import NO_EFFECT, require, require_choice, require_number, section


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
    ``trained``: heads go on from those of the trial that this trial comes after. ``Finetuning`` sets it. A bank of group heads
    (``grouping.method`` ``cover``) sets it to add tasks: see ``docs/strategies.md``, "A language later"."""
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
