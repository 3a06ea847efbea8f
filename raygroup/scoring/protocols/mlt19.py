"""MLT19, tasks 1, 3 and 4.

They are detection, detection and script, and end to end. Scores are those of the official scripts
of its validation split. A match needs IoU > 0.5, and pairs are tried in file order. A wrong text
blocks its word. Texts are not stripped, normalised or folded, except for upper-casing. One line
that does not have the format refuses the whole submission.
"""

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

TASKS = (1, 3, 4)
IGNORED = "###"

TRUTH_NAME = r"gt_img_([0-9]+).txt"
SUBMISSION_NAME = r"res_img_([0-9]+).txt"
"""Expressions of the official scripts: they match the start of a name, and their point matches any
character.
"""

FIELDS = {1: ("confidence",), 3: ("confidence", "script"), 4: ("confidence", "text")}
_BROKEN = {1: BrokenPolygonRule.IGNORED, 3: BrokenPolygonRule.FATAL, 4: BrokenPolygonRule.FATAL_OVER_IGNORED}


def read_truths(source: Path, task: int) -> WordColumns:
    """Read a ground truth.

    In task 1, words may be counter-clockwise. Raises ConfigError for everything that the script of
    the task refuses.
    """
    files = read_entries(source, TRUTH_NAME, strict=False)
    if not files:
        raise ConfigError(f"{source}: no entry called like gt_img_00001.txt")
    words = read_line_files(files, tuple(files), LineFormat(("script", "text"), clockwise=task != 1), ConfigError)
    return replace(words, ignored=np.array([text == IGNORED for text in words.texts], np.bool_))


def read_detections(source: Path, truths: WordColumns, task: int) -> WordColumns:
    """Read a submission.

    An image without a file has no detections. Raises SubmissionError with file and line for
    everything that the script of the task refuses.
    """
    files = read_entries(source, SUBMISSION_NAME, strict=True, kind=SubmissionError, example=truths.images[0])
    images = set(truths.images)
    for image, file in files.items():
        if image not in images:
            raise SubmissionError(f"{file.location}: the ground truth has no gt_img_{image}.txt (numbers are compared digit by digit)")
    return read_line_files(files, truths.images, LineFormat(FIELDS[task], clockwise=task != 1), SubmissionError)


def score(truths: WordColumns, detections: WordColumns, task: int) -> Result:
    """Score detections.

    Raises SubmissionError if the polygons make the official script of the task die.
    """
    matching = match_words(truths, detections, _BROKEN[task], zero_areas=task == 4)
    if task == 4:
        right = verdicts(truths, detections, matching, lambda truth, reading: truth.upper() == reading.upper())
        exactly = verdicts(truths, detections, matching, lambda truth, reading: truth == reading)
        return build_result("mlt19-task4", truths, detections, matching, right, right_exactly=exactly, reads=True, ned=True)
    right = np.ones(len(matching.tried[0]), np.bool_)
    if task == 3:
        pairs = zip(*(side.tolist() for side in matching.tried), strict=True)
        right = np.array([truths.scripts[word] == detections.scripts[each] for word, each in pairs], np.bool_)
    return build_result(f"mlt19-task{task}", truths, detections, matching, right)
