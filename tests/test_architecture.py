"""The layers of the house: which module may import what. Kept by importing each in a fresh interpreter, and by reading the imports."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import raygroup

PACKAGE = Path(raygroup.__file__).parent
ROOT = PACKAGE.parent
HEAVY = ("torch", "ray", "tensorboardX")

LAYERS = {
    "vocabulary": ("config", "packing", "search_space", "tasks", "paper"),
    "records": ("randomness", "terminal", "files", "words", "scenes", "history", "scoring", "tables"),
    "figures": ("figures",),
    "model": ("model",),
    "training": ("training", "strategies"),
    "runtime": ("runtime",),
    "entry points": (
        "cluster",
        "sweep",
        "reproduce",
        "runs",
        "runs_arguments",
        "runs_found",
        "runs_logs",
        "runs_requests",
        "runs_status",
        "pretrain",
        "data",
        "data_rendering",
        "data_report",
        "features",
        "evaluate",
        "spot",
    ),
}
"""Layer -> the modules and packages of raygroup in it, lowest first."""

FORBIDDEN = {
    "vocabulary": (*HEAVY, "pyarrow", "numpy", "scipy", "cv2", "matplotlib", "rich"),
    "records": (*HEAVY, "matplotlib"),
    "figures": HEAVY,
    "model": ("ray", "tensorboardX", "pyarrow", "matplotlib", "raygroup.config"),
    "training": ("ray", "tensorboardX", "matplotlib"),
    "runtime": (),
    "entry points": (*HEAVY, "pyarrow", "raygroup.runtime"),
}
"""What a module of the layer must not have brought in once it is imported."""

BELOW = {
    "vocabulary": {"vocabulary"},
    "records": {"vocabulary", "records"},
    "figures": {"vocabulary", "records", "figures"},
    "model": {"vocabulary", "model"},
    "training": {"vocabulary", "records", "model", "training"},
    "runtime": set(LAYERS) - {"entry points"},
    "entry points": set(LAYERS),
}
"""The layers whose modules a layer may import, at any place in its code."""

FOR_EVERYONE = {"raygroup.randomness"}
"""Keyed generators serve whoever draws."""

_PROBE = """
import importlib, sys
forbidden, names = sys.argv[1].split(), sys.argv[2:]
for name in names:
    importlib.import_module(name)
    found = [bad for bad in forbidden if bad in sys.modules]
    if found:
        sys.exit(f"{name} brings in {', '.join(found)}")
"""


def sources():
    return sorted(PACKAGE.rglob("*.py"))


def dotted(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module):
    top = module.split(".")[1]
    return next((layer for layer, members in LAYERS.items() if top in members), None)


def files(layer):
    return [path for path in sources() if path.stem != "__init__" and layer_of(dotted(path)) == layer]


def modules(layer):
    return [dotted(path) for path in files(layer)]


def imports(path):
    """Every import of a file, wherever in it: modules, and what is taken from packages."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            yield node.module
            if node.module == "raygroup" or (ROOT / Path(*node.module.split("."))).is_dir():
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def probed(forbidden, names):
    command = [sys.executable, "-c", _PROBE, " ".join(forbidden), *names]
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert found.returncode == 0, found.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if FORBIDDEN[layer]])
def test_importing_a_layer_brings_in_nothing_that_it_must_not_know(layer):
    assert not modules(layer) or probed(FORBIDDEN[layer], modules(layer)) is None


def test_what_answers_before_a_trial_runs_needs_neither_torch_nor_ray():
    """``--dry-run`` and a finished sweep run again: entry points, the plan, the ledger, what they print."""
    names = ("ledger", "leases", "plan", "packs", "progress", "summary", "prepare", "step_times", "calibration", "pricing", "foretelling")
    before = [f"raygroup.runtime.{name}" for name in names]
    probed(HEAVY, [name for name in before if name in modules("runtime")])


def test_every_module_has_its_layer():
    assert not [dotted(path) for path in sources() if path.stem != "__init__" and layer_of(dotted(path)) is None]


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_flow_downwards_only_even_those_inside_functions(layer):
    ours = ((path, name) for path in files(layer) for name in imports(path) if name.startswith("raygroup.") and name not in FOR_EVERYONE)
    assert not [f"{dotted(path)} imports {name} ({layer_of(name)})" for path, name in ours if layer_of(name) not in BELOW[layer]]


def test_only_the_runtime_speaks_to_ray():
    speaking = {dotted(path) for path in sources() if any(name.split(".")[0] == "ray" for name in imports(path))}
    assert speaking <= {name for name in speaking if name.startswith("raygroup.runtime.")}


def test_the_network_takes_plain_arguments_and_never_the_config():
    for path in sources():
        if dotted(path).startswith("raygroup.model"):
            assert "raygroup.config" not in set(imports(path))


def test_init_files_import_nothing():
    for path in sources():
        if path.stem == "__init__":
            assert not list(imports(path)), path


def test_no_module_is_called_after_having_no_purpose():
    names = {part for path in sources() for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert names.isdisjoint({"utils", "util", "helpers", "helper", "misc", "common", "v2"})


def test_search_spaces_are_written_in_settings_tasks_and_the_papers_numbers_alone():
    spaces = sorted((ROOT / "search_spaces").glob("*.py"))
    for path in spaces:
        assert {name for name in imports(path) if name.split(".")[0] != "raygroup"} == set(), path
        assert set(imports(path)) <= {"raygroup.config", "raygroup.search_space", "raygroup.tasks", "raygroup.paper"}, path


def test_nothing_stored_is_read_with_pickle():
    readers = {dotted(path) for path in sources() if {"pickle", "cloudpickle", "dill", "shelve", "joblib"} & set(imports(path))}
    assert not readers
