"""Check container images: their Ray, their Python, and their tag."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import version

from raygroup.runtime.planning.finding import Finding

_RAY = re.compile(r"(?:^|/)ray(?:-ml)?:(\d+\.\d+\.\d+)|(?<![a-z])ray-?(\d+\.\d+\.\d+)")
"""Ray's version in the name of Ray's own images, or in a tag such as ``0.1.0-ray2.60.0-py311``."""
_PYTHON = re.compile(r"(?<![a-z])py(?:thon)?-?(\d)\.?(\d+)")
_MOVING_TAGS = ("latest", "nightly", "master", "main")


def check_image(image: object, at: str) -> Iterator[Finding]:
    """Yield a finding if an image may change or has other versions.

    Ray and Python must have the same versions as on this machine. An image of your own passes if
    its tag does not name them.
    """
    name, python_here = str(image or ""), f"{sys.version_info.major}.{sys.version_info.minor}"
    right = (
        f"rayproject/ray:{version('ray')}-py{python_here.replace('.', '')}-gpu, "
        "or your own image made from it, with its tag or digest"
    )  # fmt: skip
    if not name:
        yield Finding(at, "no image is given, so nodes would run with whatever they have", right)
        return
    full_tag, _, digest = name.partition("@sha256:")
    tag = full_tag.rpartition("/")[2].partition(":")[2]
    if not digest and (not tag or tag.startswith(_MOVING_TAGS)):
        yield Finding(at, f"{name!r} may be a different image at every pull", right)
        return
    ray_match, python_match = _RAY.search(full_tag), _PYTHON.search(tag)
    ray = (ray_match[1] or ray_match[2]) if ray_match else None
    python = f"{python_match[1]}.{python_match[2]}" if python_match else None
    if ray not in (None, version("ray")) or python not in (None, python_here):
        in_image = " with ".join([f"Ray {ray}"] * bool(ray) + [f"Python {python}"] * bool(python))
        here = f"Ray {version('ray')} with Python {python_here}"
        yield Finding(at, f"the image has {in_image}, but this machine has {here}: they must match", right)
    elif re.match(r"(docker\.io/)?rayproject/", name) and not python and not digest:
        yield Finding(at, f"{name!r} does not name its Python version, and this machine has {python_here}", right)
