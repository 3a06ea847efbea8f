"""A problem that the check of cluster files reports."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One problem in a cluster file."""

    path: str
    """Its place in the file, such as ``available_node_types.gpu.resources.GPUs``."""
    problem: str
    instead: str
    """What to write there."""
