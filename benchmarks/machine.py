"""What every benchmark says of where it ran, and how it prints what it found."""

import os
import platform
from pathlib import Path

from rich.console import Console
from rich.table import Table


def machine_name(device: str = "cpu") -> str:
    """Processor (or GPU), cores and Python."""
    if device == "cuda":
        import torch

        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}, Python {platform.python_version()}"
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())
    return f"{model}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"


def printed(found: dict[str, object]) -> None:
    rows = Table("figure", "value")
    for name, value in found.items():
        rows.add_row(name, str(value))
    Console().print(rows)
