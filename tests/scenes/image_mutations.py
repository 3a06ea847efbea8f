"""Make damaged images of every kind, and read them.

``python tests/scenes/image_mutations.py --images 2000`` reads 2000 of them and prints the result as JSON.
"""

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
from raygroup.images.pixels import decode

KINDS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")
MODES = ("RGB", "L", "CMYK", "P", "1", "I;16", "RGBA")
_ORIENTATION = 0x0112


def encode(pixels, kind, **options):
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., ::-1])).save(file, kind, **options)
    return file.getvalue()


@functools.lru_cache(None)
def originals():
    """Return an encoded image for every kind and each mode that the kind supports."""
    images = []
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    for kind in KINDS:
        for mode in MODES:
            image = Image.fromarray(noise[..., 0].astype(np.uint16) << 8) if mode == "I;16" else Image.fromarray(noise).convert(mode)
            exif = Image.Exif()
            exif[_ORIENTATION] = 6
            file = io.BytesIO()
            try:
                image.save(file, kind, **({"exif": exif} if kind in ("JPEG", "PNG", "WEBP", "TIFF") else {}))
            except (OSError, ValueError):
                continue
            images.append(file.getvalue())
    return images


def damage(seed):
    """Return a damaged image: cut, with changed or missing bytes, with a false size, or with extra bytes."""
    random = np.random.default_rng(seed)
    content = bytearray(originals()[int(random.integers(len(originals())))])
    damage_kind = int(random.integers(5))
    if damage_kind == 0:
        del content[int(random.integers(len(content))) :]
    elif damage_kind == 1:
        for place in random.integers(0, len(content), int(random.integers(1, 20))):
            content[place] = int(random.integers(256))
    elif damage_kind == 2:
        start, end = sorted(random.integers(0, len(content), 2).tolist())
        del content[start:end]
    elif damage_kind == 3:
        place = int(random.integers(min(64, len(content) - 4)))
        content[place : place + 4] = random.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\1\0\0"])
    else:
        content += bytes(content[: int(random.integers(len(content)))])
    return bytes(content)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    outcomes = Counter()
    slowest = 0.0
    for number in range(arguments.images):
        start_s = time.process_time()
        try:
            decode(damage(arguments.seed + number))
            outcomes["read"] += 1
        except ImageError:
            outcomes["refused"] += 1
        slowest = max(slowest, time.process_time() - start_s)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"images": arguments.images, "seed": arguments.seed, **outcomes, "slowest_s": round(slowest, 3), "peak_mb": peak}))


if __name__ == "__main__":
    main()
