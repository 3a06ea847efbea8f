"""A data set on its way into the stores: in shards of some scenes, each made by whoever is free, once, and whole.

``OUT/scenes/NAME-00000.parquet`` and ``OUT/words/NAME-00000.parquet`` are a shard's; ``OUT/shards/NAME-00000.json``, written after them,
says what it holds, so that a second run makes what is missing or was labelled anew; ``OUT/NAME.json`` sums up.
"""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError
from raygroup.files.atomic import read_if_there, write_json
from raygroup.scenes.archives.sources import Member, Tar, UnreadableFileError
from raygroup.scenes.collection import Collection, each_once
from raygroup.scenes.formats.registry import Format
from raygroup.scenes.importing.shard_rows import Settings
from raygroup.scenes.importing.shards import Shard, make
from raygroup.scenes.scene import Problems, Scene

SHARD_SCENES = 256

Progress = Callable[[int, int], None]
"""Told how many scenes are in the stores, and of how many that are known so far."""


def run(
    collection: Collection, known: Format, out: Path, settings: Settings, pool: Executor, workers: int, progress: Progress
) -> dict[str, Any]:  # fmt: skip
    """Takes a data set in; what is there already is not made again. The summary, which ``OUT/NAME.json`` keeps.

    Memory holds some shards' scenes a worker, whatever the size of the data set; of a tarball's also all labels, since its images are
    read in the order in which they lie. Raises ConfigError where no scene has an image, and where another data set has this name.
    """
    for folder in ("scenes", "words", "shards"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    _claim(out, settings.source, collection)
    records: dict[int, dict[str, Any]] = {}
    waiting: dict[Future[dict[str, Any]], int] = {}
    done = known_scenes = 0
    for shard, said in _planned(collection, known, out, settings):
        known_scenes += len(shard.scenes)
        if said:
            records[shard.number] = said
            done += len(shard.scenes)
        else:
            waiting[pool.submit(make, shard)] = len(shard.scenes)
        while len(waiting) > workers + 1:
            done += _gathered(waiting, records)
        progress(done, known_scenes)
    while waiting:
        done += _gathered(waiting, records)
        progress(done, known_scenes)
    if not records:
        raise ConfigError(f"{', '.join(map(str, collection.paths))}: no label file of {known.title} has an image here")
    _clear(out, settings.source, len(records))
    return _summed(out, settings, known, collection, [records[number] for number in sorted(records)])


def _claim(out: Path, source: str, collection: Collection) -> None:
    """Two data sets of one name would take each other's place."""
    summary, files = out / f"{source}.json", [path.name for path in collection.paths]
    said = read_if_there(summary)
    if not said:
        write_json(summary, {"source": source, "files": files, "finished": False})
    elif said["files"] != files:
        raise ConfigError(f"{out}: {source!r} is the data set {', '.join(said['files'])} there; give {', '.join(files)} another --name")


def _shards(scenes: Iterator[Scene], collection: Collection, out: Path, settings: Settings) -> Iterator[Shard]:
    number = 0
    while part := tuple(itertools.islice(scenes, SHARD_SCENES)):
        yield Shard(out, settings, number, part, collection.paths)
        number += 1


def _planned(collection: Collection, known: Format, out: Path, settings: Settings) -> Iterator[tuple[Shard, dict[str, Any]]]:
    """The shards, each with its record where it is made."""
    tars = {number for number, source in enumerate(collection.sources) if isinstance(source, Tar)}
    scenes = each_once(known.scenes(collection), collection)
    if not any(image.source in tars for image in collection.images()):
        return ((shard, shard.made()) for shard in _shards(scenes, collection, out, settings))
    place = {member: number for number, member in enumerate(collection.members)}
    in_order = iter(sorted(scenes, key=lambda scene: place[scene.image] if scene.image else -1))
    return _streamed([(shard, shard.made()) for shard in _shards(in_order, collection, out, settings)], collection)


def _streamed(shards: Sequence[tuple[Shard, dict[str, Any]]], collection: Collection) -> Iterator[tuple[Shard, dict[str, Any]]]:
    """The shards with their images, read in one pass over the tarballs."""
    images = {shard.number: [scene.image for scene in shard.scenes if scene.image] for shard, _ in shards}
    stream = collection.stream(image for shard, said in shards if not said for image in images[shard.number])
    read: dict[Member, bytes | UnreadableFileError] = {}
    for shard, said in shards:
        if said:
            yield shard, said
            continue
        while not read.keys() >= set(images[shard.number]):
            image, content = next(stream)
            read[image] = content
        yield dataclasses.replace(shard, contents=tuple(read.pop(image) for image in images[shard.number])), {}


def _gathered(waiting: "dict[Future[dict[str, Any]], int]", records: dict[int, dict[str, Any]]) -> int:
    """Takes what is finished; how many scenes that were."""
    ended, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in ended:
        record = future.result()
        records[record["number"]] = record
    return sum(waiting.pop(future) for future in ended)


def _clear(out: Path, source: str, shards: int) -> None:
    """Removes the parts of an earlier, longer data set of this name."""
    for record in (out / "shards").glob(f"{source}-*.json"):
        number = record.stem.removeprefix(f"{source}-")
        if number.isdigit() and int(number) >= shards:
            for path in (record, *(out / folder / f"{record.stem}.parquet" for folder in ("scenes", "words"))):
                path.unlink(missing_ok=True)


def _summed(out: Path, settings: Settings, known: Format, collection: Collection, records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Over all shards; a problem of the labels is counted once, however often the data set was read."""
    problems = Problems(Counter(collection.problems.counts), [*collection.problems.kept])
    for record in records:
        problems.merge(record["problems"])
    hashes = Counter(found for record in records for found in record["hashes"])
    summary = {
        "source": settings.source, "format": known.name, "unit": settings.unit, "files": [path.name for path in collection.paths],
        "scenes": sum(record["scenes"] for record in records), "words": sum(record["words"] for record in records),
        **{name: dict(_added(records, name).most_common()) for name in ("dropped", "changed", "by_script", "by_task", "contradicting")},
        "finished": True, "duplicate_images": sum(count - 1 for count in hashes.values()), "problems": problems.to_json(),
    }  # fmt: skip
    write_json(out / f"{settings.source}.json", summary)
    return summary


def _added(records: Sequence[dict[str, Any]], name: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for record in records:
        total.update(record[name])
    return total
