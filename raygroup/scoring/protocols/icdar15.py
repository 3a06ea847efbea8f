"""ICDAR15 (incidental scene text), end to end and word spotting.

Scores are those of the official script. There are no confidences. The matching is MLT19's, and
texts are compared upper-cased. End to end, a detection may leave out one special character at each
end of a true word. In word spotting, words that no dictionary would hold are don't-care words, and
the others lose the signs and endings around them.
"""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from raygroup.errors import ConfigError, SubmissionError
from raygroup.scoring.archive_entries import read_entries
from raygroup.scoring.line_files import read_line_files
from raygroup.scoring.line_format import LineFormat
from raygroup.scoring.matching import BrokenPolygonRule, match_words
from raygroup.scoring.results import Result, build_result, verdicts
from raygroup.scoring.word_columns import WordColumns

IGNORED = "###"
TRUTH_NAME = r"gt_img_([0-9]+).txt"
SUBMISSION_NAME = r"res_img_([0-9]+).txt"

SPECIAL = "!?.:,*\"()·[]/'"
LEAST_LETTERS = 3
"""Letters that a word must have for word spotting."""

_QUOTED = re.compile(r'\s*"(.*)"\s*', re.DOTALL)
_LETTERS = re.compile(r"[A-Za-zÀ-ÖØ-öø-ƿǄ-ɿΆ-Ͽ-]+")
"""Letters of dictionary words.

The signs for times and divided by lie between them and are left out.
"""


def unquote(text: str) -> str:
    """Remove one pair of quotes around a text.

    Inside it, backslashes before quotes and backslashes are removed too. The official script does
    the same.
    """
    match = _QUOTED.fullmatch(text)
    return match[1].replace("\\\\", "\\").replace('\\"', '"') if match else text


LINE_FORMAT = LineFormat(("text",), byte_order_mark=True, spelling=unquote)
"""The official ground truth begins its files with a byte-order mark, which the official script (not
every port of it) drops.
"""


def read_truths(source: Path) -> WordColumns:
    """Read a ground truth. Raises ConfigError for everything that the official script refuses."""
    files = read_entries(source, TRUTH_NAME, strict=False)
    if not files:
        raise ConfigError(f"{source}: no entry called like gt_img_1.txt")
    return with_ignored(read_line_files(files, tuple(files), LINE_FORMAT, ConfigError))


def read_detections(source: Path, truths: WordColumns) -> WordColumns:
    """Read a submission.

    A confidence before the text would be read as part of the text. Raises SubmissionError for
    everything that the official script refuses.
    """
    files = read_entries(source, SUBMISSION_NAME, strict=True, kind=SubmissionError, example=truths.images[0])
    for image in files.keys() - set(truths.images):
        raise SubmissionError(f"{files[image].location}: the ground truth has no gt_img_{image}.txt (numbers are compared digit by digit)")
    return read_line_files(files, truths.images, LINE_FORMAT, SubmissionError)


def with_ignored(words: WordColumns) -> WordColumns:
    """Return the words with ``###`` marked as don't-care."""
    return replace(words, ignored=np.array([text == IGNORED for text in words.texts], np.bool_))


def score(truths: WordColumns, detections: WordColumns, *, spotting: bool, protocol: str = "icdar15") -> Result:
    """Score detections. Raises SubmissionError if the polygons make the official script die."""
    truths = searched_words(truths) if spotting else truths
    matching = match_words(truths, detections, BrokenPolygonRule.FATAL_OVER_IGNORED)
    right = verdicts(truths, detections, matching, is_same_word if spotting else is_same_but_for_ends)
    name = f"{protocol}-{'spotting' if spotting else 'e2e'}"
    return build_result(name, truths, detections, matching, right, reads=True, notes=notes(detections))


def is_same_word(truth: str, reading: str) -> bool:
    """Return whether both texts are equal in upper case."""
    return truth.upper() == reading.upper()


def is_same_but_for_ends(truth: str, reading: str) -> bool:
    """Return whether the reading is the true word.

    It may leave out one special character at each end. The official script dies of an empty true
    word next to any other text. Here the two differ, so that the official ground truth, which has
    three empty words, can be used.
    """
    truth, reading = truth.upper(), reading.upper()
    if truth == reading:
        return True
    first, last = (bool(truth) and truth[end] in SPECIAL for end in (0, -1))
    return (first and truth[1:] == reading) or (last and truth[:-1] == reading) or (first and last and truth[1:-1] == reading)


def searched_words(truths: WordColumns) -> WordColumns:
    """Return the ground truth of word spotting.

    Words that no dictionary would hold are ignored. Other words lose the signs and endings around
    them.
    """
    searched = [None if ignored else searched_word(text) for text, ignored in zip(truths.texts, truths.ignored.tolist(), strict=True)]
    texts = [text if word is None else word for text, word in zip(truths.texts, searched, strict=True)]
    return replace(truths, texts=texts, ignored=np.array([word is None for word in searched], np.bool_))


def searched_word(text: str) -> str | None:
    """Return the part of a word that word spotting searches.

    None means that it does not search the word. ``'s``, hyphens and special characters at the ends
    are cut off. The rest must have at least three letters or hyphens, and no digits, other signs or
    special characters.
    """
    word = text[:-2] if text.endswith(("'s", "'S")) else text
    word = "".join(" " if sign in SPECIAL else sign for sign in word.strip("-")).strip()
    return word if len(word) >= LEAST_LETTERS and _LETTERS.fullmatch(word) else None


def notes(detections: WordColumns) -> tuple[str, ...]:
    """Return a note if every text seems to begin with a confidence.

    Other formats have a confidence column. It is easily left in, and makes every text wrong.
    """
    if len(detections) and all(re.match(r"[01]\.[0-9]+,", text) for text in detections.texts):
        return (f"{detections.location(0)}: every text begins with a number: this protocol has no confidences, and reads them as text",)
    return ()
