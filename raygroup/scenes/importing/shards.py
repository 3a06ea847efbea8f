"""Write one shard of an import: its parts and its record.

The record identifies what the parts were made from, so that a second run can reuse them.
"""

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raygroup.config_sections import fingerprint
from raygroup.errors import ConfigError, UnreadableFileError
from raygroup.files.atomic import read_json_if_exists, write_json
from raygroup.scenes.archives.sources import Source, open_source
from raygroup.scenes.importing.shard_rows import ImportSettings, ShardResult, process_shard, word_rows
from raygroup.scenes.scene import Scene
from raygroup.scenes.scene_store import SCENE_SCHEMA, SCENE_WORD_SCHEMA, write_part

RECIPE_VERSION = 1
"""Raise this when the same data set would give other stores."""


@dataclass(frozen=True)
class SceneShard:
    """Some scenes with images, and the folder that receives them."""

    out: Path
    settings: ImportSettings
    number: int
    scenes: tuple[Scene, ...]
    paths: tuple[Path, ...]
    """Paths of the collection's sources."""
    contents: tuple[bytes | UnreadableFileError, ...] | None = None
    """The images if any are in a tarball, which only one process reads.

    None if the worker reads them.
    """

    @property
    def name(self) -> str:
        return f"{self.settings.source}-{self.number:05}"

    @property
    def record_path(self) -> Path:
        return self.out / "shards" / f"{self.name}.json"

    @functools.cached_property
    def identity(self) -> str:
        """Fingerprint of everything that determines the rows.

        Of the images it covers only names and sizes, not their bytes.
        """
        digest = hashlib.sha256()
        for scene in self.scenes:
            digest.update(repr((scene.name, scene.labels, scene.image and (scene.image.name, scene.image.size))).encode())
            for instance in scene.instances:
                digest.update(repr((instance.text, instance.script, instance.dont_care)).encode("utf-8", "surrogatepass"))
                digest.update(b"" if instance.polygon is None else instance.polygon.tobytes())
        return fingerprint(RECIPE_VERSION, self.settings.to_json(), digest.hexdigest())

    def read_record(self) -> dict[str, Any]:
        """Return the record of a finished, unchanged shard, or an empty dict."""
        try:
            record = read_json_if_exists(self.record_path)
        except ConfigError:
            return {}
        parts = [self.out / folder / f"{self.name}.parquet" for folder in ("scenes", "words")]
        is_same = record.get("identity") == self.identity and all(part.is_file() for part in parts)
        return record if is_same and [part.stat().st_size for part in parts] == record["bytes"] else {}


def write_shard(shard: SceneShard) -> dict[str, Any]:
    """Write a shard's parts and then its record. Return the record."""
    result = process_shard(shard.scenes, shard.contents if shard.contents is not None else _read_images(shard), shard.settings)
    sizes = [
        write_part(shard.out / folder / f"{shard.name}.parquet", rows, schema)
        for folder, rows, schema in (("scenes", result.scenes, SCENE_SCHEMA), ("words", word_rows(result), SCENE_WORD_SCHEMA))
    ]
    record = {"identity": shard.identity, "number": shard.number, "bytes": sizes, **_counts(result)}
    write_json(shard.record_path, record)
    return record


def _counts(result: ShardResult) -> dict[str, Any]:
    counters = ("dropped", "changed", "by_script", "by_task", "contradicting")
    return {
        "scenes": len(result.scenes), "words": len(result.words), "copies": len(result.copies),
        "hashes": result.hashes, "problems": result.problems.to_json(),
        **{name: dict(getattr(result, name)) for name in counters},
    }  # fmt: skip


def _read_images(shard: SceneShard) -> list[bytes | UnreadableFileError]:
    contents: list[bytes | UnreadableFileError] = []
    for scene in shard.scenes:
        try:
            assert scene.image is not None
            contents.append(_listed_source(shard.paths[scene.image.source]).read(scene.image.name))
        except UnreadableFileError as error:
            contents.append(error)
    return contents


@functools.lru_cache(8)
def _listed_source(path: Path) -> Source:
    """Open and list a source, once a process."""
    source = open_source(path)
    source.list(0, lambda kind, place, what: None)
    return source
