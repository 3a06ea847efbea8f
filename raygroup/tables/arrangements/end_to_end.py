"""Read the end-to-end scores of a trial.

Its folder has them once scenes were read with its heads.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from raygroup.files.places import Place
from raygroup.storage.layout import END_TO_END_FILE
from raygroup.storage.records import read_record_if_exists


@dataclass(frozen=True)
class EndToEndScores:
    """Scores of task 4 of MLT19: words that were found and read. Each score is from 0 to 1."""

    scenes: str
    """Fingerprint of the scenes."""
    detector: str
    """Hash of the detector that found the words, or its name. Empty if the record has neither."""
    images: int
    words: int
    precision: float
    recall: float
    f: float
    low: float | None
    """Bounds of the 95 % interval of F over images. None if the record has none."""
    high: float | None

    @property
    def conditions(self) -> tuple[str, str]:
        """The scenes and the detector. Scores can be compared only if both are the same."""
        return self.scenes, self.detector


def read_end_to_end(trial_folder: Place) -> EndToEndScores | None:
    """Read the scores of a trial. None if it has none. Raises DamagedFileError with the way out."""
    stored: dict[str, Any] = read_record_if_exists(trial_folder / END_TO_END_FILE)
    if not stored:
        return None
    detector = stored.get("detector", {})
    return EndToEndScores(
        scenes=stored["scenes"], detector=str(detector.get("hash") or detector.get("name") or ""), images=int(stored["images"]),
        words=int(stored["words"]), precision=stored["precision"], recall=stored["recall"], f=stored["f"], low=stored.get("low"),
        high=stored.get("high"),
    )  # fmt: skip


def shared_conditions(scores: Iterable[EndToEndScores | None]) -> tuple[str, str] | None:
    """Return the scenes and the detector that most scores have. None without scores. A tie goes to the first."""
    listed = [score.conditions for score in scores if score]
    return max(dict.fromkeys(listed), key=listed.count, default=None)
