"""The words that a trial reads."""

from dataclasses import field

from raygroup.config_sections import COUNTS_IF_SET, require, require_choice, require_number, section
from raygroup.tasks import PAPER_TASKS, TASKS, part_names

MIXTURE_WEIGHTINGS = ("per_sample", "per_dataset")


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
