"""Compute maps of text with onnxruntime."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from raygroup.reading.onnx_backend import open_session


class OnnxMaps:
    """A detector on onnxruntime."""

    name = "onnxruntime"

    def __init__(self, graph: Path, threads: int = 0) -> None:
        # the map of a large photograph takes gigabytes
        self._session = open_session(graph, threads, keeps_memory=False)

    def maps(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities of text (n, h, w) of normalised images (n, 3, h, w)."""
        (probabilities,) = self._session.run(None, {"images": images})
        return np.asarray(probabilities, np.float32)
