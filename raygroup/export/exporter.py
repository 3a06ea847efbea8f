"""Write a finished trial as a package, one folder that reads words."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.export.documents import LICENSES_FILE, README_FILE, licenses_text, readme_text
from raygroup.export.named_trial import named_trial
from raygroup.export.onnx_files import num_onnx_files, onnx_files, onnx_versions, require_onnx
from raygroup.export.parity import measure_parity
from raygroup.export.trial_model import DEFAULT_BEAMS, TrialModel, load_trial_model
from raygroup.files.atomic import sync_folder, write_bytes
from raygroup.files.places import Place, local_path, place
from raygroup.reading.record import RECORD_FILE, WEIGHTS_FILE, PackageRecord, file_facts, record_bytes

ReportProgress = Callable[[str, int, int], None]
"""Called with the name of the work, the number of finished files, and the number of all files."""


@dataclass(frozen=True)
class Export:
    """A package that was written."""

    folder: Path
    record: PackageRecord


def export_trial(
    trial: str | Path, out: str | Path, *, storage_path: Place | str | Sequence[Place | str] = "runs", best: bool = False,
    beams: int = DEFAULT_BEAMS, onnx: bool = True, force: bool = False, licenses: str = "",
    progress: ReportProgress = lambda work, done, total: None,
) -> Export:  # fmt: skip
    """Write a package of a finished trial to the folder ``out``.

    ``trial`` is a trial's folder, ``SWEEP:LABEL``, an id or a part of a label; with ``best`` it is a
    sweep. ``beams`` is fixed in the ONNX files of the beam readers. Without ``onnx`` the package has
    only the weights, and is read with torch. ``force`` replaces an older package. ``licenses`` is a
    text on inputs whose licences raygroup does not know. It goes into LICENSES. Raises ConfigError if
    the trial cannot be read, if ``out`` is in use, or if a package that writes ONNX is missing.
    """
    folder = local_path(out)
    _require_free(folder, force)
    if onnx:
        require_onnx()
    stored = named_trial(str(trial), storage_paths(storage_path), best=best)
    content = load_trial_model(stored, beams)
    _require_beams(content.record, beams)
    with _new_folder(folder, force) as partial:
        record = _write_files(content, partial, onnx, licenses, progress)
        write_bytes(partial / RECORD_FILE, record_bytes(record))
    return Export(folder, record)


def storage_paths(storage_path: Place | str | Sequence[Place | str]) -> list[Place]:
    """Return one or several storage paths as a list."""
    paths = [storage_path] if isinstance(storage_path, str) or not isinstance(storage_path, Sequence) else storage_path
    return [place(path) for path in paths]


def _write_files(content: TrialModel, folder: Path, onnx: bool, licenses: str, progress: ReportProgress) -> PackageRecord:
    """Write everything but the record, and return it."""
    from safetensors.torch import save

    files: dict[str, bytes] = {WEIGHTS_FILE: save(content.model.tensors(content.record))}
    write_bytes(folder / WEIGHTS_FILE, files[WEIGHTS_FILE])
    parity: Mapping[str, object] = {}
    if onnx:
        total = num_onnx_files(content.record)
        progress("ONNX files written", 0, total)
        for number, (name, graph) in enumerate(onnx_files(content.record, content.model, files[WEIGHTS_FILE]), start=1):
            files[name] = graph
            write_bytes(folder / name, graph)
            progress("ONNX files written", number, total)
        parity = measure_parity(content, folder, {name: file_facts(graph) for name, graph in files.items()})
    versions = {**content.record.versions, **(onnx_versions() if onnx else {})}
    record = replace(content.record, parity=parity, versions=versions)
    texts = {LICENSES_FILE: licenses_text(record, licenses), README_FILE: readme_text(record, onnx)}
    for name, text in texts.items():
        files[name] = text.encode()
        write_bytes(folder / name, files[name])
    sizes = {
        "bytes": sum(map(len, files.values())),
        "parameters": _common_parameters(content) + sum(head.parameters for head in record.heads),
        "parameters_before_pruning": _common_parameters(content) + sum(head.whole_parameters for head in record.heads),
    }
    return replace(record, sizes=sizes, files={name: file_facts(data) for name, data in sorted(files.items())})


def _common_parameters(content: TrialModel) -> int:
    """Count the parameters of the trunk and the classifier."""
    modules = (content.model.trunk, content.model.router)
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def _require_beams(record: PackageRecord, beams: int) -> None:
    most = min(len(head.characters) + 1 for head in record.heads)
    if isinstance(beams, bool) or not isinstance(beams, int) or not 2 <= beams <= most:
        raise ConfigError(f"--beams is {beams}: it must be a whole number from 2 to {most}, the classes of the smallest head")


def _require_free(folder: Path, force: bool) -> None:
    """Raise ConfigError if a folder cannot become a package. Only a package is ever replaced."""
    if not folder.exists():
        if not folder.absolute().parent.is_dir():
            raise ConfigError(f"{folder}: its parent folder does not exist")
        return
    if not folder.is_dir():
        raise ConfigError(f"{folder} is a file: name a folder")
    if any(folder.iterdir()):
        if not (folder / RECORD_FILE).is_file():
            raise ConfigError(f"{folder} holds other files: name a new folder")
        if not force:
            raise ConfigError(f"{folder} holds a package: pass --force to replace it, or name a new folder")


@contextlib.contextmanager
def _new_folder(folder: Path, force: bool) -> Iterator[Path]:
    """Yield a folder that replaces ``folder`` once it is complete."""
    folder = folder.absolute()
    partial, old = (folder.with_name(f".{folder.name}.{kind}-{os.getpid()}-{uuid.uuid4().hex[:6]}") for kind in ("partial", "old"))
    partial.mkdir()
    try:
        yield partial
        sync_folder(partial)
        _require_free(folder, force)
        if folder.is_dir():
            folder.rename(old)
        partial.rename(folder)
        sync_folder(folder.parent)
    finally:
        for leftover in (partial, old):
            shutil.rmtree(leftover, ignore_errors=True)
