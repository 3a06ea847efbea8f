"""Randomness keyed by purpose: every draw has a name, so that nothing depends on what was drawn before it (DESIGN decision 7)."""

import hashlib

import numpy as np


def generator(*key: object) -> np.random.Generator:
    """The generator of a key such as ``(seed, "gumbel", step)``: equal keys, equal draws, on every machine and in any order."""
    digest = hashlib.sha256("\0".join(map(str, key)).encode()).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(digest[:16], np.uint64)))
