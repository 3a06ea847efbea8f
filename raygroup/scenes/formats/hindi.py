"""The Hindi images of SynthTextMLT: most have bad labels, and a list names the good ones."""

from collections.abc import Iterator, Set
from pathlib import Path, PurePosixPath

from raygroup.errors import ConfigError, UnreadableFileError
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.label_lines import decoded_lines
from raygroup.scenes.formats.parsed import Labelled
from raygroup.scenes.formats.script_names import task_of

KEEP_LIST = "Hindi_keep.list"


def without_bad_hindi(labelled: Iterator[Labelled], collection: Collection, keep_list: Path | None = None) -> Iterator[Labelled]:
    """All but the Hindi images that the list, given or in the collection, does not name; how many were left out is told of.

    Raises ConfigError for a list that cannot be read.
    """
    kept = _kept(collection, keep_list)
    left_out = seen = 0
    for one in labelled:
        is_hindi = any(task_of(parsed.script) == "hi" for _, parsed in one.found) or "hindi" in one.labels.casefold()
        seen += is_hindi
        if is_hindi and kept is not None and _stem(one.name) not in kept:
            left_out += 1
            collection.set_aside(one.image)
        else:
            yield one
    if left_out:
        collection.problems.add("Hindi left out", KEEP_LIST, f"{left_out:,} Hindi images are not in the list and left out")
    elif seen and kept is None:
        said = f"not found: all {seen:,} Hindi images stay in, of the released ones 20,376 of 32,540 have bad labels"
        collection.problems.add("Hindi unchecked", KEEP_LIST, said)


def _kept(collection: Collection, keep_list: Path | None) -> Set[str] | None:
    """Stems of the good Hindi images; None where no list says."""
    member = collection.find(KEEP_LIST)
    if keep_list is None and member is None:
        return None
    try:
        content = collection.read(member) if keep_list is None and member else Path(keep_list or "").read_bytes()
    except (OSError, UnreadableFileError) as error:
        raise ConfigError(f"{keep_list or KEEP_LIST}: the list of Hindi images to keep cannot be read: {error}") from error
    return {_stem(line) for _, line in decoded_lines(content, KEEP_LIST, collection.problems)}


def _stem(name: str) -> str:
    return PurePosixPath(name.strip().replace("\\", "/")).stem.casefold()
