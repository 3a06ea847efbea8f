"""Fonts found by what they contain: installed font packages, then the system's, then a folder the user names."""

import functools
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import uharfbuzz as hb

from raygroup.errors import ConfigError
from raygroup.tasks import TASKS, Task

PACKAGES = (
    "pylopdf_fonts_ar",
    "pylopdf_fonts_hi",
    "pylopdf_fonts_jp",
    "pylopdf_fonts_ko",
    "pylopdf_fonts_zh_cn",
    "manimgx_fonts",
    "fontpkg_hind_siliguri",
)
"""Font packages in the registry that raygroup depends on; pyproject.toml gives each one's reason."""

SYSTEM = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts", Path("/Library/Fonts"))
DESIGNS = 2
"""Families a task should have: with one, heads would learn the font and not the script."""

_HAN_LANGUAGES = frozenset(f"{task.opentype_language:<4}" for task in TASKS.values() if task.opentype_language)


@dataclass(frozen=True, order=True)
class FontFile:
    """One face of a font file."""

    path: str
    index: int
    family: str
    weights: tuple[float, float] | None
    """Lowest and highest of the ``wght`` axis; None for a font of one weight."""


def find_fonts(task: str, folder: Path | None = None) -> tuple[FontFile, ...]:
    """The fonts that write a task with its own shapes: packages first, the system's where those give fewer than two
    designs, and all that fit in the given folder. Raises ConfigError naming the task where there is none."""
    known = TASKS[task]
    found = [font for font in _of_packages() if writes(font, known)]
    if len({font.family for font in found}) < DESIGNS:
        found += [font for font in _of_system() if writes(font, known)]
    if folder is not None:
        if not folder.is_dir():
            raise ConfigError(f"--fonts {folder}: no such folder")
        found += [font for font in scan(folder) if writes(font, known)]
    if not found:
        raise ConfigError(
            f"no font for {known.title} ({task}): install the packages of 'pip install raygroup', "
            "Debian's fonts-noto-core and fonts-noto-cjk, or give a folder with --fonts"
        )
    return tuple(dict.fromkeys(found))


def writes(font: FontFile, task: Task) -> bool:
    """Whether the font covers the task's letters with the task's shapes.

    A Simplified Chinese font covers Japanese with the wrong shapes: among fonts that name Han language systems only one that
    names the task's will do, and a font that names none must not cover the letters of another Han task.
    """
    covered = coverage(font.path, font.index)
    if not set(map(ord, task.probe)) <= covered:
        return False
    named = _languages(font.path, font.index) & _HAN_LANGUAGES
    if not task.opentype_language:
        return not named
    if named:
        return f"{task.opentype_language:<4}" in named
    others = (other for other in TASKS.values() if other.opentype_language and other is not task)
    return not any(set(map(ord, other.probe)) <= covered for other in others)


def scan(folder: Path) -> list[FontFile]:
    """Every upright face below a folder, by path."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".ttf", ".otf", ".ttc"})
    return [font for path in paths for font in _faces(str(path))]


def fonts_fingerprint(fonts: tuple[FontFile, ...]) -> list[str]:
    """SHA-256 of each font file's bytes with the face's index: names and folders do not count."""
    return [f"{_digest(font.path)}:{font.index}" for font in fonts]


@functools.lru_cache(None)
def coverage(path: str, index: int) -> frozenset[int]:
    """The code points a face has a glyph for."""
    return frozenset(face(path, index).unicodes)


@functools.lru_cache(64)
def face(path: str, index: int) -> hb.Face:
    return hb.Face(hb.Blob.from_file_path(path), index)


@functools.lru_cache(None)
def _of_packages() -> tuple[FontFile, ...]:
    folders = []
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        folders += [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    return tuple(font for folder in folders for font in scan(folder))


@functools.lru_cache(None)
def _of_system() -> tuple[FontFile, ...]:
    return tuple(font for folder in SYSTEM if folder.is_dir() for font in scan(folder))


@functools.lru_cache(None)
def _faces(path: str) -> tuple[FontFile, ...]:
    found = []
    try:
        count = face(path, 0).count
        for index in range(max(count, 1)):
            names = [face(path, index).get_name(number) or "" for number in (16, 1, 17, 2)]
            if "italic" in (names[2] or names[3]).lower() or "italic" in Path(path).stem.lower():
                continue
            weights = [(axis.min_value, axis.max_value) for axis in face(path, index).axis_infos if axis.tag == "wght"]
            found.append(FontFile(path, index, names[0] or names[1] or Path(path).stem, weights[0] if weights else None))
    except (hb.HarfBuzzError, OSError, UnicodeDecodeError):
        return ()
    return tuple(found)


@functools.lru_cache(None)
def _languages(path: str, index: int) -> frozenset[str]:
    opened = face(path, index)
    scripts = opened.get_table_script_tags("GSUB")
    return frozenset(tag for place in range(len(scripts)) for tag in opened.get_script_language_tags("GSUB", place))


@functools.lru_cache(None)
def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
