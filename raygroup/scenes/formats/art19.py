"""ArT19: words of any shape as polygons with their language (``train_labels.json``), minus the test images of Total-Text.

ArT19 holds all of Total-Text. Its list ``Total_Text_ID_vs_ArT_ID.list`` pairs the names, ``poly_gt_img883.txt gt_3.txt``; which of them are
test images only Total-Text's own ``Test`` folder says, or a list that was cut down to them. Both are looked for in the collection.
"""

import re

from raygroup.errors import UnreadableFileError
from raygroup.scenes.collection import IMAGE_SUFFIXES, Collection
from raygroup.scenes.formats.json_format import JsonFormat
from raygroup.scenes.formats.label_lines import decoded_lines

ID_LIST = "Total_Text_ID_vs_ArT_ID.list"
NUM_TEST_IMAGES = 300
"""Of Total-Text."""

_PAIR = re.compile(r"\s*(?:poly_gt_)?(img\d+)(?:\.\w+)?\s+(gt_\d+)(?:\.\w+)?\s*")
_TEST_FILE = re.compile(
    r"(?:.*/)?(?:[^/]*[-_ ])?test(?:ing)?(?:[-_ ](?:images?|gt))?/(?:[^/]*/)?(?:poly_)?(?:gt_)?(?P<stem>img\d+)\.\w+", re.IGNORECASE
)


def total_text_test_ids(collection: Collection) -> frozenset[str]:
    """The ids in ArT19 of Total-Text's test images; where that cannot be told none, which is a problem told of."""
    problems = collection.problems
    listed = collection.find(ID_LIST)
    if listed is None:
        problems.add(
            "Total-Text inside", ID_LIST, "not found: the test images of Total-Text stay in; add this list and Total-Text's Test folder"
        )
        return frozenset()
    place = collection.place(listed)
    try:
        lines = decoded_lines(collection.read(listed), place, problems)
        pairs = {match[1]: match[2] for _, line in lines if (match := _PAIR.fullmatch(line))}
    except UnreadableFileError as error:
        problems.add("Total-Text inside", place, f"not readable: {error}: the test images of Total-Text stay in")
        return frozenset()
    if len(pairs) <= NUM_TEST_IMAGES:
        return frozenset(pairs.values())
    test = _test_stems(collection)
    if not test:
        said = f"it pairs {len(pairs):,} images, of which {NUM_TEST_IMAGES} are for tests: they stay in; give Total-Text's Test folder too"
        problems.add("Total-Text inside", place, said)
    return frozenset(pairs[stem] for stem in test if stem in pairs)


def _test_stems(collection: Collection) -> set[str]:
    """Of Total-Text's test images, found by a folder or an archive called Test; its images are no images of ArT19."""
    stems = set()
    for member in collection.members:
        path = collection.paths[member.source]
        if match := _TEST_FILE.fullmatch(f"{path.absolute().stem}/{member.name}"):
            stems.add(match["stem"])
            if member.suffix in IMAGE_SUFFIXES:
                collection.set_aside(member)
    return stems


ART19 = JsonFormat(name="art19", title="ArT19", unit="word", names_languages=True, left_out=total_text_test_ids)
