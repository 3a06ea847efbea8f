"""Match the labels of a data set with its images.

Whatever is left over on either side becomes a problem.
"""

from collections.abc import Iterator

from raygroup.errors import ConfigError
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import Format, foreign_label_files
from raygroup.scenes.scene import Scene

MAX_UNDECIDED = 10
"""Label files without a decided image, beyond which a data set is refused."""
_MAX_MESSAGE = 300


def matched_scenes(collection: Collection, label_format: Format, *, max_undecided: int | None = MAX_UNDECIDED) -> Iterator[Scene]:
    """Yield the scenes that have an image, each image only once.

    Other scenes become problems of the collection. At the end images without labels do too, and
    label files of other data sets. A scene whose name another one has is called by its path. Raises
    ConfigError if several images match more than ``max_undecided`` label files, where nothing says
    which is theirs; None allows any number.
    """
    names: set[str] = set()
    labelled = set()
    for scene in label_format.scenes(collection):
        if max_undecided is not None and collection.num_undecided > max_undecided:
            raise ConfigError(_undecided_message(collection))
        if scene.image is None:
            if scene.labels not in collection.explained:
                collection.problems.add("image missing", scene.labels, f"no image {scene.name!r} here")
        elif scene.image in labelled:
            collection.problems.add("two labels", scene.labels, f"the image {scene.name!r} has labels already; the first labels are taken")
        else:
            name = scene.name if scene.name not in names else collection.place(scene.image).rsplit(".", 1)[0]
            names.add(name)
            labelled.add(scene.image)
            yield Scene(name, scene.labels, scene.image, scene.instances)
    for image in collection.images():
        if image not in labelled:
            collection.problems.add("labels missing", collection.place(image), "no labels of this format for this image; it is left out")
    _report_foreign_labels(collection, label_format)


def no_scene_message(collection: Collection, label_format: Format) -> str:
    """Return why a data set has no scene: its first label file without an image, and the number of images."""
    images = [*collection.images()]
    kinds = ("two images", "image of another part", "image of a kind not read", "image missing")
    first = next((str(problem) for problem in collection.problems.entries if problem.kind in kinds), "")
    example = f", such as {collection.place(images[0])}" if images else ""
    paths = ", ".join(map(str, collection.paths))
    start = f"{paths}: no label file of {label_format.title} has an image here ({len(images)} images{example})"
    return f"{start}: {first}"[: max(_MAX_MESSAGE, len(start))]


def _undecided_message(collection: Collection) -> str:
    first = collection.problems.first("two images")
    paths = ", ".join(path.name for path in collection.paths)
    advice = "import each part by itself: give the folder or archive of its labels and that of its own images"
    start = f"{paths}: more than {MAX_UNDECIDED} label files match several images each: {advice}"
    return f"{start}; the first is {first.place}: {first.what}"[:_MAX_MESSAGE]


def _report_foreign_labels(collection: Collection, label_format: Format) -> None:
    for title, files in foreign_label_files(collection, label_format):
        place = collection.place(files[0])
        what = f"{len(files)} label files are another data set's: this one looks like {title}: import them by themselves"
        collection.problems.add("labels of another data set", place, what)
