"""The confidence from which the readings of a task can be trusted.

It comes from test words whose truth is known: the readings above it have the aimed accuracy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AIM = 0.95
"""Share of the accepted words that must be right."""
MIN_WORDS = 40
"""Fewest test words of a task from which a threshold is derived."""

MIN_ACCEPTED = 20
"""Fewest accepted words. A handful of right words is no evidence."""


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The threshold of one task, and the words behind it."""

    words: int
    """Test words that the classifier sent to the task."""
    confidence: float | None
    """Lowest confidence to accept. None if there are too few words, or if no threshold reaches the aim."""
    accepted: float | None
    """Share of the words that are accepted. 0 if no threshold reaches the aim, None if there are too few words."""
    aim: float = AIM
    split: str = "unseen"

    def is_unsure(self, confidence: float) -> bool | None:
        """Return whether a reading is below the threshold. None if that cannot be told."""
        if self.accepted is None:
            return None
        return self.confidence is None or confidence < self.confidence

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Threshold":
        return cls(**{name: stored[name] for name in cls.__dataclass_fields__})


def derive_threshold(confidences: Sequence[float], are_right: Sequence[bool], aim: float = AIM) -> Threshold:
    """Return the lowest threshold whose accepted words reach the aim.

    It accepts ``MIN_ACCEPTED`` words or more. Words of one confidence are accepted together. With
    fewer than ``MIN_WORDS`` words there is no threshold.
    """
    if len(confidences) < MIN_WORDS:
        return Threshold(words=len(confidences), confidence=None, accepted=None, aim=aim)
    ranked = sorted(zip(confidences, are_right, strict=True), key=lambda word: -word[0])
    best, right = 0, 0
    for count, (confidence, is_right) in enumerate(ranked, start=1):
        right += is_right
        ends_a_tie = count == len(ranked) or ranked[count][0] < confidence
        if ends_a_tie and count >= MIN_ACCEPTED and right >= aim * count:
            best = count
    lowest = ranked[best - 1][0] if best else None
    return Threshold(words=len(ranked), confidence=lowest, accepted=best / len(ranked), aim=aim)
