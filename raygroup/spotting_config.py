"""The settings of the training of a whole spotter, in sections as ``config`` has them."""

from dataclasses import field

from raygroup.config_sections import COUNTS_IF_SET, NO_EFFECT, replace_field, require, require_choice, require_number, section
from raygroup.spotter_config import SIZES, DetectorTraining, Samples

SPOTTING_RECIPE = 1
"""Version of the mathematics of a whole spotter. Trials of another version count as different trials."""
LOSSES = ("dice", "cross_entropy", "box_score", "box_change", "mask", "language", "recognition", "grouping", "distillation")
"""The losses of a spotter, in the order of a step's record."""
PARTS = ("trunk", "segmentation", "box", "mask", "language", "recognition", "adapter")
"""The parts of a spotter that can be frozen. Only spotters whose heads read word features have an adapter."""


@section
class RegionDraws:
    """The regions around labelled words on which the heads train."""

    path_prefix = "regions."
    jitter: float = 0.1
    """Standard deviation by which regions are moved and grown, as a share of a word's short side."""
    copies: int = 2
    """Changed copies of each word among the proposals of the box head."""
    background: int = 8
    """Random rectangles of a sample among these proposals."""
    from_map: bool = False
    """Whether the regions of the network's own map are proposals, too."""
    most: int = 64
    """Proposals of a sample that train the box head. At most a quarter shows text."""
    most_words: int = 48
    """Words of a sample that train the mask, the language predictor and recognition."""

    def __post_init__(self) -> None:
        require_number("regions.jitter", self.jitter, low=0, high=1)
        for name in ("copies", "background"):
            require_number(f"regions.{name}", getattr(self, name), low=0, whole=True)
        for name in ("most", "most_words"):
            require_number(f"regions.{name}", getattr(self, name), low=1, whole=True)


@section
class SpotterLoss:
    """The weight of each loss of a spotter. A loss of weight 0 is not computed where that saves work."""

    path_prefix = "loss."
    dice: float = 1.0
    cross_entropy: float = 1.0
    """The map's binary cross-entropy. The released code has none."""
    hard_negatives: float = 3.0
    """Hardest pixels without text that count, for each pixel of text."""
    box_score: float = 1.0
    box_change: float = 1.0
    mask: float = 1.0
    language: float = 1.0
    recognition: float = 1.0
    """Eq. (5), (6) and (8): means over a word's characters and over words."""
    grouping: float = 1.0
    """Eq. (9)."""
    distillation: float = 0.0
    """Mean square of the difference to the crop reader's features. It needs a crop reader."""

    def __post_init__(self) -> None:
        for name in (*LOSSES, "hard_negatives"):
            require_number(f"loss.{name}", getattr(self, name), low=0.01 if name == "hard_negatives" else 0)


@section
class SpotterHeads:
    """The recognition heads of a spotter, and the grouping of tasks."""

    path_prefix = "heads."
    count: int = 1
    embed: int = 32
    hidden: int = 64
    source: str = "planes"
    """``planes``: heads convolve the planes of masked RoIs (paper). ``boxes``: an adapter turns these planes into the features of a crop
    reader. ``rectangles``: it turns fused features, sampled along the word's rectangle, into them."""
    decoder: str = field(default="attention", metadata=COUNTS_IF_SET)
    """``attention``: heads write one character after the other (paper). ``ctc``: they give the classes of all positions at once. CTC
    heads have no embedding, and a hidden layer only with ``planes``."""
    temperature: float = 1.0
    """Temperature of the Gumbel-Softmax, Eq. (3)."""
    base_coefficient: float = 0.2
    """epsilon of Eq. (8)."""
    min_tasks: float = 1.0
    """mu_j of Eq. (9)."""

    def __post_init__(self) -> None:
        for name in ("count", "embed", "hidden"):
            require_number(f"heads.{name}", getattr(self, name), low=1, whole=True)
        require_choice("heads.source", self.source, "planes", "boxes", "rectangles")
        require_choice("heads.decoder", self.decoder, "attention", "ctc")
        for name in ("embed", "hidden") if self.decoder == "ctc" else ():
            default, has_effect = getattr(SpotterHeads, name), name == "hidden" and self.source == "planes"
            right = f"left at {default}, because the heads of heads.decoder 'ctc' and heads.source '{self.source}' have no such size"
            require(has_effect or getattr(self, name) == default, f"heads.{name}", getattr(self, name), right)
        require_number("heads.temperature", self.temperature, low=1e-3)
        for name in ("base_coefficient", "min_tasks"):
            require_number(f"heads.{name}", getattr(self, name), low=0)


