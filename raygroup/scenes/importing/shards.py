"""A shard of an import: some scenes, the parts that hold them in the stores, and the record that says what they were made from."""

import dataclasses
import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raygroup.config import fingerprint
from raygroup.errors import ConfigError
from raygroup.files.atomic import read_if_there, write_json
from raygroup.scenes.archives.sources import Source, UnreadableFileError, source_of
from raygroup.scenes.importing.shard_rows import Settings, Taken, take_in
from raygroup.scenes.scene import Scene
from raygroup.scenes.scene_store import SCENES, WORDS, write_part

RECIPE = 1
"""Raised when the same data set would give other stores."""


@dataclass(frozen=True)
class Shard:
    """Some scenes that have an image, and where they go."""

    out: Path
    settings: Settings
    number: int
    scenes: tuple[Scene, ...]
    paths: tuple[Path, ...]
    """Of the collection's sources."""
    contents: tuple[bytes | UnreadableFileError, ...] | None = None
    """The images, where they lie in a tarball, which only one process reads; else None."""

    @property
    def name(self) -> str:
        return f"{self.settings.source}-{self.number:05}"

    @property
    def record(self) -> Path:
        return self.out / "shards" / f"{self.name}.json"

    @functools.cached_property
    def identity(self) -> str:
        """Of all that its rows are made from, but for the images' bytes, of which it holds the sizes."""
        digest = hashlib.sha256()
        for scene in self.scenes:
            digest.update(repr((scene.name, scene.labels, scene.image and (scene.image.name, scene.image.size))).encode())
            for found in scene.instances:
                digest.update(repr((found.text, found.script, found.dont_care)).encode("utf-8", "surrogatepass"))
                digest.update(b"" if found.polygon is None else found.polygon.tobytes())
        return fingerprint(RECIPE, dataclasses.asdict(self.settings), digest.hexdigest())

    def made(self) -> dict[str, Any]:
        """What its record says, where the shard is made of just this; else nothing."""
        try:
            said = read_if_there(self.record)
        except ConfigError:
            return {}
        parts = [self.out / folder / f"{self.name}.parquet" for folder in ("scenes", "words")]
        same = said.get("identity") == self.identity and all(part.is_file() for part in parts)
        return said if same and [part.stat().st_size for part in parts] == said["bytes"] else {}


def make(shard: Shard) -> dict[str, Any]:
    """Makes a shard's parts and then its record, which it returns."""
    taken = take_in(shard.scenes, shard.contents if shard.contents is not None else _read(shard), shard.settings)
    sizes = [
        write_part(shard.out / folder / f"{shard.name}.parquet", rows, schema)
        for folder, rows, schema in (("scenes", taken.scenes, SCENES), ("words", taken.words, WORDS))
    ]
    record = {"identity": shard.identity, "number": shard.number, "bytes": sizes, **_counts(taken)}
    write_json(shard.record, record)
    return record


def _counts(taken: Taken) -> dict[str, Any]:
    counters = ("dropped", "changed", "by_script", "by_task", "contradicting")
    return {
        "scenes": len(taken.scenes), "words": len(taken.words), "hashes": taken.hashes, "problems": taken.problems.to_json(),
        **{name: dict(getattr(taken, name)) for name in counters},
    }  # fmt: skip


def _read(shard: Shard) -> list[bytes | UnreadableFileError]:
    found: list[bytes | UnreadableFileError] = []
    for scene in shard.scenes:
        try:
            assert scene.image is not None
            found.append(_opened(shard.paths[scene.image.source]).read(scene.image.name))
        except UnreadableFileError as error:
            found.append(error)
    return found


@functools.lru_cache(8)
def _opened(path: Path) -> Source:
    """A source, listed once a process."""
    source = source_of(path)
    source.list(0, lambda *said: None)
    return source
