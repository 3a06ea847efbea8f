"""The record of a package, ``package.json``.

A package is a folder that a team can ship. The record has all that a reader must know beside the
weights. It lists its files with their checksums, and
carries a checksum of itself.
"""

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError, DamagedFileError
from raygroup.reading.thresholds import Threshold
from raygroup.words.charset import Charset

FORMAT = "raygroup package"
MAJOR, MINOR = 1, 0
"""Version of the format. Another major version is refused. A higher minor version only adds fields."""
RECORD_FILE = "package.json"
WEIGHTS_FILE = "model.safetensors"
TRUNK_FILE = "trunk.onnx"
ROUTER_FILE = "router.onnx"
ANOTHER_COPY = "get another copy of the package, or export it again"


@dataclass(frozen=True, kw_only=True)
class HeadRecord:
    """One head of a package."""

    name: str
    """Its tasks, such as ``ar+zh``. The names of its files and tensors hold it."""
    tasks: tuple[str, ...]
    characters: str
    """The characters it can write, by class from 1. Class 0 is none of them. The last class ends a word."""
    embed: int
    hidden: int
    parameters: int
    whole_parameters: int
    """Parameters before the head was pruned to its characters."""

    @functools.cached_property
    def charset(self) -> Charset:
        return Charset(tuple(self.characters))

    def tensor(self, name: str) -> str:
        """Return the name of a tensor of the head in the weights file."""
        return f"head-{self.name}.{name}"

    def onnx_file(self, beam: bool) -> str:
        """Return the name of the file that reads greedily or by beams."""
        return f"head-{self.name}.{'beam' if beam else 'greedy'}.onnx"


@dataclass(frozen=True, kw_only=True)
class PackageRecord:
    """Everything in ``package.json`` but its format, its version and its checksum."""

    versions: Mapping[str, str]
    """Version of raygroup and of the libraries that wrote the package."""
    trial: Mapping[str, Any]
    """Id, label, sweep and settings of the trial, and whether its ``words`` were rendered or given."""
    tasks: tuple[str, ...]
    """In the order of the router's output."""
    grouping: Mapping[str, str]
    """Task -> name of its head."""
    route: str
    """``hard``: a word goes to the head of its likeliest task. ``soft``: to the head with the largest P_WM."""
    heads: tuple[HeadRecord, ...]
    """In the order of the router's output."""
    idle_heads: tuple[int, ...]
    """Numbers in the trial of the heads that have no task. They are left out."""
    characters_from: str
    """How the characters of each task are known."""
    crop: tuple[int, int]
    """Height and width of the crops that the trunk reads."""
    features: tuple[int, int]
    """Positions and features that the trunk returns."""
    longest: int
    """Most characters of a word, its end counted."""
    beams: int
    """Beams of the beam readers."""
    accuracy: tuple[Mapping[str, Any], ...]
    """Scores on the trial's test words: a row for each split and task."""
    thresholds: Mapping[str, Threshold]
    """Task -> the confidence from which its readings can be trusted."""
    parity: Mapping[str, Any]
    """How far the ONNX files agreed with torch when they were exported. Empty without ONNX files."""
    sizes: Mapping[str, int]
    """Bytes of the package's files, and parameters before and after pruning."""
    files: Mapping[str, Mapping[str, Any]]
    """File -> ``bytes`` and ``sha256``."""

    @property
    def has_onnx(self) -> bool:
        return TRUNK_FILE in self.files

    @property
    def trial_id(self) -> str:
        return str(self.trial["id"])


def record_bytes(record: PackageRecord) -> bytes:
    """Return the content of ``package.json``."""
    content = {"format": FORMAT, "format_version": f"{MAJOR}.{MINOR}", **asdict(record)}
    return json.dumps({**content, "sha256": _checksum(content)}, ensure_ascii=False, indent=1).encode()


def read_record(folder: Path) -> PackageRecord:
    """Read the record of a package and check its version.

    Raises ConfigError if the folder is no package or one of another major version, and
    DamagedFileError if the record was changed.
    """
    path = folder / RECORD_FILE
    stored = _stored_record(path)
    major = str(stored.get("format_version")).partition(".")[0]
    if major != str(MAJOR):
        raise ConfigError(
            f"{path}: a package of format {stored.get('format_version')}, this raygroup reads {MAJOR}.x: "
            f"read it with the raygroup that wrote it ({stored.get('versions', {}).get('raygroup', 'unknown')}), or export the trial again"
        )
    if stored.pop("sha256", None) != _checksum(stored):
        raise DamagedFileError(f"{path}: changed since the export: its checksum is another; {ANOTHER_COPY}")
    return _record(stored)


def require_whole(folder: Path, record: PackageRecord) -> None:
    """Raise DamagedFileError if a file is missing or was changed."""
    for name, facts in record.files.items():
        if Path(name).name != name:
            raise DamagedFileError(f"{folder / RECORD_FILE}: a package has no file {name!r}; {ANOTHER_COPY}")
        require_unchanged(folder / name, facts["sha256"], facts["bytes"])


def require_unchanged(path: Path, sha256: str, size: int | None = None, kind: str = "package", advice: str = ANOTHER_COPY) -> None:
    """Raise DamagedFileError if a listed file is missing or was changed. ``kind`` is what lists it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedFileError(f"{path}: missing from the {kind}: {error.strerror}; {advice}") from error
    if size is not None and len(content) != size:
        raise DamagedFileError(f"{path}: {len(content)} bytes, its {kind} lists {size}; {advice}")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DamagedFileError(f"{path}: changed since the export: its checksum is another; {advice}")


def file_facts(content: bytes) -> dict[str, Any]:
    """Return what a record lists of a file."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _stored_record(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ConfigError(f"{path.parent}: no package: it has no {RECORD_FILE}; python -m raygroup.export TRIAL OUT makes one") from error
    except OSError as error:
        raise ConfigError(f"{path}: not readable: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(f"{path}: damaged: {error}; {ANOTHER_COPY}") from error
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise DamagedFileError(f"{path}: not the record of a raygroup package: its 'format' must be {FORMAT!r}; {ANOTHER_COPY}")
    return stored


def _record(stored: dict[str, Any]) -> PackageRecord:
    """Build the record. Fields that a later minor version added are passed over."""
    known = {name: stored[name] for name in PackageRecord.__dataclass_fields__}
    heads = tuple(
        HeadRecord(**{name: head[name] for name in HeadRecord.__dataclass_fields__} | {"tasks": tuple(head["tasks"])})
        for head in known["heads"]
    )
    thresholds = {task: Threshold.from_json(value) for task, value in known["thresholds"].items()}
    pairs = {name: tuple(known[name]) for name in ("tasks", "idle_heads", "crop", "features", "accuracy")}
    return PackageRecord(**{**known, **pairs, "heads": heads, "thresholds": thresholds})


def _checksum(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
