"""Rules for container images, on AWS as on Kubernetes: which Ray and Python they hold, and whether they stay what they are."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import version

from raygroup.cluster.keys import Row

_RAY = re.compile(r"(?:^|/)ray(?:-ml)?:(\d+\.\d+\.\d+)|(?<![a-z])ray-?(\d+\.\d+\.\d+)")
"""Ray's own images, and tags of others that say which Ray they hold, such as ``0.1.0-ray2.60.0-py311``."""
_PYTHON = re.compile(r"(?<![a-z])py(?:thon)?-?(\d)\.?(\d+)")
_MOVING = ("latest", "nightly", "master", "main")


def wrong_image(image: object, at: str) -> Iterator[Row]:
    """An image that may be another one tomorrow, or whose Ray or Python cannot talk to the ones here. Of an image of one's own whose tag
    names no versions, nothing can be said."""
    said, ours = str(image or ""), f"{sys.version_info.major}.{sys.version_info.minor}"
    right = f"rayproject/ray:{version('ray')}-py{ours.replace('.', '')}-gpu, or your own image made from it, with its tag or digest"
    whole, _, digest = said.partition("@sha256:")
    tag = whole.rpartition("/")[2].partition(":")[2]
    if not said:
        yield Row(at, "no image: machines would run whatever they find", right)
        return
    if not digest and (not tag or tag.startswith(_MOVING)):
        yield Row(at, f"{said!r} is another image whenever it is pulled", right)
        return
    ray, python = _RAY.search(whole), _PYTHON.search(tag)
    their_ray = (ray[1] or ray[2]) if ray else None
    their_python = f"{python[1]}.{python[2]}" if python else None
    if their_ray not in (None, version("ray")) or their_python not in (None, ours):
        theirs = " with ".join([f"Ray {their_ray}"] * bool(their_ray) + [f"Python {their_python}"] * bool(their_python))
        here = f"Ray {version('ray')} with Python {ours}"
        yield Row(at, f"{theirs}, but this machine has {here}: they must be the same everywhere", right)
    elif re.match(r"(docker\.io/)?rayproject/", said) and not their_python and not digest:
        yield Row(at, f"{said!r} does not say which Python it holds, and this machine has {ours}", right)
