"""Data sets that tests write file by file, and readers for them."""

from pathlib import Path

import pytest

from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import format_of

REAL = Path(__file__).parents[3] / "shared" / "real" / "scenes"


def real_scenes():
    """Return the folder of real labels beside the checkout; skip the test if there is none."""
    if not REAL.is_dir():
        pytest.skip(f"no real scenes at {REAL}")
    return REAL


def write(folder, files):
    """Write files, a dict of names and contents, and return the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def read(folder, files, name=None):
    """Write files, then return the name of their format, the scenes and the problems."""
    return read_paths([write(folder, files)], name)


def read_paths(paths, name=None):
    """Return the name of the format, the scenes and the problems of a data set."""
    collection = Collection(paths)
    label_format = format_of(collection, name)
    return label_format.name, [*label_format.scenes(collection)], collection.problems


def corners(instance):
    return instance.polygon.tolist()


def texts(scene):
    return [instance.text for instance in scene.instances]
