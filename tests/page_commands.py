"""The commands in the shell blocks of a page."""

import re
import shlex
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]


def commands(page: str) -> list[str]:
    """Return the commands of a page's text, without their comments."""
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    lines = [line.partition("#")[0] for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [" ".join(command.split()) for line in lines for command in line.split("&&") if command.strip()]


def run_page_command(command: str) -> int:
    """Run a command of raygroup in this process, without Ray: its start takes longer than all of them. Return the exit code."""
    _, _, module, *arguments = shlex.split(command)
    if module in ("raygroup.sweep", "raygroup.features"):
        arguments.append("--local")
    is_package = (ROOT / module.replace(".", "/")).is_dir()
    code: int = import_module(f"{module}.__main__" if is_package else module).main(arguments)
    return code
