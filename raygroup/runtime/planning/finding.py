"""A problem in a cluster file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One problem in a cluster file."""

    path: str
    """Its place in the file, such as ``available_node_types.gpu.resources.GPUs``."""
    problem: str
    instead: str
    """What to write there."""
    line: int = 0
    """The line of the file, from 1. It is 0 until ``check`` looks it up."""
