"""The layers hold: each module is imported in a fresh interpreter, and every import in the source is read."""

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
    "vocabulary": (
        "config", "config_sections", "settings", "errors", "search_space", "tasks", "task_groups", "trunks", "costs", "spotter_config",
        "spotting_config", "paper", "values", "searches",
    ),
    "records": (
        "randomness", "terminal", "files", "images", "words", "scenes", "history", "storage", "scoring", "spotting", "strategies", "tables",
        "reading",
    ),
    "figures": ("figures",),
    "model": ("model",),
    "training": ("training",),
    "runtime": ("runtime",),
    "entry points": (
        "__main__", "sweep", "features", "pretrain", "evaluate", "reproduce", "export", "end_to_end", "read", "report", "spot", "runs",
        "data", "cluster", "weights", "choose",
    ),
}  # fmt: skip
"""Layer -> the modules and packages of raygroup in it, lowest first."""

FORBIDDEN = {
    "vocabulary": (*HEAVY, "pyarrow", "numpy", "scipy", "cv2", "matplotlib", "rich"),
    "records": (*HEAVY, "matplotlib"),
    "figures": HEAVY,
    "model": ("ray", "tensorboardX", "pyarrow", "matplotlib", "raygroup.config"),
    "training": ("ray", "tensorboardX", "matplotlib"),
    "entry points": (*HEAVY, "pyarrow", "raygroup.runtime"),
}
"""Packages that importing any module of the layer must not load."""

BELOW = {
    "vocabulary": {"vocabulary"},
    "records": {"vocabulary", "records"},
    "figures": {"vocabulary", "records", "figures"},
    "model": {"vocabulary", "model"},
    "training": {"vocabulary", "records", "model", "training"},
    "runtime": set(LAYERS) - {"entry points"},
    "entry points": set(LAYERS),
}
"""The layers that a layer may import, anywhere in its code."""

FOR_ALL = {"raygroup.randomness"}
"""Keyed generators, which every layer may use."""

MOST_FILES = 18
"""Most modules in a folder below the top, ``__init__`` not counted."""

_PROBE = """
import importlib, sys
forbidden, names = sys.argv[1].split(), sys.argv[2:]
for name in names:
    importlib.import_module(name)
    loaded = [package for package in forbidden if package in sys.modules]
    if loaded:
        sys.exit(f"{name} loads {', '.join(loaded)}")
"""


def sources():
    return sorted(PACKAGE.rglob("*.py"))


def dotted(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module):
    top = (module.split(".") + [""])[1]
    return next((layer for layer, members in LAYERS.items() if top in members), None)


def files_of(layer):
    return [path for path in sources() if path.stem != "__init__" and layer_of(dotted(path)) == layer]


def modules_of(layer):
    """The modules of a layer. Of a command with a folder, only ``__main__`` is an entry point that must start quickly."""
    modules = [dotted(path) for path in files_of(layer)]
    if layer != "entry points":
        return modules
    return [module for module in modules if module.count(".") == 1 or module.endswith(".__main__")]


