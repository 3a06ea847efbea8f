"""Read YAML files safely, and find the line of a value.

Files that Ray or Kubernetes would read in another way than their author meant are refused: with
repeated names, with names that are no text, and with anchors that contain themselves.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError

_MAX_VALUE = 60
"""Most characters of a value in a message."""
_TEXT_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")


@dataclass(frozen=True)
class YamlDocument:
    """One document of a YAML file."""

    content: Any
    root: Any
    """PyYAML's node of the whole document. It knows the lines."""

    def line_of(self, place: str) -> int:
        """Return the line of a place such as ``spec.workers[0].name``.

        If a part of it is missing, return the line of the part above it.
        """
        return _line_of(self.root, self.root, place)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield every (place, text) of the document. A repeated anchor counts once."""
        yield from _texts(self.root, "", set())


def read_yaml(path: Path) -> list[YamlDocument]:
    """Return the documents of a file that are not empty. Raises ConfigError, with file and line, if it is not YAML."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable: {error}") from error
    try:
        return list(_documents(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        position = getattr(error, "position", None)
        line = mark.line + 1 if mark else text.count("\n", 0, position) + 1 if position is not None else None
        location = f"{path}:{line}" if line else str(path)
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        raise ConfigError(f"{location}: not YAML: {reason}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: not YAML that can be read: lists and mappings are nested too deeply") from error


def short(value: object) -> str:
    """Return a value as text that fits a message."""
    text = repr(value)
    return text if len(text) <= _MAX_VALUE else text[:_MAX_VALUE] + " ..."


def _documents(text: str) -> Iterator[YamlDocument]:
    loader = _loader()(text)
    try:
        while loader.check_node():
            root = loader.get_node()
            content = loader.construct_document(root)
            if content:
                yield YamlDocument(content, root)
    finally:
        loader.dispose()


def _loader() -> Any:
    """Return the class of a safe loader that raises YAMLError for whatever cannot be trusted."""
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.peek_event()
            if isinstance(event, yaml.AliasEvent):
                if event.anchor in open_anchors:
                    raise _error(f"the anchor {event.anchor!r} contains itself", event)
                return super().compose_node(parent, index)
            open_anchors.append(event.anchor)
            try:
                return super().compose_node(parent, index)
            finally:
                open_anchors.pop()

        def compose_mapping_node(self, anchor: Any) -> Any:
            node = super().compose_mapping_node(anchor)
            names: set[str] = set()
            for name, _ in node.value:
                if name.tag not in _TEXT_TAGS:
                    key = f"the key {name.value}" if isinstance(name.value, str) else "a key that is a list or a mapping"
                    raise _error(f"{key} is no text: write a name, in quotes if it looks like a number", name)
                if name.value in names:
                    raise _error(f"{name.value!r} occurs twice", name)
                names.add(name.value)
            return node

        def construct_object(self, node: Any, deep: bool = False) -> Any:
            try:
                return super().construct_object(node, deep)
            except (ValueError, AttributeError, OverflowError) as error:
                raise _error(f"{short(node.value)} is no valid {node.tag.rpartition(':')[2]}", node) from error

    open_anchors: list[str | None] = []
    return Loader


def _error(problem: str, at: Any) -> Exception:
    import yaml

    error: Exception = yaml.constructor.ConstructorError(None, None, problem, at.start_mark)
    return error


def _line_of(node: Any, named_at: Any, place: str) -> int:
    """Follow a place downwards. ``named_at`` is the node that holds the line if nothing more of the place is there."""
    import yaml

    place = place.removeprefix(".")
    item = re.match(r"\[(\d+)\]", place)
    if item and isinstance(node, yaml.SequenceNode) and int(item[1]) < len(node.value):
        below = node.value[int(item[1])]
        return _line_of(below, below, place[item.end() :])
    if isinstance(node, yaml.MappingNode):
        # Names hold dots themselves, such as paths. Of repeated names, the last overrides those merged into the mapping.
        fits = [(name, value) for name, value in node.value if re.match(rf"{re.escape(name.value)}(?:$|[.\[])", place)]
        if fits:
            name, value = max(reversed(fits), key=lambda pair: len(pair[0].value))
            return _line_of(value, name, place[len(name.value) :])
    return int(named_at.start_mark.line) + 1


def _texts(node: Any, place: str, visited: set[int]) -> Iterator[tuple[str, str]]:
    import yaml

    if id(node) in visited:
        return
    visited.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from _texts(value, f"{place}.{name.value}" if place else name.value, visited)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _texts(value, f"{place}[{number}]", visited)
    else:
        yield place, node.value
