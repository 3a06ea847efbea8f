"""Check random pairs of MLT19 files: ``python tests/scoring/fuzz.py --pairs 10000``.

The last line of the output is one JSON object.
"""

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from invariants import check_pair
from random_pairs import random_pair


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    options = parser.parse_args()
    accepted, broken = 0, []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.first, options.first + options.pairs):
            try:
                accepted += check(seed, Path(folder))
            except AssertionError as error:
                broken.append(seed)
                print(f"seed {seed}: {error!r}", file=sys.stderr)
    print(json.dumps({"pairs": options.pairs, "accepted": accepted, "broken": broken}))
    return 1 if broken else 0


def check(seed, folder):
    """Check the pair of a seed and return whether it was accepted."""
    draw = random.Random(seed)
    task = draw.choice([1, 3, 4])
    return check_pair(task, *random_pair(task, draw), draw, folder)


if __name__ == "__main__":
    sys.exit(main())
