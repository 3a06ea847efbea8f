"""The files of ``cluster/``, as shipped and as a user fills them in."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "cluster"
FILES = {"aws": FOLDER / "config.yaml", "local": FOLDER / "local.yaml", "kubernetes": FOLDER / "kuberay.yaml"}
VALUES = {
    "MY-BUCKET": "our-bucket", "SG-ID": "sg-0123456789abcdef0", "REGISTRY": "registry.example.org/team", "SHARED": "/nfs/ocr/raygroup",
    "HEAD-IP": "10.0.0.10", "WORKER-1-IP": "10.0.0.11", "WORKER-2-IP": "10.0.0.12",
}  # fmt: skip
"""Placeholder -> what a user writes there."""


def filled_text(kind: str) -> str:
    """Return the text of a shipped file with every placeholder replaced."""
    text = FILES[kind].read_text(encoding="utf-8")
    for placeholder, value in VALUES.items():
        text = text.replace(placeholder, value)
    return text


def write_filled(kind: str, folder: Path) -> Path:
    """Write a shipped file with every placeholder replaced. Returns its path."""
    file = folder / FILES[kind].name
    file.write_text(filled_text(kind), encoding="utf-8")
    return file
