"""The README of a package, and what is known of licences."""

import importlib.resources
from collections.abc import Iterator

from raygroup.reading.record import PackageRecord
from raygroup.tasks import find_task

README_FILE = "README.md"
LICENSES_FILE = "LICENSES"

_OWN_WEIGHTS = (
    "Stage-1 weights (trunk and universal head): those that come with raygroup, Apache-2.0. They were trained on rendered words (below)."
)
_UNKNOWN = "raygroup does not know their licence. Name it here before you pass the folder on."
_ORIGINS = {
    "rendered": "rendered (below).",
    "given": f"images of whoever trained it. {_UNKNOWN}",
    "unknown": f"rendered (below), or images of whoever trained it. Of the latter, {_UNKNOWN}",
}
_RENDERED_WORDS = (
    "Rendered words: from the word lists of the Python package wordfreq (code Apache-2.0, data CC BY-SA 4.0), drawn with fonts of Noto and "
    "Hind Siliguri under the SIL Open Font License 1.1, or with fonts of the user."
)


def readme_text(record: PackageRecord, has_onnx: bool) -> str:
    """Return the README, for whoever receives the package."""
    template = _resource("readme.md")
    values = {
        "trial": record.trial_id, "tasks": ", ".join(map(_task_title, record.tasks)), "heads": "\n".join(_head_rows(record)),
        "accuracy": "\n".join(_accuracy_rows(record)), "height": str(record.crop[0]), "width": str(record.crop[1]),
        "beams": str(record.beams), "version": record.versions.get("raygroup", "unknown"),
    }  # fmt: skip
    for name, value in values.items():
        template = template.replace("{" + name + "}", value)
    before, _, after = template.partition("<!-- onnx -->\n")
    bare, _, rest = after.partition("<!-- end -->\n")
    return before + (bare if has_onnx else "The package was exported without ONNX files, so it is read with torch.\n") + rest


def licenses_text(record: PackageRecord, statement: str = "") -> str:
    """Return what is known of licences of weights, words and fonts.

    ``statement`` is what the exporter says of inputs that raygroup does not know.
    """
    settings = record.trial["settings"]
    laptop = settings["weights"]["file"] == "laptop"
    parts = [
        f"This folder holds weights of the raygroup trial {record.trial_id}.",
        "raygroup: Apache-2.0. Its code and the graphs in the ONNX files are under this licence.",
        _OWN_WEIGHTS if laptop else f"Stage-1 weights: the file {settings['weights']['file']!r} of whoever trained the trial. {_UNKNOWN}",
        f"Words of the trial: {_ORIGINS[record.trial['words']]}",
        *([_RENDERED_WORDS] if laptop or record.trial["words"] != "given" else []),
        "The folder holds no words, no word lists and no fonts.",
    ]
    if statement:
        parts = [part.replace(_UNKNOWN, "Its licence is stated below.") for part in parts] + [statement.strip()]
    return "\n\n".join(parts) + "\n"


def detector_licenses_text(statement: str = "") -> str:
    """Return what is known of the licences of a spotter. Its reader has a text of its own."""
    parts = [
        "This folder holds a text spotter: the weights of a detector, and in reader/ a package that reads words.",
        "raygroup: Apache-2.0. Its code and the graphs in the ONNX files are under this licence.",
        "The scenes that the detector was trained on, and those that chose the thresholds: of whoever exported it. "
        + ("Their licence is stated below." if statement else _UNKNOWN.replace("their licence. Name it", "their licences. Name them")),
    ]
    return "\n\n".join([*parts, statement.strip()] if statement else parts) + "\n"


def _head_rows(record: PackageRecord) -> Iterator[str]:
    for head in record.heads:
        yield f"| `{head.name}` | {', '.join(map(_task_title, head.tasks))} | {len(head.characters)} | {head.parameters:,} |"


def _accuracy_rows(record: PackageRecord) -> Iterator[str]:
    for row in record.accuracy:
        mean, low, high = row["accuracy"]
        task = "unknown" if row["task"] is None else _task_title(row["task"])
        yield f"| {row['split']} | {task} | {row['words']} | {mean:.1%} ({low:.1%} to {high:.1%}) | {row['one_minus_ned'][0]:.3f} |"


def _task_title(task: str) -> str:
    known = find_task(task)
    return f"{known.title} (`{task}`)" if known else f"`{task}`"


def _resource(name: str) -> str:
    return (importlib.resources.files("raygroup.export") / name).read_text(encoding="utf-8")