@section
class SpotterWeights:
    """The weights that a spotter starts from. The files' content is part of the data fingerprint. Their names are not."""

    path_prefix = "weights."
    detector: str = field(default="", metadata=NO_EFFECT)
    """A file of ``raygroup.pretrain --scenes``, or the ``detector.safetensors`` of a trial. Empty means that trunk and map start from
    random weights."""
    reader: str = field(default="", metadata=NO_EFFECT)
    """A stage-1 file of ``raygroup.pretrain``, or ``laptop`` for the weights in the package. Its trunk is the teacher of distillation, and
    heads start from its universal head. Empty means neither."""


@section
class Spotting:
    """The training of a whole spotter: all its parts on scenes.

    It is a trial of a sweep on scenes. With the scenes and the weights it determines the result completely.
    """

    path_prefix = ""
    size: str = "compact"
    """``compact`` for laptops, or ``reference``: the released ResNet-50."""
    seed: int = 0
    freeze: tuple[str, ...] = ()
    """Parts that do not train: names of ``PARTS``, or of modules in them. Their batch statistics stay, too."""
    image_rate: float = 1.0
    """Factor of the learning rate for the trunk and the map's head. Trained detectors need a small one."""
    samples: Samples = Samples()
    regions: RegionDraws = RegionDraws()
    loss: SpotterLoss = SpotterLoss()
    heads: SpotterHeads = SpotterHeads()
    training: DetectorTraining = DetectorTraining()
    weights: SpotterWeights = SpotterWeights()

    def __post_init__(self) -> None:
        require_choice("size", self.size, *SIZES)
        require_number("seed", self.seed, low=0, whole=True)
        require_number("image_rate", self.image_rate, low=0)
        distils = self.loss.distillation == 0 or self.heads.source != "planes"
        require(distils, "loss.distillation", self.loss.distillation, "0 with heads.source 'planes', which has no adapter")

    @property
    def recipe_version(self) -> int:
        """Version of the mathematics."""
        return SPOTTING_RECIPE

    def replaced(self, path: str, value: object) -> "Spotting":
        """Return the trial with one field changed. ``path`` is dotted, such as ``heads.base_coefficient``."""
        trial: Spotting = replace_field(self, path, value)
        return trial

    def require_trainable(self) -> None:
        """Raise ConfigError if a sweep cannot train these settings.

        Python code may pass a reader of its own to ``SpotterTrainer``. A trial of a sweep has ``weights.reader`` alone.
        """
        reader, source = self.weights.reader, self.heads.source
        right = "'' with heads.source 'planes', because its head reads word features"
        require(not reader or source != "planes", "weights.reader", reader, right)
        takes_heads = self.heads.decoder == "attention" or self.loss.distillation > 0
        require(not reader or takes_heads, "weights.reader", reader, "'' with heads.decoder 'ctc', unless its features are distilled")
        require(bool(reader) or not self.loss.distillation, "loss.distillation", self.loss.distillation, "0 without weights.reader")
        has_parts = all(name.partition(".")[0] in PARTS and (source != "planes" or not name.startswith("adapter")) for name in self.freeze)
        others = " (no adapter with heads.source 'planes')" if source == "planes" else ""
        require(has_parts, "freeze", self.freeze, f"names of parts: {', '.join(PARTS)}{others}")
