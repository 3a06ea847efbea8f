"""Open a package or a finished trial to read words. ``raygroup.load`` is ``load``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from raygroup.errors import ConfigError
from raygroup.files.places import Place, place

if TYPE_CHECKING:
    from raygroup.reading.package import Backend, Package
    from raygroup.reading.record import PackageRecord

BACKENDS = ("auto", "onnxruntime", "torch")
_PACKAGE_FILES = ("package.json", "model.safetensors")  # as reading.record names them


def load(
    path: str | Path, *, backend: str = "auto", storage_path: Place | str | Sequence[Place | str] = "runs", threads: int = 0
) -> "Package":  # fmt: skip
    """Open a package, or a finished trial, to read words.

    ``path`` is the folder of a package or a trial, or names a trial as ``raygroup.export`` takes it.
    ``backend`` is ``onnxruntime``, ``torch``, or ``auto``: onnxruntime where it is installed and the
    package has its files. A trial is read with torch. ``threads`` is the number of threads of
    the backend, which for torch holds for the whole process. 0 changes nothing.

    Raises ConfigError if there is nothing to open, if a file of the package is missing or was
    changed, or if another major version wrote it.
    """
    if backend not in BACKENDS:
        raise ConfigError(f"backend is {backend!r}: it must be one of {', '.join(BACKENDS)}")
    if any((Path(path) / name).is_file() for name in _PACKAGE_FILES):
        return _open_package(Path(path), backend, threads)
    if backend == "onnxruntime":
        raise ConfigError(f"{path}: no package, and a trial is read with torch: python -m raygroup.export makes a package of it")
    from raygroup.export.named_trial import named_trial
    from raygroup.export.trial_model import load_trial_model

    paths = [storage_path] if isinstance(storage_path, str) or not isinstance(storage_path, Sequence) else storage_path
    try:
        stored = named_trial(str(path), [place(each) for each in paths])
    except ConfigError as error:
        raise ConfigError(f"{path}: no package, because it has no {_PACKAGE_FILES[0]}; and as a trial: {error}") from error
    _set_torch_threads(threads)
    return load_trial_model(stored).package


def _open_package(folder: Path, backend: str, threads: int) -> "Package":
    from raygroup.reading.onnx_backend import OnnxBackend, is_installed
    from raygroup.reading.package import Package
    from raygroup.reading.record import read_record, require_whole

    record = read_record(folder)
    require_whole(folder, record)
    if backend == "auto":
        backend = "onnxruntime" if record.has_onnx and is_installed() else "torch"
    if backend == "torch":
        _set_torch_threads(threads)
        return Package(record, _torch_backend(folder, record))
    if not is_installed():
        raise ConfigError("onnxruntime is not installed: pip install 'raygroup[onnx]', or read with torch (backend 'torch')")
    return Package(record, OnnxBackend(folder, record, threads))


def _set_torch_threads(threads: int) -> None:
    if threads:
        import torch

        torch.set_num_threads(threads)


def _torch_backend(folder: Path, record: "PackageRecord") -> "Backend":
    from safetensors.torch import load_file

    from raygroup.reading.record import WEIGHTS_FILE
    from raygroup.training.reading_model import ReadingModel, TorchBackend

    return TorchBackend(record, ReadingModel.from_tensors(record, load_file(folder / WEIGHTS_FILE)))
