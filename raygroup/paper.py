"""Keep every number of the paper as printed.

Numbers that raygroup recomputes from them are in the modules that do so.
"""

from dataclasses import dataclass

from raygroup.tasks import TASKS, by_paper_order, find_task

_NAMES = {task.initial: task.name for task in TASKS.values()}


@dataclass(frozen=True)
class DataSet:
    """A row of Table 1."""

    name: str
    train_images: int
    ratio: int
    """Relative sampling ratio. The paper does not say if it is per image or per data set.

    The released code draws per image.
    """
    unit: str
    """Unit of one annotation, ``word`` or ``phrase``."""
    box: str
    num_languages: int


@dataclass(frozen=True)
class GroupRow:
    """A row of Table 2, from the paper or from histories.

    It is a set of tasks that ended up on one head.
    """

    rank: int
    tasks: frozenset[str]
    num_occurrences: int
    """Number of runs in which exactly this set was a group."""
    first_heads: int
    """Smallest number of heads configured in these runs."""

    @property
    def label(self) -> str:
        """Return the initials in the paper's order, such as ``A+K``.

        A part adds its number, as in ``C2``, and a task without an initial gives its name.
        """
        known = {name: find_task(name) for name in by_paper_order(set(self.tasks))}
        return "+".join(task.initial if task else name for name, task in known.items())


@dataclass(frozen=True)
class HeadSize:
    """A row of Table 4, with parameters in millions."""

    embed: int
    hidden: int
    parameters_m: float
    task: str
    """The task that ended up on a head of this size."""
    num_characters: int
    pruned_parameters_m: float


@dataclass(frozen=True)
class EndToEnd:
    """A row of Table 5, in percent."""

    method: str
    f: float
    precision: float
    recall: float
    source: str
    """Where the method was published. The numbers are those that Table 5 prints."""
    heads: int | None = None
    """Number of recognition heads, if the row gives it."""
    grouped: bool = False

    @property
    def label(self) -> str:
        """Return the method with its heads, such as ``Grouped (2 heads)``."""
        return self.method if self.heads is None else f"{self.method} ({self.heads} head{'s' * (self.heads > 1)})"


def _group(rank: int, initials: str, num_occurrences: int, first_heads: int) -> GroupRow:
    return GroupRow(rank, frozenset(_NAMES[initial] for initial in initials), num_occurrences, first_heads)


TABLE_1: tuple[DataSet, ...] = (
    DataSet("ICDAR13", 229, 20, "word", "H-Box", 1),
    DataSet("ICDAR15", 1000, 20, "word", "Quad", 1),
    DataSet("Total Text", 1255, 50, "word", "Polygon", 1),
    DataSet("RCTW17", 8034, 20, "phrase", "R-Box", 2),
    DataSet("MLT19", 10000, 100, "word", "Quad", 10),
    DataSet("SynthTextMLT", 252599, 1, "word", "R-Box", 7),
    DataSet("ArT19", 5303, 50, "word", "Polygon", 2),
    DataSet("LSVT19", 30000, 20, "phrase", "Polygon", 2),
)
"""Table 1: data sets and their sampling ratios."""

TABLE_1_RATIOS: tuple[tuple[str, float], ...] = tuple((row.name, float(row.ratio)) for row in TABLE_1)
"""``words.mixture`` of stage 1 (section 4.2). Stage 2 reads MLT19 alone.

The paper draws images. If words are drawn, an image weighs as much as it has words.
"""

MLT19_ALONE: tuple[tuple[str, float], ...] = tuple((row.name, float(row.name == "MLT19")) for row in TABLE_1)
"""``words.mixture`` of stage 2: of words of all these data sets it draws those of MLT19."""

