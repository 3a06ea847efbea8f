"""Compute maps of text with onnxruntime."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class OnnxMaps:
    """A detector on onnxruntime."""

    name = "onnxruntime"

    def __init__(self, graph: Path, threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def maps(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities of text (n, h, w) of normalised images (n, 3, h, w)."""
        (probabilities,) = self._session.run(None, {"images": images})
        return np.asarray(probabilities, np.float32)
