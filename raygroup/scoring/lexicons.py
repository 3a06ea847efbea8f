"""Lexicons: detected texts become the nearest word of a list before they are scored, and those near to none are dropped.

facts: ICDAR15's lists are strong (100 words for each image), weak (1,000 for all) and generic (90,000). Distances are plain edits between
upper-cased texts; of equally near words the first of the list is taken.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from raygroup.errors import ConfigError
from raygroup.scoring.word_columns import Annotated, Polygons

MAX_EDITS = 1
"""Of the released code for strong and weak lexicons (it drops what is 1.5 or more away); with a generic one it drops nothing."""


@dataclass(frozen=True)
class Lexicon:
    """One list for all images, or one for each."""

    shared: tuple[str, ...] = ()
    by_image: dict[str, tuple[str, ...]] | None = None

    def of(self, image: str) -> tuple[str, ...]:
        return self.shared if self.by_image is None else self.by_image[image]


def read_lexicon(source: Path, images: Sequence[str]) -> Lexicon:
    """A file of one word a line, or a folder with such a file for every image, known by the number at the end of its name.

    Raises ConfigError where an image has no list or two, and for a file that is not UTF-8. Lists of spellings (``pair_*``) in the
    folder are passed over.
    """
    if not source.is_dir():
        return Lexicon(shared=_words(source))
    found: dict[str, Path] = {}
    for file in sorted(source.glob("*.txt")):
        match = re.search(r"([0-9]+)$", file.stem)
        if match and not file.name.startswith("pair"):
            if match[1] in found:
                raise ConfigError(f"{source}: {found[match[1]].name} and {file.name} are both for image {match[1]}: keep one")
            found[match[1]] = file
    if missing := [image for image in images if image not in found]:
        raise ConfigError(f"{source}: no list for image {missing[0]}: a folder holds one such as voc_img_{missing[0]}.txt for every image")
    return Lexicon(by_image={image: _words(found[image]) for image in images})


def corrected(detections: Annotated, lexicon: Lexicon, max_edits: int | None = MAX_EDITS) -> Annotated:
    """The detections with texts of the lexicon; those further than ``max_edits`` from every word are gone (None: none are)."""
    nearest = lru_cache(None)(_nearest)
    texts = [
        nearest(text.upper(), lexicon.of(detections.images[image]), max_edits)
        for text, image in zip(detections.texts, detections.image.tolist(), strict=True)
    ]
    kept = [word for word, text in enumerate(texts) if text is not None]
    return _kept(replace(detections, texts=[text or "" for text in texts]), kept)


def _nearest(text: str, words: tuple[str, ...], max_edits: int | None) -> str | None:
    if not words:
        return None
    found = process.extractOne(text, words, scorer=Levenshtein.distance, processor=str.upper, score_cutoff=max_edits)
    return None if found is None else str(found[0])


def _kept(words: Annotated, kept: Sequence[int]) -> Annotated:
    rows = np.array(kept, np.intp)
    lengths = words.polygons.lengths[rows]
    points = np.concatenate([words.polygons[row] for row in kept]) if len(rows) else np.zeros((0, 2))
    return replace(
        words,
        image=words.image[rows],
        polygons=Polygons(points, np.concatenate([[0], np.cumsum(lengths)])),
        texts=[words.texts[row] for row in kept],
        scripts=[words.scripts[row] for row in kept] if len(words.scripts) else (),
        confidences=None if words.confidences is None else words.confidences[rows],
        places=[words.places[row] for row in kept] if words.places else (),
    )


def _words(file: Path) -> tuple[str, ...]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not a readable lexicon: {error}") from error
    return tuple(word for line in lines if (word := line.strip()))