TABLE_2: tuple[GroupRow, ...] = (
    _group(1, "C", 9, 4),
    _group(2, "L", 7, 5),
    _group(3, "A", 6, 3),
    _group(3, "K", 6, 3),
    _group(5, "AK", 5, 2),
    _group(6, "B", 5, 5),
    _group(7, "J", 4, 5),
    _group(8, "BCHJL", 2, 2),
    _group(9, "HJ", 3, 3),
    _group(10, "JL", 2, 4),
    _group(11, "AH", 2, 5),
    _group(11, "BJ", 2, 5),
    _group(11, "HL", 2, 5),
    _group(14, "H", 2, 6),
    _group(15, "AKL", 1, 2),
    _group(15, "HJK", 1, 2),
    _group(15, "ABCL", 1, 2),
    _group(15, "BCHJ", 1, 2),
    _group(15, "CH", 1, 3),
    _group(15, "KL", 1, 3),
    _group(15, "ABJ", 1, 3),
    _group(15, "BCL", 1, 3),
    _group(15, "AB", 1, 4),
    _group(15, "BH", 1, 4),
    _group(15, "CL", 1, 4),
    _group(15, "ABH", 1, 4),
    _group(15, "JK", 1, 5),
    _group(15, "BCK", 1, 6),
    _group(15, "HK", 1, 7),
    _group(15, "CJ", 1, 7),
)
"""Table 2: the groups of 18 runs (2 to 7 heads, three runs each).

The printed numbers cannot all be right: see ``history.occurrences.inconsistencies``.
"""

TABLE_2_RUNS = 18
"""Section 4.3: 2 to 7 heads, three runs each."""

TABLE_2_STEPS = 20_000
"""Iterations of a run (section 4.2)."""

TABLE_3: dict[float, int] = {0.0: 1, 0.1: 3, 0.2: 5, 0.3: 2, 0.4: 2}
"""Table 3: epsilon -> assignment changes in the first 3,000 steps, with 5 heads and one run each."""

TABLE_3_STEPS = 3000

TABLE_4: tuple[HeadSize, ...] = (
    HeadSize(100, 224, 4.05, "ar", 80, 1.15),
    HeadSize(150, 224, 4.51, "bn", 110, 1.18),
    HeadSize(200, 224, 4.98, "ja", 2300, 2.13),
    HeadSize(100, 256, 4.59, "hi", 110, 1.42),
    HeadSize(150, 256, 5.06, "ko", 1500, 2.00),
    HeadSize(200, 256, 5.52, "zh", 5200, 3.78),
    HeadSize(250, 256, 5.98, "la", 250, 1.54),
)
"""Table 4: heads of different sizes, the task of each, and its size before and after pruning."""

_THIS_PAPER = "Huang et al., arXiv 2210.07423"

TABLE_5: tuple[EndToEnd, ...] = (
    EndToEnd("E2E-MLT", 26.5, 37.4, 20.5, "Bušta et al., ACCV 2018"),
    EndToEnd("RRPN+CLTDR", 33.8, 38.6, 30.1, "Ma et al., IEEE Transactions on Multimedia 2018"),
    EndToEnd("CRAFTS", 51.7, 65.7, 42.7, "Baek et al., ECCV 2020: its entry on the MLT19 website"),
    EndToEnd("CRAFTS (paper)", 58.2, 72.9, 48.5, "Baek et al., ECCV 2020"),
    EndToEnd("Mask TextSpotter V3", 39.7, 71.8, 27.4, "Liao et al., ECCV 2020", heads=1),
    EndToEnd("Multiplexed TextSpotter", 48.2, 68.0, 37.3, "Huang et al., CVPR 2021", heads=8),
    EndToEnd("Grouped", 45.5, 67.7, 34.3, _THIS_PAPER, heads=2, grouped=True),
    EndToEnd("Grouped", 47.1, 67.0, 36.3, _THIS_PAPER, heads=3, grouped=True),
    EndToEnd("Grouped", 47.9, 66.7, 37.4, _THIS_PAPER, heads=4, grouped=True),
    EndToEnd("Grouped", 48.5, 67.7, 37.8, _THIS_PAPER, heads=5, grouped=True),
    EndToEnd("Grouped", 48.3, 67.8, 37.5, _THIS_PAPER, heads=6, grouped=True),
    EndToEnd("Grouped", 48.2, 68.0, 37.3, _THIS_PAPER, heads=7, grouped=True),
)
"""Table 5: end-to-end recognition on the MLT19 test set. The first four are by other authors."""
