"""Import a data set into the stores, shard by shard.

A shard has up to 256 scenes. Worker processes write the shards, each once and atomically. A shard
is two parts, ``OUT/scenes/NAME-00000.parquet`` and ``OUT/words/NAME-00000.parquet``, and then a
record, ``OUT/shards/NAME-00000.json``. The record identifies the content, so a second run writes
only shards that are missing or whose labels changed. ``OUT/NAME.json`` is the summary.
"""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError, UnreadableFileError
from raygroup.files.atomic import read_json_if_exists, write_json
from raygroup.scenes.archives.members import Member
from raygroup.scenes.archives.tarballs import Tar
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import Format
from raygroup.scenes.importing.shard_rows import ImportSettings
from raygroup.scenes.importing.shards import SceneShard, write_shard
from raygroup.scenes.matched_scenes import matched_scenes, no_scene_message
from raygroup.scenes.scene import MapInOrder, Problems, ReportProgress, Scene

SCENES_PER_SHARD = 256

PlannedShard = tuple[SceneShard, dict[str, Any]]
"""A shard and its record, which is empty if the shard must be written."""


def import_scenes(
    collection: Collection,
    label_format: Format,
    out: Path,
    settings: ImportSettings,
    map_in_order: MapInOrder,
    progress: ReportProgress,
) -> dict[str, Any]:
    """Import a data set and return its summary.

    Shards that are finished and unchanged are kept. Memory holds the scenes of a few shards per
    worker, whatever the size of the data set. For a tarball it also holds all labels, because the
    images are read in the tarball's order. Raises ConfigError if no scene has an image, if it is open
    which images many label files mean, and if ``out`` has another data set of this name.
    """
    for folder in ("scenes", "words", "shards"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    _claim_name(out, settings.source, collection)
    records = _write_shards(_planned_shards(collection, label_format, out, settings), map_in_order, progress)
    if not records:
        raise ConfigError(no_scene_message(collection, label_format))
    _remove_old_shards(out, settings.source, len(records))
    return _write_summary(out, settings, label_format, collection, [records[number] for number in sorted(records)])


def _claim_name(out: Path, source: str, collection: Collection) -> None:
    """Reserve the name of the data set.

    Two data sets of one name would overwrite each other.
    """
    path, files = out / f"{source}.json", [path.name for path in collection.paths]
    summary = read_json_if_exists(path)
    if not summary:
        write_json(path, {"source": source, "files": files, "finished": False})
    elif summary["files"] != files:
        other, this = ", ".join(summary["files"]), ", ".join(files)
        raise ConfigError(f"{out}: {source!r} is already the data set {other}: give {this} another --name")


def _shards(scenes: Iterator[Scene], collection: Collection, out: Path, settings: ImportSettings) -> Iterator[SceneShard]:
    number = 0
    while part := tuple(itertools.islice(scenes, SCENES_PER_SHARD)):
        yield SceneShard(out, settings, number, part, collection.paths)
        number += 1


def _planned_shards(collection: Collection, label_format: Format, out: Path, settings: ImportSettings) -> Iterator[PlannedShard]:
    """Return the shards in order, each with its record."""
    tars = {number for number, source in enumerate(collection.sources) if isinstance(source, Tar)}
    scenes = matched_scenes(collection, label_format)
    if not any(image.source in tars for image in collection.images()):
        return ((shard, shard.read_record()) for shard in _shards(scenes, collection, out, settings))
    # a tarball is read once, from beginning to end: sort the scenes by the place of their image
    place = {member: number for number, member in enumerate(collection.members)}
    in_order = iter(sorted(scenes, key=lambda scene: place[scene.image] if scene.image else -1))
    return _with_images([(shard, shard.read_record()) for shard in _shards(in_order, collection, out, settings)], collection)


def _with_images(shards: Sequence[PlannedShard], collection: Collection) -> Iterator[PlannedShard]:
    """Yield the shards with their images.

    The images are read in one pass over the tarballs.
    """
    images = {shard.number: [scene.image for scene in shard.scenes if scene.image] for shard, _ in shards}
    stream = collection.stream(image for shard, record in shards if not record for image in images[shard.number])
    contents: dict[Member, bytes | UnreadableFileError] = {}
    for shard, record in shards:
        if record:
            yield shard, record
            continue
        while not contents.keys() >= set(images[shard.number]):
            image, content = next(stream)
            contents[image] = content
        yield dataclasses.replace(shard, contents=tuple(contents.pop(image) for image in images[shard.number])), {}


def _write_shards(planned: Iterator[PlannedShard], map_in_order: MapInOrder, progress: ReportProgress) -> dict[int, dict[str, Any]]:
    """Write the unfinished shards, and return all records by number."""
    records: dict[int, dict[str, Any]] = {}
    sizes: dict[int, int] = {}
    num_done = num_known = 0

    def keep(record: dict[str, Any], number: int) -> None:
        nonlocal num_done
        records[number] = record
        num_done += sizes[number]
        progress(num_done, num_known)

    def unfinished() -> Iterator[SceneShard]:
        # Each shard that waits is in memory: the map takes one only when a process is free for it.
        nonlocal num_known
        for shard, record in planned:
            sizes[shard.number] = len(shard.scenes)
            num_known += len(shard.scenes)
            if record:
                keep(record, shard.number)
            else:
                yield shard

    for record in map_in_order(write_shard, unfinished()):
        keep(record, record["number"])
    return records


def _remove_old_shards(out: Path, source: str, num_shards: int) -> None:
    """Remove shards left by an earlier import with more scenes."""
    for record in (out / "shards").glob(f"{source}-*.json"):
        number = record.stem.removeprefix(f"{source}-")
        if number.isdigit() and int(number) >= num_shards:
            for path in (record, *(out / folder / f"{record.stem}.parquet" for folder in ("scenes", "words"))):
                path.unlink(missing_ok=True)


def _write_summary(
    out: Path, settings: ImportSettings, label_format: Format, collection: Collection, records: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Sum up the records, write the summary and return it."""
    # problems of labels come from the last reading of the labels, problems of images from the shards: each counts once
    problems = Problems(Counter(collection.problems.counts), [*collection.problems.entries])
    for record in records:
        problems.merge(record["problems"])
    hashes = Counter(image_hash for record in records for image_hash in record["hashes"])
    summary = {
        "source": settings.source, "format": label_format.name, "unit": settings.unit, "files": [path.name for path in collection.paths],
        "scenes": sum(record["scenes"] for record in records), "words": sum(record["words"] for record in records),
        "copies": sum(record.get("copies", 0) for record in records),  # records of older versions have none
        **{name: dict(_total(records, name).most_common()) for name in ("dropped", "changed", "by_script", "by_task", "contradicting")},
        "finished": True, "duplicate_images": sum(count - 1 for count in hashes.values()), "problems": problems.to_json(),
    }  # fmt: skip
    write_json(out / f"{settings.source}.json", summary)
    return summary


def _total(records: Sequence[dict[str, Any]], name: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for record in records:
        total.update(record[name])
    return total
