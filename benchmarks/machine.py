"""Name the machine of a benchmark, and print its figures."""

import os
import platform

from raygroup.runtime.placement import machine_model


def machine_name(device: str = "cpu") -> str:
    """Return the name of a processor or GPU.

    The number of cores or the version of torch follows, and the version of Python.
    """
    if device == "cuda":
        import torch

        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}, Python {platform.python_version()}"
    return f"{machine_model(device)}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"


def print_figures(figures: dict[str, object]) -> None:
    """Print one line for each figure. No package outside Python's own is needed for it."""
    width = max(map(len, figures), default=0)
    for name, value in figures.items():
        print(f"{name:<{width}}  {value}")
