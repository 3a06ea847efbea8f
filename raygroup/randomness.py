"""Create random generators from keys (DESIGN decision 7).

Each draw has a key of its own, so nothing depends on what was drawn before it.
"""

import hashlib

import numpy as np


def generator(*key: object) -> np.random.Generator:
    """Return the generator of a key such as ``(seed, "gumbel", step)``.

    Equal keys give equal draws, on every machine and in any order.
    """
    digest = hashlib.sha256("\0".join(map(str, key)).encode()).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(digest[:16], np.uint64)))
