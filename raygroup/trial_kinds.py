"""The kinds of trials that a sweep can have. All trials of a sweep are of one kind."""

from dataclasses import fields
from typing import Any

from raygroup.config import Trial, trial_from_json
from raygroup.config_sections import section_from_json
from raygroup.spotter_config import Detector

AnyTrial = Trial | Detector
"""``Trial`` reads words, ``Detector`` finds words in scenes."""
SCENES = "scenes"
"""Value of the field ``trains_on`` in the ``sweep.json`` of a sweep on scenes. Sweeps on words lack the field."""

_ONLY_IN_DETECTOR = {field.name for field in fields(Detector)} - {field.name for field in fields(Trial)}


def any_trial_from_json(stored: dict[str, Any]) -> AnyTrial:
    """Return the trial of any kind that ``to_json`` wrote. Raises ConfigError for fields that this version does not know."""
    return section_from_json(Detector, stored) if _ONLY_IN_DETECTOR & stored.keys() else trial_from_json(stored)