def imports(path):
    """Every import in a file, wherever it stands: modules, and the names taken from packages."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports must be absolute"
            yield node.module
            if node.module == "raygroup" or (ROOT / Path(*node.module.split("."))).is_dir():
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def import_in_fresh_interpreter(forbidden, names):
    command = [sys.executable, "-c", _PROBE, " ".join(forbidden), *names]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert outcome.returncode == 0, outcome.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_importing_a_layer_loads_nothing_it_must_not_know(layer):
    import_in_fresh_interpreter(FORBIDDEN[layer], modules_of(layer))


def test_planning_and_the_summary_need_neither_torch_nor_ray():
    """``--dry-run`` and a finished sweep that is run again answer at once."""
    quick = ("planning", "preparation.prepare", "preparation.downloads", "stage1.plan", "progress", "summary", "placement", "sweep_run")
    names = [f"raygroup.runtime.{name}" for name in quick]
    modules = [module for module in modules_of("runtime") if any(module == name or module.startswith(f"{name}.") for name in names)]
    assert len(modules) >= 12
    import_in_fresh_interpreter(HEAVY, modules)


def test_the_report_needs_neither_torch_nor_ray_nor_the_runtime():
    """It is made of pure functions over records."""
    paths = [path for path in files_of("entry points") if dotted(path).startswith("raygroup.report.")]
    assert len(paths) >= 8
    import_in_fresh_interpreter((*HEAVY, "raygroup.runtime"), list(map(dotted, paths)))
    assert not [path for path in paths if any(name.startswith("raygroup.runtime") for name in imports(path))]


def test_importing_raygroup_loads_no_other_module_of_it():
    import_in_fresh_interpreter((*HEAVY, "numpy", "pyarrow", "raygroup.config"), ["raygroup"])


def test_every_module_has_its_layer():
    assert not [dotted(path) for path in sources() if path.stem != "__init__" and layer_of(dotted(path)) is None]


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_flow_downwards_only_even_those_inside_functions(layer):
    pairs = ((path, name) for path in files_of(layer) for name in imports(path) if name.startswith("raygroup.") and name not in FOR_ALL)
    assert not [f"{dotted(path)} imports {name} ({layer_of(name)})" for path, name in pairs if layer_of(name) not in BELOW[layer]]


def test_no_modules_import_each_other_in_a_circle():
    """Imports inside functions count too: a circle means that two modules are one."""
    modules = {dotted(path): path for path in sources() if path.stem != "__init__"}
    graph = {module: (set(imports(path)) & set(modules)) - {module} for module, path in modules.items()}
    while leaves := [module for module, needed in graph.items() if not needed & set(graph)]:
        for module in leaves:
            del graph[module]
    in_circles = {module for module in graph if any(module in graph.get(needed, ()) for needed in graph[module])}
    assert not graph, f"circles among or below: {sorted(in_circles or graph)}"


def test_only_on_ray_imports_ray():
    importers = {dotted(path) for path in sources() if any(name.split(".")[0] == "ray" for name in imports(path))}
    assert importers
    assert all(module.startswith("raygroup.runtime.on_ray.") for module in importers), importers


def test_the_network_takes_plain_arguments_and_never_the_config():
    for path in files_of("model"):
        assert "raygroup.config" not in set(imports(path)), path


def test_init_files_of_rooms_are_empty():
    for path in sources():
        if path.stem == "__init__" and path.parent != PACKAGE:
            assert not list(imports(path)), path


def test_no_folder_holds_more_modules_than_a_reader_can_take_in():
    for folder in {path.parent for path in sources()} - {PACKAGE}:
        names = [path.name for path in folder.glob("*.py") if path.stem != "__init__"]
        assert len(names) <= MOST_FILES, f"{folder}: {len(names)} modules"


def test_no_module_is_named_for_lack_of_a_purpose():
    names = {part for path in sources() for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert names.isdisjoint({"utils", "util", "helpers", "helper", "misc", "common", "v2"})


def test_search_spaces_import_only_settings_tasks_and_the_papers_numbers():
    settings = {"raygroup.config", "raygroup.spotter_config", "raygroup.spotting_config"}
    allowed = {"raygroup", *settings, "raygroup.search_space", "raygroup.searches.head_sizes", "raygroup.tasks", "raygroup.paper"}
    allowed |= {"raygroup.task_groups"}
    spaces = sorted((ROOT / "search_spaces").glob("*.py"))
    assert spaces
    for path in spaces:
        assert {name for name in imports(path) if name in allowed or name.rpartition(".")[0] == "raygroup"} == set(imports(path)), path
        assert not {name for name in imports(path) if name.startswith("raygroup.")} - allowed, path


def test_nothing_stored_is_read_with_pickle():
    readers = {dotted(path) for path in sources() if {"pickle", "cloudpickle", "dill", "shelve", "joblib"} & set(imports(path))}
    assert not readers


def test_the_wheel_lists_every_package():
    import tomllib

    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    assert listed == {dotted(path) for path in sources() if path.stem == "__init__"} | {"raygroup.search_spaces"}
