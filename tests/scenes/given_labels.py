"""Data sets written by hand, file by file, for tests of readers."""

from pathlib import Path

import pytest

from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import format_of

REAL = Path(__file__).parents[3] / "shared" / "real" / "scenes"


def real_scenes():
    """The real labels that lie beside a checkout of the builders; skips the test elsewhere."""
    if not REAL.is_dir():
        pytest.skip(f"no real scenes at {REAL}")
    return REAL


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def read(folder, files, name=None):
    """(name of the format, its scenes, the problems) of files given by their contents."""
    return read_paths([write(folder, files)], name)


def read_paths(paths, name=None):
    collection = Collection(paths)
    known = format_of(collection, name)
    return known.name, [*known.scenes(collection)], collection.problems


def corners(instance):
    return instance.polygon.tolist()


def texts(scene):
    return [instance.text for instance in scene.instances]
