"""ICDAR15 (incidental scene text): end to end and word spotting, as the official script scores them. No confidences.

facts: the matching is MLT19's. Texts are compared upper-cased. A word of the ground truth may lose one special character at each end, in
end-to-end scoring; in word spotting, words that no dictionary would hold are nobody's to find, and the others lose what surrounds them.
"""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from raygroup.errors import ConfigError, SubmissionError
from raygroup.scoring.archive_entries import read_entries
from raygroup.scoring.line_files import Layout, read_words
from raygroup.scoring.matching import Broken, match
from raygroup.scoring.results import Result, result, verdicts
from raygroup.scoring.word_columns import Annotated

IGNORED = "###"
TRUTH_NAME = r"gt_img_([0-9]+).txt"
SUBMISSION_NAME = r"res_img_([0-9]+).txt"

SPECIAL = "!?.:,*\"()·[]/'"
LEAST_LETTERS = 3
"""Of a word that word spotting looks for."""

_QUOTED = re.compile(r'\s*"(.*)"\s*', re.DOTALL)
_LETTERS = re.compile(r"[A-Za-zÀ-ÖØ-öø-ƿǄ-ɿΆ-Ͽ-]+")
"""Letters of words in a dictionary; the signs for times and divided by lie among them and are none."""


def unquoted(text: str) -> str:
    """The official script takes one pair of quotes around a text away, and backslashes before quotes and backslashes in it."""
    match = _QUOTED.fullmatch(text)
    return match[1].replace("\\\\", "\\").replace('\\"', '"') if match else text


LAYOUT = Layout(("text",), byte_order_mark=True, spelling=unquoted)
"""The official ground truth begins its files with a byte-order mark, which the official script (not every port of it) drops."""


def read_truths(source: Path) -> Annotated:
    """Raises ConfigError for what the official script refuses."""
    files = read_entries(source, TRUTH_NAME, strict=False)
    if not files:
        raise ConfigError(f"{source}: no entry called like gt_img_1.txt")
    return with_ignored(read_words(files, tuple(files), LAYOUT, ConfigError))


def read_detections(source: Path, truths: Annotated) -> Annotated:
    """Raises SubmissionError for what the official script refuses; a confidence before the text would be read as part of it."""
    files = read_entries(source, SUBMISSION_NAME, strict=True, kind=SubmissionError)
    for image in files.keys() - set(truths.images):
        raise SubmissionError(f"{files[image].place}: the ground truth has no gt_img_{image}.txt (numbers are compared digit by digit)")
    return read_words(files, truths.images, LAYOUT, SubmissionError)


def with_ignored(words: Annotated) -> Annotated:
    return replace(words, ignored=np.array([text == IGNORED for text in words.texts], np.bool_))


def score(truths: Annotated, detections: Annotated, *, spotting: bool, protocol: str = "icdar15") -> Result:
    """Raises SubmissionError where the official script dies of the polygons."""
    truths = searched_words(truths) if spotting else truths
    matching = match(truths, detections, Broken.FATAL_OVER_IGNORED)
    right = verdicts(truths, detections, matching, same_word if spotting else same_but_for_ends)
    name = f"{protocol}-{'spotting' if spotting else 'e2e'}"
    return result(name, truths, detections, matching, right, reads=True, notes=notes(detections))


def same_word(truth: str, said: str) -> bool:
    return truth.upper() == said.upper()


def same_but_for_ends(truth: str, said: str) -> bool:
    """Whether the detection says the true word, or what is left of it without one special character at either end or both.

    The official script dies of an empty true word next to any other text; here they differ, so that the official ground truth, which
    has three, can be used.
    """
    truth, said = truth.upper(), said.upper()
    if truth == said:
        return True
    first, last = (bool(truth) and truth[end] in SPECIAL for end in (0, -1))
    return (first and truth[1:] == said) or (last and truth[:-1] == said) or (first and last and truth[1:-1] == said)


def searched_words(truths: Annotated) -> Annotated:
    """The ground truth of word spotting: what no dictionary would hold is ignored, other words without signs and endings around them."""
    searched = [None if ignored else searched_word(text) for text, ignored in zip(truths.texts, truths.ignored.tolist(), strict=True)]
    texts = [text if word is None else word for text, word in zip(truths.texts, searched, strict=True)]
    return replace(truths, texts=texts, ignored=np.array([word is None for word in searched], np.bool_))


def searched_word(text: str) -> str | None:
    """What word spotting looks for: at least three letters or hyphens, without ``'s``, hyphens and special characters at the ends;
    None where the word is shorter, has digits or other signs, or special characters within."""
    word = text[:-2] if text.endswith(("'s", "'S")) else text
    word = "".join(" " if sign in SPECIAL else sign for sign in word.strip("-")).strip()
    return word if len(word) >= LEAST_LETTERS and _LETTERS.fullmatch(word) else None


def notes(detections: Annotated) -> tuple[str, ...]:
    """A confidence column is easily taken along from other formats, and makes every text wrong."""
    if len(detections) and all(re.match(r"[01]\.[0-9]+,", text) for text in detections.texts):
        return (f"{detections.place(0)}: every text begins with a number: this protocol has no confidences, and reads them as text",)
    return ()
