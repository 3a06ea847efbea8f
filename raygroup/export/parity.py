"""Compare the ONNX files of a package with torch, on test words."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError
from raygroup.export.trial_model import TrialModel
from raygroup.reading.onnx_backend import OnnxBackend, is_installed
from raygroup.reading.package import Package, WordReading

_LEAST_EQUAL = 0.95
"""Share of equal readings below which an export fails. Two nearly equal classes may change places."""


def measure_parity(content: TrialModel, folder: Path, files: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return how far onnxruntime reads test words as torch does.

    Without onnxruntime nothing is compared, and the result says so. Raises ConfigError if the ONNX
    files read otherwise than torch.
    """
    if not is_installed():
        return {"compared": False, "reason": "onnxruntime is not installed"}
    record = replace(content.record, files=files)
    with_onnx, images = Package(record, OnnxBackend(folder, record)), content.own_images
    parity: dict[str, Any] = {"compared": True, "words": len(images), "words_of": "the trial's own tests"}
    for name, beams in (("greedy", 1), ("beam", record.beams)):
        pairs = list(zip(with_onnx.read(images, beams), content.package.read(images, beams), strict=True))
        equal = sum(_outcome(one) == _outcome(other) for one, other in pairs)
        if equal < _LEAST_EQUAL * len(pairs):
            raise ConfigError(
                f"{folder.name}: onnxruntime reads only {equal} of {len(pairs)} words as torch does ({name}): export with --no-onnx"
            )
        parity[name] = {"equal": equal, "confidence_difference": max((_difference(*pair) for pair in pairs), default=0.0)}
    return parity


def _outcome(reading: WordReading) -> tuple[str, str | None, str | None]:
    return reading.text, reading.task, reading.head


def _difference(one: WordReading, other: WordReading) -> float:
    return abs((one.confidence or 0.0) - (other.confidence or 0.0))
