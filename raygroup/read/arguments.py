"""Arguments of the commands that read words: which backend computes, and how."""

import argparse

from raygroup.read.opening import BACKENDS
from raygroup.values import BEAMS, THREADS


def add_backend_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--beams``, ``--backend`` and ``--threads``."""
    parser.add_argument("--beams", type=BEAMS.parse, default=1, metavar="N", help="beams to follow (default: 1, greedy)")
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="what computes (default: onnxruntime where it is installed)")
    parser.add_argument("--threads", type=THREADS.parse, default=0, metavar="N", help="threads (default: the backend chooses)")
