"""Find the fonts that can write a task.

Installed font packages come first, then the system's fonts, then a folder that the user names.
"""

import functools
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import uharfbuzz as hb

from raygroup.errors import ConfigError
from raygroup.tasks import TASKS, Task, language_of
from raygroup.words.rendering.font_folder import FONT_SUFFIXES, named_fonts, unread_fonts

PACKAGES = (
    "pylopdf_fonts_ar",
    "pylopdf_fonts_hi",
    "pylopdf_fonts_jp",
    "pylopdf_fonts_ko",
    "pylopdf_fonts_zh_cn",
    "manimgx_fonts",
    "fontpkg_hind_siliguri",
)
"""Python packages of fonts that raygroup depends on. pyproject.toml gives the reason for each."""

SYSTEM_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts", Path("/Library/Fonts"))
MIN_FAMILIES = 2
"""Font families that a task should have. With one, heads would learn the font, not the script."""

_HAN_LANGUAGES = frozenset(f"{task.opentype_language:<4}" for task in TASKS.values() if task.opentype_language)


@dataclass(frozen=True, order=True)
class FontFile:
    """One face of a font file."""

    path: str
    index: int
    family: str
    weights: tuple[float, float] | None
    """Lowest and highest value of the ``wght`` axis. None for a font of one weight."""


def find_fonts(task: str | Task, folder: Path | None = None) -> tuple[FontFile, ...]:
    """Return the fonts that write a task with its own shapes.

    ``task`` is the name of a task in ``TASKS`` or of a part of one, or any other task. The system's fonts are added if
    packages give fewer than two families. All fonts that fit in ``folder`` are added. Raises
    ConfigError with the task if there is no font at all, and if the folder gives no font that any
    task can use.
    """
    known = TASKS[language_of(task)] if isinstance(task, str) else task
    fonts = [font for font in _package_fonts() if can_write(font, known)]
    if len({font.family for font in fonts}) < MIN_FAMILIES:
        fonts += [font for font in _system_fonts() if can_write(font, known)]
    if folder is not None:
        fonts += [font for font in _user_fonts(folder, known) if can_write(font, known)]
    if not fonts:
        raise ConfigError(
            f"no font for {known.title} ({known.name}): install the packages of 'pip install raygroup', "
            "Debian's fonts-noto-core and fonts-noto-cjk, or give a folder with --fonts"
        )
    return tuple(dict.fromkeys(fonts))


def can_write(font: FontFile, task: Task) -> bool:
    """Test if a font has the task's letters in the task's shapes.

    Han letters need care: a Simplified Chinese font covers Japanese, but with the wrong shapes. A
    font that names Han language systems can write only the Han tasks that it names, and no other
    task. A font that names none can write a Han task only if it lacks the letters of the other Han
    tasks.
    """
    covered = code_points(font.path, font.index)
    if not set(map(ord, task.probe)) <= covered:
        return False
    named = _language_systems(font.path, font.index) & _HAN_LANGUAGES
    if not task.opentype_language:
        return not named
    if named:
        return f"{task.opentype_language:<4}" in named
    others = (other for other in TASKS.values() if other.opentype_language not in ("", task.opentype_language))
    return not any(set(map(ord, other.probe)) <= covered for other in others)


def scan_folder(folder: Path) -> list[FontFile]:
    """Return every upright face below a folder, by path."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in FONT_SUFFIXES and path.is_file())
    return [font for path in paths for font in _upright_faces(str(path))]


def fonts_fingerprint(fonts: tuple[FontFile, ...]) -> list[str]:
    """Return each font file's SHA-256 with the face's index.

    The names of files and folders do not matter.
    """
    return [f"{_digest(font.path)}:{font.index}" for font in fonts]


def package_fonts() -> tuple[FontFile, ...]:
    """Return every upright face of the installed font packages, whatever it can write."""
    return _package_fonts()


@functools.lru_cache(None)
def code_points(path: str, index: int) -> frozenset[int]:
    """Return the code points that a face has a glyph for."""
    return frozenset(face(path, index).unicodes)


@functools.lru_cache(64)
def face(path: str, index: int) -> hb.Face:
    return hb.Face(hb.Blob.from_file_path(path), index)


def _user_fonts(folder: Path, task: Task) -> list[FontFile]:
    if not folder.is_dir():
        raise ConfigError(f"--fonts {folder}: no such folder")
    unread = unread_fonts(folder)
    fonts = [font for font in scan_folder(folder) if font.path not in unread]
    if not any(can_write(font, known) for font in fonts for known in (task, *TASKS.values())):
        reason = f"{len(fonts)} upright fonts, none of which can write a task" if fonts else "no upright .ttf, .otf or .ttc font"
        raise ConfigError(f"--fonts {folder}: {reason}{f'; cannot be read: {named_fonts(unread)}' if unread else ''}")
    return fonts


@functools.lru_cache(None)
def _package_fonts() -> tuple[FontFile, ...]:
    folders = []
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        folders += [Path(location) for location in (spec.submodule_search_locations or [])] if spec else []
    return tuple(font for folder in folders for font in scan_folder(folder))


@functools.lru_cache(None)
def _system_fonts() -> tuple[FontFile, ...]:
    return tuple(font for folder in SYSTEM_FOLDERS if folder.is_dir() for font in scan_folder(folder))


@functools.lru_cache(None)
def _upright_faces(path: str) -> tuple[FontFile, ...]:
    """Return the upright faces of a font file.

    There are none if the file cannot be read.
    """
    fonts = []
    try:
        count = face(path, 0).count
        for index in range(max(count, 1)):
            # Names 16 and 17 are the typographic family and style. Many fonts have only 1 and 2.
            names = [face(path, index).get_name(number) or "" for number in (16, 1, 17, 2)]
            if "italic" in (names[2] or names[3]).lower() or "italic" in Path(path).stem.lower():
                continue
            weights = [(axis.min_value, axis.max_value) for axis in face(path, index).axis_infos if axis.tag == "wght"]
            fonts.append(FontFile(path, index, names[0] or names[1] or Path(path).stem, weights[0] if weights else None))
    except (hb.HarfBuzzError, OSError, UnicodeDecodeError):
        return ()
    return tuple(fonts)


@functools.lru_cache(None)
def _language_systems(path: str, index: int) -> frozenset[str]:
    """Return the OpenType language tags in the GSUB table of a face."""
    font_face = face(path, index)
    scripts = font_face.get_table_script_tags("GSUB")
    return frozenset(tag for script in range(len(scripts)) for tag in font_face.get_script_language_tags("GSUB", script))


@functools.lru_cache(None)
def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
