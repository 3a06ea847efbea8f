"""Print the lowest version that pyproject.toml declares for each dependency, as pip takes it.

The pure-Python and Arrow dependencies are pinned. torch and ray are left out: the layers that are tested with these versions do not import
them. Tools for development keep their newest versions.
"""

import re
import tomllib
from pathlib import Path

LEFT_OUT = ("torch", "ray")

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
for dependency in [*project["dependencies"], *project["optional-dependencies"]["search"]]:
    name = re.match(r"[\w-]+", dependency)[0]
    if name not in LEFT_OUT:
        print(re.sub(r">=([\d.]+).*", r"==\1", dependency))
