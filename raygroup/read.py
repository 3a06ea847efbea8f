"""``python -m raygroup.read``: read images of words.

``raygroup.load(path).read(images)`` is the command's Python twin.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.errors import BAD_INPUT, ConfigError
from raygroup.files.places import Place, parse_local_path, parse_place, place
from raygroup.terminal import Parser, console, print_json, print_line, print_warning, run_command
from raygroup.values import BEAMS, THREADS

if TYPE_CHECKING:
    from raygroup.reading.label_scores import Label, LabelScores
    from raygroup.reading.package import Backend, Package, WordReading
    from raygroup.reading.record import PackageRecord

BACKENDS = ("auto", "onnxruntime", "torch")
_PACKAGE_FILES = ("package.json", "model.safetensors")  # as reading.record names them
_MANY_IMAGES = 257
"""Fewest images whose reading shows progress: more than one block. The bars take a while to load."""
_PICTURE_SUFFIXES = (".png", ".svg", ".pdf")


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _run(build_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> int:
    from raygroup.reading.inputs import list_images

    if options.pictures is not None and options.pictures.suffix.lower() not in _PICTURE_SUFFIXES:
        raise ConfigError(f"--pictures {options.pictures}: must end in {', '.join(_PICTURE_SUFFIXES)}")
    labels = _labels(options.labels)
    names: list[str] = options.images or [str(label.path) for label in labels.values()]
    if not names:
        raise ConfigError("no images: name files, folders or patterns, or - for paths on standard input, or pass --labels")
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="surrogateescape")  # names of files may be any bytes
    images = list_images(names, sys.stdin) if options.images else [Path(name) for name in names]
    package = load(options.package, backend=options.backend, storage_path=options.storage_path or [Path("runs")], threads=options.threads)
    readings = _read(package, images, options.beams)
    scores = None
    if labels:
        from raygroup.reading.label_scores import score_readings

        scores = score_readings(readings, labels, package.tasks)
    _show(readings, labels, scores, options)
    return BAD_INPUT if all(reading.problem is not None for reading in readings) else 0


def _labels(file: Path | None) -> "dict[str, Label]":
    if file is None:
        return {}
    from raygroup.reading.label_scores import read_labels

    labels = read_labels(file)
    if not labels:
        raise ConfigError(f"--labels {file}: it has no rows")
    return labels


def _read(package: "Package", images: Sequence[Path], beams: int) -> "list[WordReading]":
    """Read with a progress bar, and print the speed on standard error."""
    start_s = time.monotonic()
    if len(images) < _MANY_IMAGES:
        readings = package.read(images, beams)
    else:
        from raygroup.runtime.progress import progress_bars

        with progress_bars(console(stderr=True), "reading") as show_progress:
            readings = package.read(images, beams, lambda done: show_progress("words read", done, len(images)))
    wall_s = time.monotonic() - start_s
    line = f"{len(readings)} words in {wall_s:.1f} s, {len(readings) / max(wall_s, 1e-9):.0f} words a second, with {package.backend.name}"
    print_line(console(stderr=True), line)
    return readings


def _draw(readings: "list[WordReading]", labels: "dict[str, Label]", path: Path) -> None:
    from raygroup.figures.palette import save_figure
    from raygroup.figures.reading_sheet import first_pictures, reading_sheet_figure

    truth_of = {str(label.path.absolute()): label.text for label in labels.values()}
    shown = first_pictures(readings, truth_of)
    save_figure(reading_sheet_figure(shown, f"{len(shown)} of {len(readings)} pictures, by the language they were taken for"), path)


def _show(
    readings: "list[WordReading]", labels: "dict[str, Label]", scores: "LabelScores | None", options: argparse.Namespace
) -> None:  # fmt: skip
    from raygroup.reading.output import print_readings, print_scores, problem_lines, score_notes, write_csv

    if options.csv is not None:
        write_csv(readings, options.csv)
    if options.pictures is not None:
        _draw(readings, labels, options.pictures)
    notes = score_notes(scores) if scores else []
    if options.json:
        values: dict[str, Any] = {"readings": [reading.to_json() for reading in readings]}
        if scores:
            values |= {"accuracy": [score.to_json() for score in scores.by_language], "notes": notes}
        print_json(values)
    else:
        print_readings(readings, console())
        if scores:
            print_scores(scores, console())
    for line in [*problem_lines(readings), *notes]:
        print_warning(line)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = Parser(
        prog="python -m raygroup.read", description="Read images of words with a package or a finished trial.",
        epilog="exit codes: 0 read, 2 bad input, or no image could be read",
    )  # fmt: skip
    parser.add_argument("package", metavar="PACKAGE", help="a folder of python -m raygroup.export, or a trial as that command takes it")
    parser.add_argument(
        "images", nargs="*", metavar="IMAGE", help="files, folders, patterns, or - for paths on standard input (default: those of --labels)"
    )
    parser.add_argument(
        "--labels",
        type=parse_local_path,
        metavar="FILE",
        help="a csv, tsv or jsonl file with path and text: print the accuracy by language",
    )
    parser.add_argument("--beams", type=BEAMS.parse, default=1, metavar="N", help="beams to follow (default: 1, greedy)")
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="what computes (default: onnxruntime where it is installed)")
    parser.add_argument("--threads", type=THREADS.parse, default=0, metavar="N", help="threads (default: the backend chooses)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--csv", type=parse_local_path, metavar="FILE", help="also write the readings to a csv file")
    parser.add_argument(
        "--pictures", type=parse_local_path, metavar="FILE", help="also draw the first words with their readings, as .png or .svg"
    )
    parser.add_argument(
        "--storage-path", action="append", type=parse_place, metavar="STORAGE", help="where to look for a trial (default: ./runs)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
