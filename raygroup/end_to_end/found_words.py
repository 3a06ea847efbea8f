"""The words that a detector finds in labelled scenes. They are found once for all trials."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from raygroup.config_sections import fingerprint
from raygroup.end_to_end.detector import NamedDetector
from raygroup.end_to_end.labelled_scenes import LabelledScenes, SceneLabels
from raygroup.files.atomic import atomic_write
from raygroup.files.places import Place, arrow_source
from raygroup.reading.package import WordReading
from raygroup.scenes.scene import Polygon
from raygroup.scoring.submissions import quadrilateral
from raygroup.spotting.photograph import Photograph
from raygroup.spotting.spotter import FoundWords, spotted_words
from raygroup.spotting.threshold_choice import SubmittedScene
from raygroup.storage.layout import crops_path
from raygroup.trunks import CROP_SIZE

_VERSION = 1
"""It is raised when the same detector finds other words in the same scenes."""
_POLYGONS = pa.list_(pa.list_(pa.int32()))
_SCHEMA = pa.schema(
    [
        pa.field("truths", _POLYGONS, nullable=False),
        pa.field("polygons", _POLYGONS, nullable=False),
        pa.field("scores", pa.list_(pa.float64()), nullable=False),
        pa.field("crops", pa.list_(pa.binary()), nullable=False),
    ]
)
"""A row is a scene. Polygons are four corners, and crops are gray pixels, row by row."""
ReportProgress = Callable[[int, int], None]
"""Called with the number of scenes done, and their number."""


@dataclass(frozen=True, eq=False)
class SceneWords:
    """The words of one scene. All polygons have the four corners of a submission."""

    labels: SceneLabels
    found: FoundWords

    def with_readings(self, readings: Sequence[WordReading]) -> SubmittedScene:
        """Return the scene with its found words as they were read."""
        return SubmittedScene(self.labels.name, self.labels.truths, tuple(spotted_words(self.found.polygons, self.found.scores, readings)))


@dataclass(frozen=True, eq=False)
class FoundScenes:
    """Labelled scenes with the words that a detector found in them."""

    labelled: LabelledScenes
    detector: NamedDetector
    scenes: tuple[SceneWords, ...]


def find_words(storage: Place, labelled: LabelledScenes, detector: NamedDetector, progress: ReportProgress) -> FoundScenes:
    """Return the words that a detector finds in scenes.

    They are kept in the cache of the storage path. A file there that is damaged is made again.
    """
    path = crops_path(storage, fingerprint(_VERSION, labelled.fingerprint, detector.hash))
    rows = _read(path)
    if len(rows) != len(labelled.scenes):
        rows = []
        for number, (scene, photograph) in enumerate(zip(labelled.scenes, labelled.photographs(), strict=True), start=1):
            rows.append(_row(scene, photograph, detector))
            progress(number, len(labelled.scenes))
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), file, write_page_checksum=True)
    return FoundScenes(labelled, detector, tuple(map(_scene_words, labelled.scenes, rows)))


def _row(scene: SceneLabels, photograph: Photograph, detector: NamedDetector) -> dict[str, Any]:
    words = detector.finder.words(photograph)
    return {
        "truths": [quadrilateral(word.polygon).ravel().tolist() for word in scene.truths],
        "polygons": [quadrilateral(polygon).ravel().tolist() for polygon in words.polygons],
        "scores": words.scores.tolist(),
        "crops": [crop.tobytes() for crop in words.crops],
    }


def _read(path: Place) -> list[dict[str, Any]]:
    """Return the rows of a file. There are none if it is missing or damaged."""
    try:
        return pq.read_table(arrow_source(path), schema=_SCHEMA, page_checksum_verification=True).to_pylist()  # type: ignore[no-any-return]
    except (OSError, pa.ArrowInvalid):
        return []


def _scene_words(labels: SceneLabels, row: Mapping[str, Any]) -> SceneWords:
    truths = [
        replace(word, polygon=_corners(polygon).tolist()) for word, polygon in zip(labels.truths, row["truths"], strict=True)
    ]  # fmt: skip
    crops = [np.frombuffer(crop, np.uint8).reshape(CROP_SIZE) for crop in row["crops"]]
    found = FoundWords(
        tuple(map(_corners, row["polygons"])), np.array(row["scores"], np.float64), np.array(crops, np.uint8).reshape(-1, *CROP_SIZE)
    )
    return SceneWords(replace(labels, truths=tuple(truths)), found)


def _corners(numbers: Sequence[int]) -> Polygon:
    return np.array(numbers, np.float64).reshape(4, 2)
