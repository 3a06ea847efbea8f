"""The settings of a spotter's training, in sections as ``config`` has them."""

from dataclasses import field

from raygroup.config_sections import NO_EFFECT, replace_field, require, require_choice, require_number, section

DETECTOR_RECIPE = 1
"""Version of a detector's mathematics. Trials of another version count as different trials."""
SIZES = ("compact", "reference")


@section
class Samples:
    """The parts of scenes that the detector trains on, and how they vary."""

    side: int = 320
    """Height and width of a sample in pixels. It must be divisible by 32."""
    smallest_zoom: float = 0.55
    """Lowest scale of a scene. 1 keeps its pixels."""
    largest_zoom: float = 1.6
    """Highest scale of a scene."""
    rotation: float = 5.0
    """Standard deviation of the turns in degrees. Half of the samples are turned."""
    stretch: float = 0.12
    """Standard deviation of the logarithm by which width and height differ in scale."""
    around_words: float = 0.7
    """Share of the samples that lie around a word."""
    variation: float = 1.0
    """Strength of the changes in colour, light, sharpness and noise, from 0 (none) to 1."""
    smallest_word: float = 7.0
    """Pixels. The detector neither learns nor unlearns words whose short side is smaller."""

    def __post_init__(self) -> None:
        require_number("samples.side", self.side, low=32, whole=True)
        require(self.side % 32 == 0, "samples.side", self.side, "divisible by 32")
        require_number("samples.smallest_zoom", self.smallest_zoom, low=0.05)
        require_number("samples.largest_zoom", self.largest_zoom, low=self.smallest_zoom)
        for name in ("rotation", "stretch", "smallest_word"):
            require_number(f"samples.{name}", getattr(self, name), low=0)
        for name in ("around_words", "variation"):
            require_number(f"samples.{name}", getattr(self, name), low=0, high=1)


@section
class DetectorLoss:
    """The loss on the map of shrunk words."""

    path_prefix = "loss."
    dice: float = 1.0
    """Weight of the dice loss, which is the mean over the samples that have text."""
    cross_entropy: float = 1.0
    """Weight of the binary cross-entropy. The released code has none."""
    hard_negatives: float = 3.0
    """Hardest pixels without text that count, for each pixel of text."""

    def __post_init__(self) -> None:
        for name in ("dice", "cross_entropy"):
            require_number(f"loss.{name}", getattr(self, name), low=0)
        require_number("loss.hard_negatives", self.hard_negatives, low=0.01)


@section
class DetectorTraining:
    """Steps and learning rate of the detector."""

    path_prefix = "training."
    steps: int = 1800
    batch: int = 6
    """Samples in one step."""
    learning_rate: float = 3e-3
    """It rises over the first steps, is constant up to half of the steps, and falls linearly to about 1 % after that."""
    warm_up: int = 50
    """Steps over which the learning rate rises."""
    weight_decay: float = 1e-4
    clip: float = 5.0
    """Largest norm of the gradient."""
    average: float = 0.99
    """Decay of the moving average of the weights. The average is the result."""
    checkpoint_every: int = field(default=50, metadata=NO_EFFECT)

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "checkpoint_every"):
            require_number(f"training.{name}", getattr(self, name), low=1, whole=True)
        require_number("training.warm_up", self.warm_up, low=0, whole=True)
        for name in ("learning_rate", "weight_decay"):
            require_number(f"training.{name}", getattr(self, name), low=0)
        require_number("training.clip", self.clip, low=1e-9)
        require_number("training.average", self.average, low=0, high=0.9999)


@section
class Detector:
    """The training of a detector: the spotter's trunk and its map of shrunk words (stage 1).

    It is a trial of a sweep on scenes. With the scenes it determines the result completely.
    """

    path_prefix = ""
    size: str = "compact"
    """``compact`` for laptops, or ``reference``: the released ResNet-50."""
    seed: int = 0
    samples: Samples = Samples()
    loss: DetectorLoss = DetectorLoss()
    training: DetectorTraining = DetectorTraining()

    def __post_init__(self) -> None:
        require_choice("size", self.size, *SIZES)
        require_number("seed", self.seed, low=0, whole=True)

    @property
    def recipe_version(self) -> int:
        """Version of the mathematics."""
        return DETECTOR_RECIPE

    def replaced(self, path: str, value: object) -> "Detector":
        """Return the trial with one field changed. ``path`` is dotted, such as ``training.learning_rate``."""
        trial: Detector = replace_field(self, path, value)
        return trial
