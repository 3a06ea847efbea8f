"""Replace detected texts by the nearest word of a lexicon.

Texts that are near to none are dropped. ICDAR15's lists are strong (100 words for each image), weak
(1,000 for all) and generic (90,000). Distances are plain edits between upper-cased texts. Of
equally near words, the first of the list wins.
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
from raygroup.scoring.word_columns import Polygons, WordColumns

MAX_EDITS = 1
"""Limit of the released code for strong and weak lexicons: it drops texts 1.5 or more away.

With a generic one it drops nothing.
"""


@dataclass(frozen=True)
class Lexicon:
    """One list for all images, or one for each."""

    shared: tuple[str, ...] = ()
    by_image: dict[str, tuple[str, ...]] | None = None

    def of(self, image: str) -> tuple[str, ...]:
        """Return the words for an image."""
        return self.shared if self.by_image is None else self.by_image[image]


def read_lexicon(source: Path, images: Sequence[str]) -> Lexicon:
    """Read a lexicon from a file or a folder.

    A file has one word a line, and a folder has one file for every image. The number at the end of
    a file's name is the image. Lists of spellings (``pair_*``) in the folder are skipped. Raises
    ConfigError if an image has no list or two, and for a file that is not UTF-8.
    """
    if not source.is_dir():
        return Lexicon(shared=_read_list(source))
    files: dict[str, Path] = {}
    for file in sorted(source.glob("*.txt")):
        match = re.search(r"([0-9]+)$", file.stem)
        if match and not file.name.startswith("pair"):
            if match[1] in files:
                raise ConfigError(f"{source}: {files[match[1]].name} and {file.name} are both for image {match[1]}: keep one")
            files[match[1]] = file
    if missing := [image for image in images if image not in files]:
        raise ConfigError(f"{source}: no list for image {missing[0]}: a folder holds one such as voc_img_{missing[0]}.txt for every image")
    return Lexicon(by_image={image: _read_list(files[image]) for image in images})


def apply_lexicon(detections: WordColumns, lexicon: Lexicon, max_edits: int | None = MAX_EDITS) -> WordColumns:
    """Return the detections with texts from the lexicon.

    Detections further than ``max_edits`` from every word are dropped. None drops no detection,
    unless its list is empty.
    """
    nearest = lru_cache(None)(_nearest)
    texts = [
        nearest(text.upper(), lexicon.of(detections.images[image]), max_edits)
        for text, image in zip(detections.texts, detections.image.tolist(), strict=True)
    ]
    rows = [word for word, text in enumerate(texts) if text is not None]
    return _select(replace(detections, texts=[text or "" for text in texts]), rows)


def _nearest(text: str, words: tuple[str, ...], max_edits: int | None) -> str | None:
    if not words:
        return None
    match = process.extractOne(text, words, scorer=Levenshtein.distance, processor=str.upper, score_cutoff=max_edits)
    return None if match is None else str(match[0])


def _select(words: WordColumns, rows: Sequence[int]) -> WordColumns:
    indices = np.array(rows, np.intp)
    lengths = words.polygons.lengths[indices]
    points = np.concatenate([words.polygons[row] for row in rows]) if len(indices) else np.zeros((0, 2))
    return replace(
        words,
        image=words.image[indices],
        polygons=Polygons(points, np.concatenate([[0], np.cumsum(lengths)])),
        texts=[words.texts[row] for row in rows],
        scripts=[words.scripts[row] for row in rows] if len(words.scripts) else (),
        confidences=None if words.confidences is None else words.confidences[indices],
        locations=[words.locations[row] for row in rows] if words.locations else (),
    )


def _read_list(file: Path) -> tuple[str, ...]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not a readable lexicon: {error}") from error
    return tuple(word for line in lines if (word := line.strip()))
