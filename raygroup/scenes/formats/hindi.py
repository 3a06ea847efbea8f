"""Leave out SynthTextMLT's Hindi images with bad labels.

Most Hindi images have bad labels. A list names the good ones.
"""

from collections.abc import Iterator, Set
from pathlib import Path, PurePosixPath

from raygroup.errors import ConfigError, UnreadableFileError
from raygroup.scenes.archives.members import fold_name
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.parsed import LabelledImage
from raygroup.scenes.formats.script_names import task_of
from raygroup.scenes.formats.syntax.label_lines import decode_lines

KEEP_LIST = "Hindi_keep.list"


def drop_bad_hindi(images: Iterator[LabelledImage], collection: Collection, keep_list: Path | None = None) -> Iterator[LabelledImage]:
    """Yield the images without the badly labelled Hindi ones.

    A list names the good Hindi images: the file ``keep_list``, or else ``Hindi_keep.list`` in the
    collection. A problem gives the number of images that were left out. Without a list, all Hindi
    images stay, and a problem gives their number. Raises ConfigError if the list cannot be read.
    """
    good = _good_stems(collection, keep_list)
    num_hindi = num_dropped = 0
    for image in images:
        is_hindi = any(task_of(parsed.script) == "hi" for _, parsed in image.instances) or "hindi" in image.labels.casefold()
        num_hindi += is_hindi
        if is_hindi and good is not None and _stem(image.name) not in good:
            num_dropped += 1
            collection.set_aside(image.image)
        else:
            yield image
    if num_dropped:
        collection.problems.add("Hindi left out", KEEP_LIST, f"{num_dropped:,} Hindi images are not in the list and are left out")
    elif num_hindi and good is None:
        message = f"no such list here: all {num_hindi:,} Hindi images stay in; 20,376 of the 32,540 released ones have bad labels"
        collection.problems.add("Hindi unchecked", KEEP_LIST, message)


def _good_stems(collection: Collection, keep_list: Path | None) -> Set[str] | None:
    """Return the stems of the good images, or None without a list."""
    member = collection.find(KEEP_LIST)
    if keep_list is None and member is None:
        return None
    try:
        content = collection.read(member) if keep_list is None and member else Path(keep_list or "").read_bytes()
    except (OSError, UnreadableFileError) as error:
        raise ConfigError(f"{keep_list or KEEP_LIST}: the list of Hindi images to keep cannot be read: {error}") from error
    return {_stem(line) for _, line in decode_lines(content, KEEP_LIST, collection.problems)}


def _stem(name: str) -> str:
    return fold_name(PurePosixPath(name.strip().replace("\\", "/")).stem)
