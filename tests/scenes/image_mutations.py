"""Damaged images of every kind; ``python tests/scenes/image_mutations.py --images 2000`` has so many of them read."""

import argparse
import functools
import io
import json
import resource
import time
from collections import Counter

import numpy as np
from PIL import Image

from raygroup.errors import ImageError
from raygroup.scenes.images import decode

KINDS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")
MODES = ("RGB", "L", "CMYK", "P", "1", "I;16", "RGBA")
_ORIENTATION = 0x0112


def encoded(pixels, kind, **options):
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., ::-1])).save(file, kind, **options)
    return file.getvalue()


@functools.lru_cache(None)
def originals():
    """An image of every kind in every mode that the kind can hold."""
    found = []
    drawn = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    for kind in KINDS:
        for mode in MODES:
            image = Image.fromarray(drawn[..., 0].astype(np.uint16) << 8) if mode == "I;16" else Image.fromarray(drawn).convert(mode)
            exif = Image.Exif()
            exif[_ORIENTATION] = 6
            file = io.BytesIO()
            try:
                image.save(file, kind, **({"exif": exif} if kind in ("JPEG", "PNG", "WEBP", "TIFF") else {}))
            except (OSError, ValueError):
                continue
            found.append(file.getvalue())
    return found


def mutated(seed):
    """An image, cut, with bytes changed, with parts of it elsewhere, or with other dimensions than it has."""
    random = np.random.default_rng(seed)
    content = bytearray(originals()[int(random.integers(len(originals())))])
    way = int(random.integers(5))
    if way == 0:
        del content[int(random.integers(len(content))) :]
    elif way == 1:
        for place in random.integers(0, len(content), int(random.integers(1, 20))):
            content[place] = int(random.integers(256))
    elif way == 2:
        start, end = sorted(random.integers(0, len(content), 2).tolist())
        del content[start:end]
    elif way == 3:
        place = int(random.integers(min(64, len(content) - 4)))
        content[place : place + 4] = random.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\1\0\0"])
    else:
        content += bytes(content[: int(random.integers(len(content)))])
    return bytes(content)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    came = Counter()
    slowest = 0.0
    for number in range(asked.images):
        began = time.process_time()
        try:
            decode(mutated(asked.seed + number))
            came["read"] += 1
        except ImageError:
            came["refused"] += 1
        slowest = max(slowest, time.process_time() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"images": asked.images, "seed": asked.seed, **came, "slowest_s": round(slowest, 3), "peak_mb": peak}))


if __name__ == "__main__":
    main()
