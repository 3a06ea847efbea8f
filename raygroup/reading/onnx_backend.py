"""Compute the network of a package with onnxruntime. Nothing here needs torch."""

import functools
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ConfigError, DamagedFileError
from raygroup.reading.package import DecodedBlock
from raygroup.reading.record import ANOTHER_COPY, ROUTER_FILE, TRUNK_FILE, PackageRecord

WORDS_PER_RUN = 64
"""Most words that a head reads at once. A loop runs until the last of them has ended."""
_ERRORS_ONLY = 3


def is_installed() -> bool:
    """Return whether onnxruntime can be imported. It is not imported here."""
    return importlib.util.find_spec("onnxruntime") is not None


class OnnxBackend:
    """The sessions of a package. A head's session is opened when a word first needs it."""

    name = "onnxruntime"

    def __init__(self, folder: Path, record: PackageRecord, threads: int = 0) -> None:
        """``threads`` is the number of threads of a session. 0 lets onnxruntime choose."""
        self.folder, self.record, self.threads = folder, record, threads
        self.open_session = functools.cache(self._open)

    def read(self, crops: NDArray[np.uint8], beams: int) -> DecodedBlock:
        """Read crops (w, height, width)."""
        features = np.empty((len(crops), *self.record.features), np.float32)
        probabilities = np.empty((len(crops), len(self.record.tasks)), np.float32)
        heads = np.empty(len(crops), np.int64)
        for start in range(0, len(crops), WORDS_PER_RUN):
            part = slice(start, start + WORDS_PER_RUN)
            features[part] = self._run(TRUNK_FILE, crops[part])[0]
            probabilities[part], heads[part] = self._run(ROUTER_FILE, features[part])
        classes, confidence = self.decode(features, heads, beams)
        return DecodedBlock(probabilities, heads, classes, confidence)

    def decode(
        self, features: NDArray[np.float32], heads: NDArray[np.int64], beams: int
    ) -> tuple[list[NDArray[np.int64]], NDArray[np.float32]]:
        """Return the classes and the confidence of words (w, positions, features)."""
        decoded: list[Any] = [None] * len(heads)
        confidence = np.empty(len(heads), np.float32)
        for number in np.unique(heads):
            head = self.record.heads[number]
            end = len(head.characters) + 1
            places = np.flatnonzero(heads == number)
            for start in range(0, len(places), WORDS_PER_RUN):
                part = places[start : start + WORDS_PER_RUN]
                classes, confidence[part] = self._run(head.onnx_file(beams > 1), features[part])
                for place, row in zip(part, classes, strict=True):
                    decoded[place] = row[: int((row != end).sum())]
        return decoded, confidence

    def _run(self, file: str, values: NDArray[Any]) -> Any:
        session = self.open_session(file)
        return session.run(None, {session.get_inputs()[0].name: values})

    def _open(self, file: str) -> Any:
        path = self.folder / file
        if file not in self.record.files:
            raise ConfigError(f"{path}: the package was exported without ONNX files: read it with torch (backend 'torch')")
        return open_session(path, self.threads)


def open_session(path: Path, threads: int = 0, *, keeps_memory: bool = True) -> Any:
    """Open an ONNX file.

    ``threads`` 0 lets onnxruntime choose. A session that keeps its memory from run to run is a little
    faster. Raises DamagedFileError if the file cannot be opened.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = threads
    options.enable_cpu_mem_arena = keeps_memory
    # Every session has threads of its own. Those of idle sessions must not spin.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class for each of its failures
        raise DamagedFileError(f"{path}: onnxruntime {onnxruntime.__version__} cannot open it: {error}; {ANOTHER_COPY}") from error
