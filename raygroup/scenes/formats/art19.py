"""ArT19: words as polygons with their language.

The labels are in ``train_labels.json``. ArT19 contains all of Total-Text, whose test images are
left out here. Its list ``Total_Text_ID_vs_ArT_ID.list`` pairs the names, for example
``poly_gt_img883.txt gt_3.txt``. It does not mark the test images. Total-Text's own ``Test`` folder
does, or a list that was cut down to the test images. This module looks for both in the collection.
"""

import re

from raygroup.errors import UnreadableFileError
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.json_format import JsonFormat
from raygroup.scenes.formats.syntax.label_lines import decode_lines

ID_LIST = "Total_Text_ID_vs_ArT_ID.list"
NUM_TEST_IMAGES = 300
"""Number of Total-Text's test images."""

_PAIR = re.compile(r"\s*(?:poly_gt_)?(img\d+)(?:\.\w+)?\s+(gt_\d+)(?:\.\w+)?\s*")
_TEST_FILE = re.compile(
    r"(?:.*/)?(?:[^/]*[-_ ])?test(?:ing)?(?:[-_ ](?:images?|gt))?/(?:[^/]*/)?(?:poly_)?(?:gt_)?(?P<stem>img\d+)\.\w+", re.IGNORECASE
)


def total_text_test_ids(collection: Collection) -> frozenset[str]:
    """Return the ArT19 ids of Total-Text's test images.

    If the collection does not show which they are, return none and report a problem.
    """
    problems = collection.problems
    id_list = collection.find(ID_LIST)
    if id_list is None:
        message = "no such list here: Total-Text's test images stay in; add this list and Total-Text's Test folder"
        problems.add("Total-Text inside", ID_LIST, message)
        return frozenset()
    place = collection.place(id_list)
    try:
        lines = decode_lines(collection.read(id_list), place, problems)
        pairs = {match[1]: match[2] for _, line in lines if (match := _PAIR.fullmatch(line))}
    except UnreadableFileError as error:
        problems.add("Total-Text inside", place, f"the list cannot be read: {error}: Total-Text's test images stay in")
        return frozenset()
    # a list this short has been cut down to the test images
    if len(pairs) <= NUM_TEST_IMAGES:
        return frozenset(pairs.values())
    test_stems = _test_stems(collection)
    if not test_stems:
        message = f"the list pairs {len(pairs):,} images, and its {NUM_TEST_IMAGES} test images stay in: add Total-Text's Test folder"
        problems.add("Total-Text inside", place, message)
    return frozenset(pairs[stem] for stem in test_stems if stem in pairs)


def _test_stems(collection: Collection) -> set[str]:
    """Return the stems of Total-Text's test files.

    They are in a folder or an archive called Test. They do not belong to ArT19, so they are set aside.
    """
    stems = set()
    for member in collection.members:
        path = collection.paths[member.source]
        if match := _TEST_FILE.fullmatch(f"{path.absolute().stem}/{member.name}"):
            stems.add(match["stem"])
            collection.set_aside(member)
    return stems


ART19 = JsonFormat(name="art19", title="ArT19", unit="word", has_languages=True, excluded_ids=total_text_test_ids)
