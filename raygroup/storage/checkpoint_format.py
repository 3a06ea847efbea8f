"""The description that a checkpoint carries of itself, in the header of its safetensors file.

A safetensors file is the length of its header (eight bytes), the header (JSON, filled up with blanks to a multiple of eight bytes), and the
tensors. The header has a table of strings, and one of them holds the facts of raygroup.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from raygroup.history.sinks import Checksums

_FACTS_KEY = "raygroup"
_LENGTH_BYTES = _ALIGNMENT = 8


@dataclass(frozen=True)
class Description:
    """The facts by which a checkpoint is found without the list."""

    step: int
    history: Checksums
    """The files of the history that hold steps up to this one."""


def add_facts(content: bytes, facts: dict[str, Any], history: Checksums) -> bytes:
    """Return a safetensors file with these facts, the checksums of its history and that of its tensors."""
    header, tensors = _split(content)
    facts = {**facts, "history": history, "tensors_sha256": hashlib.sha256(tensors).hexdigest()}
    table = header.get("__metadata__", {}) | {_FACTS_KEY: json.dumps(facts)}
    text = json.dumps({**header, "__metadata__": table}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text + tensors


def read_facts(content: bytes) -> dict[str, Any]:
    """Return the facts of a checkpoint."""
    facts: dict[str, Any] = json.loads(_split(content)[0].get("__metadata__", {})[_FACTS_KEY])
    return facts


def describe_checkpoint(content: bytes) -> Description | None:
    """Return the description of a whole checkpoint.

    None means that its tensors are damaged, or that an earlier version wrote it, which described nothing.
    """
    try:
        facts, tensors = read_facts(content), _split(content)[1]
        if hashlib.sha256(tensors).hexdigest() != facts["tensors_sha256"]:
            return None
        return Description(int(facts["step"]), {name: (int(size), int(crc)) for name, (size, crc) in facts["history"].items()})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header and the tensors of a safetensors file."""
    start = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    return json.loads(content[_LENGTH_BYTES:start]), content[start:]
