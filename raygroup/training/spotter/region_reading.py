"""Read the labelled words of scenes in both ways: from RoI features, and from crops."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.images.pixels import Pixels, decode
from raygroup.model.grouping import route
from raygroup.model.heads.decoding import Reader
from raygroup.model.kernels.forms import choose_kernels
from raygroup.model.spotter.spotter import Spotter, WordRectangles
from raygroup.scenes.scene import Polygon
from raygroup.scenes.scene_store import StoredScene
from raygroup.spotting.network_input import INPUTS, prepare_input
from raygroup.spotting.word_rectangles import WordRegions, reading_rectangles, word_regions
from raygroup.training.spotter.spotter_samples import crops_of_words, is_readable
from raygroup.training.universal_weights import UniversalModel
from raygroup.words.charset import Charset
from raygroup.words.labels import LONGEST, normalise, to_logical


@dataclass(frozen=True)
class LabelledWords:
    """The words of one scene that a head can read."""

    pixels: Pixels
    """Blue first."""
    polygons: tuple[Polygon, ...]
    labels: tuple[str, ...]
    tasks: tuple[str, ...]

    @classmethod
    def of(cls, scene: StoredScene, tasks: Sequence[str]) -> "LabelledWords":
        """Return the words of a scene that have a label and one of these tasks."""
        words = [word for word in scene.instances if word.polygon is not None and is_readable(word, tasks)]
        polygons = tuple(word.polygon for word in words if word.polygon is not None)
        return cls(decode(scene.image), polygons, tuple(normalise(word.text) for word in words), tuple(word.task or "" for word in words))


class CropReader:
    """The word trunk and the universal head of a weights file."""

    def __init__(self, universal: UniversalModel) -> None:
        self.universal, self.reader = universal, Reader(universal.head, choose_kernels())

    @torch.no_grad()
    def read(self, words: LabelledWords) -> list[str]:
        """Return the text of each word, read greedily."""
        features = self.universal.trunk(torch.from_numpy(crops_of_words(words.pixels, words.polygons)))
        decoded = self.reader.greedy(features, torch.zeros(len(features), dtype=torch.long), LONGEST + 1)
        return texts_of(decoded.classes, self.universal.charset)


class RegionReader:
    """A spotter that reads words at labelled polygons from its RoI features."""

    def __init__(self, spotter: Spotter, charset: Charset, size: str = "compact", route_by: str = "hard") -> None:
        self.spotter, self.charset, self.size, self.route_by = spotter.eval(), charset, size, route_by

    @torch.no_grad()
    def read(self, words: LabelledWords) -> list[str]:
        """Return the text of each word, read greedily by the head that its predicted task is routed to."""
        spotter = self.spotter
        tensor, regions = self._inputs(words)
        fused = spotter.fused_features(tensor)
        images = torch.zeros(len(regions.boxes), dtype=torch.long)
        planes, heads = fused[:0], torch.zeros_like(images)
        if spotter.recognition.heads > 1 or spotter.adapter is None or spotter.adapter.source == "boxes":
            features = spotter.word_features(fused, torch.from_numpy(regions.boxes), images, torch.from_numpy(regions.masks))
            planes, heads = features.planes, route(features.task_logits.softmax(-1), spotter.r_tm, self.route_by)
        rectangles = WordRectangles(*(torch.from_numpy(each) for each in (regions.in_image, regions.in_box, regions.filled)))
        read = spotter.read_features(fused, images, planes, rectangles)
        return texts_of(spotter.recognition.read(read, heads, LONGEST + 1, width=1).classes, self.charset)

    def _inputs(self, words: LabelledWords) -> tuple[Tensor, WordRegions]:
        """Return the network's input (1, 3, h, w), and the regions of the words in it."""
        scaled = prepare_input(np.ascontiguousarray(words.pixels[..., ::-1]), INPUTS[self.size])
        rectangles, filled = reading_rectangles(words.polygons)
        polygons = [scaled.to_tensor(polygon) for polygon in words.polygons]
        shape: NDArray[np.float32] = scaled.tensor
        regions = word_regions(
            polygons, scaled.to_tensor(rectangles), filled, (shape.shape[1], shape.shape[2]), self.spotter.shape.mask_size
        )  # fmt: skip
        return torch.from_numpy(shape)[None].contiguous(memory_format=torch.channels_last), regions


def texts_of(classes: Tensor, charset: Charset) -> list[str]:
    """Return the texts of classes (w, longest), in the order in which they are written."""
    return [to_logical(charset.decode(number if number >= 0 else charset.end for number in row)) for row in classes.tolist()]
