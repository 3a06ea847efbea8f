"""What every benchmark says of where it ran, and how it prints what it found."""

import os
import platform

from rich.console import Console
from rich.table import Table

from raygroup.runtime.planning.calibration import machine_of


def machine_name(device: str = "cpu") -> str:
    """Processor (or GPU), cores and Python."""
    if device == "cuda":
        import torch

        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}, Python {platform.python_version()}"
    return f"{machine_of(device)}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"


def printed(found: dict[str, object]) -> None:
    rows = Table("figure", "value")
    for name, value in found.items():
        rows.add_row(name, str(value))
    Console().print(rows)
