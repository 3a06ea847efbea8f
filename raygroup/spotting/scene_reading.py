"""Read labelled scenes with a spotter, to choose thresholds or to score."""

from collections.abc import Callable, Iterable, Sequence

from raygroup.scenes.scene import Instance
from raygroup.scenes.scene_store import StoredScene
from raygroup.scoring.word_columns import Word
from raygroup.spotting.photograph import decode_photograph
from raygroup.spotting.spotter import Spotter
from raygroup.spotting.threshold_choice import IGNORED, LabelledScene


def read_labelled_scenes(spotter: Spotter, scenes: Iterable[StoredScene], progress: Callable[[int], None]) -> list[LabelledScene]:
    """Return the true words of scenes and all words that a spotter finds, without thresholds.

    ``progress`` is called with the number of scenes read.
    """
    read = []
    for scene in scenes:
        photograph = decode_photograph(scene.image, upright=False)
        read.append(LabelledScene(scene.name, tuple(true_words(scene.instances)), tuple(spotter.candidates(photograph))))
        progress(len(read))
    return read


def true_words(instances: Iterable[Instance]) -> Sequence[Word]:
    """Return the labelled words of a scene. Words without a polygon are those of word images, and are left out."""
    return [
        Word([(float(x), float(y)) for x, y in instance.polygon], IGNORED if instance.dont_care else instance.text, instance.task or "")
        for instance in instances
        if instance.polygon is not None
    ]
