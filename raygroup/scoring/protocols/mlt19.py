"""MLT19: task 1 (where words are), 3 (and in which script), 4 (and what they say), as the official scripts of its validation split score.

facts: IoU > 0.5 in file order; a wrong text blocks its word; nothing is stripped, normalised or folded but for upper-casing; a file
with one line that is not of the format refuses the whole submission.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from raygroup.errors import ConfigError, SubmissionError
from raygroup.scoring.archive_entries import read_entries
from raygroup.scoring.line_files import Layout, read_words
from raygroup.scoring.matching import Broken, match
from raygroup.scoring.results import Result, result, verdicts
from raygroup.scoring.word_columns import Annotated

TASKS = (1, 3, 4)
IGNORED = "###"

TRUTH_NAME = r"gt_img_([0-9]+).txt"
SUBMISSION_NAME = r"res_img_([0-9]+).txt"
"""As the official scripts write them: a prefix of the name, in which the point stands for any character."""

FIELDS = {1: ("confidence",), 3: ("confidence", "script"), 4: ("confidence", "text")}
_BROKEN = {1: Broken.IGNORED, 3: Broken.FATAL, 4: Broken.FATAL_OVER_IGNORED}


def read_truths(source: Path, task: int) -> Annotated:
    """Raises ConfigError for what the script of the task refuses; in task 1 words may be counter-clockwise."""
    files = read_entries(source, TRUTH_NAME, strict=False)
    if not files:
        raise ConfigError(f"{source}: no entry called like gt_img_00001.txt")
    words = read_words(files, tuple(files), Layout(("script", "text"), clockwise=task != 1), ConfigError)
    return replace(words, ignored=np.array([text == IGNORED for text in words.texts], np.bool_))


def read_detections(source: Path, truths: Annotated, task: int) -> Annotated:
    """Raises SubmissionError with file and line for what the script of the task refuses; an image without a file has no detections."""
    files = read_entries(source, SUBMISSION_NAME, strict=True, kind=SubmissionError)
    known = set(truths.images)
    for image, file in files.items():
        if image not in known:
            raise SubmissionError(f"{file.place}: the ground truth has no gt_img_{image}.txt (numbers are compared digit by digit)")
    return read_words(files, truths.images, Layout(FIELDS[task], clockwise=task != 1), SubmissionError)


def score(truths: Annotated, detections: Annotated, task: int) -> Result:
    """Raises SubmissionError where the official script of the task dies of the polygons."""
    matching = match(truths, detections, _BROKEN[task], zero_areas=task == 4)
    if task == 4:
        right = verdicts(truths, detections, matching, lambda truth, said: truth.upper() == said.upper())
        exactly = verdicts(truths, detections, matching, lambda truth, said: truth == said)
        return result("mlt19-task4", truths, detections, matching, right, right_exactly=exactly, reads=True, ned=True)
    right = np.ones(len(matching.tried[0]), np.bool_)
    if task == 3:
        pairs = zip(*(side.tolist() for side in matching.tried), strict=True)
        right = np.array([truths.scripts[word] == detections.scripts[each] for word, each in pairs], np.bool_)
    return result(f"mlt19-task{task}", truths, detections, matching, right)
