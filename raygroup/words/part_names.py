"""Tell the parts of a data set, train, val and test, by the words in a path."""

import re

_LETTERS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_WORD = re.compile(
    r"(?P<train>train(?:ing)?)?(?P<val>val(?:id(?:ation)?)?)?(?P<test>test(?:ing|s)?)?(?:sets?|images?|imgs?|data|gt|labels?)?",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"(?P<part>tr|ts|val)_img_?\d+(?:\.\w+)?")
"""Names of MLT17 and MLT19."""
_PART_OF_PREFIX = {"tr": "train", "ts": "test", "val": "val"}


def parts_of(path: str, *, with_base: bool = False) -> frozenset[str]:
    """Return the parts that a path names: ``train``, ``val``, ``test``.

    The lowest folder that names any decides. The file's own name counts if it is like those of
    MLT19, ``tr_img_00001``, or ``with_base``.
    """
    *folders, base = path.split("/")
    if match := _PREFIX.fullmatch(base):
        return frozenset({_PART_OF_PREFIX[match["part"]]})
    for component in reversed([*folders, base] if with_base else folders):
        matches = [match for word in _LETTERS.findall(component) if (match := _WORD.fullmatch(word))]
        if parts := frozenset(part for match in matches for part in ("train", "val", "test") if match[part]):
            return parts
    return frozenset()
