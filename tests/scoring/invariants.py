"""Invariants of MLT19's scores for any pair of files. Each check raises AssertionError."""

import math
from collections import Counter

from plain_mlt19 import Refused, plain_scores
from scored_files import write_zip

from raygroup.errors import ConfigError
from raygroup.scoring.curve import curve
from raygroup.scoring.protocols import mlt19
from raygroup.scoring.word_outcomes import outcome_rows

CLOSE = 1e-9


def check_pair(task, truth, submission, draw, folder):
    """Run all checks on one pair, texts by entry name, and return whether it was accepted."""
    try:
        plain = plain_scores(task, truth, submission)
    except Refused:
        plain = None
    result, message = scored_or_refused(task, truth, submission, folder)
    if result is None:
        assert plain is None, f"refused, but not by the plain restatement: {message}"
        assert "\n" not in message
        return False
    assert plain is not None, "accepted, but not by the plain restatement"
    same_numbers(result, plain)
    within_bounds(result)
    scripts_sum_to_the_whole(result)
    every_word_has_its_row(result)
    order_of_entries_does_not_matter(task, truth, submission, draw, folder, result)
    a_duplicate_never_raises_precision(task, truth, submission, draw, folder, result)
    fewer_detections_never_find_more(task, truth, submission, draw, folder, result)
    the_curve_agrees_with_cut_submissions(task, truth, submission, draw, folder, result)
    a_perfect_submission_scores_one(task, truth, folder)
    return True


def scored_or_refused(task, truth, submission, folder):
    """Return the result, or None with the message of the refusal."""
    try:
        return score(task, truth, submission, folder), ""
    except ConfigError as error:
        return None, str(error)


def score(task, truth, submission, folder):
    truths = mlt19.read_truths(write_zip(folder / "gt.zip", truth), task)
    return mlt19.score(truths, mlt19.read_detections(write_zip(folder / "sub.zip", submission), truths, task), task)


def same_numbers(result, plain):
    for scores, key in ((result.scores, "upper"), (result.case_sensitive, "exact")):
        if scores is not None:
            numbers = (scores.precision, scores.recall, scores.hmean, scores.one_minus_ned)
            assert all(math.isclose(a, b, abs_tol=CLOSE) for a, b in zip(numbers, plain[key], strict=True) if a is not None), (
                numbers,
                plain[key],
            )
    low, high = plain["ap"]
    assert low - CLOSE <= result.scores.ap <= high + CLOSE


def within_bounds(result):
    upper, exact = result.scores, result.case_sensitive
    for scores in (upper, exact or upper):
        assert all(0 <= value <= 1 for value in (scores.precision, scores.recall, scores.hmean))
        assert 0 <= scores.ap <= 1 + CLOSE
        assert min(scores.precision, scores.recall) <= scores.hmean + CLOSE
        assert scores.one_minus_ned is None or scores.one_minus_ned <= 1
    if exact is not None:
        assert upper.precision >= exact.precision
        assert upper.recall >= exact.recall
        assert upper.ap >= exact.ap - CLOSE


def scripts_sum_to_the_whole(result):
    for name in ("words", "found", "correct"):
        assert sum(getattr(each, name) for each in result.scripts.values()) == getattr(result.counts, name)


def every_word_has_its_row(result):
    outcomes = Counter(row["outcome"] for row in outcome_rows(result))
    num = result.counts
    assert outcomes["correct"] == num.correct
    assert outcomes["correct"] + outcomes["misread"] == num.found
    assert outcomes["missed"] == num.words - num.found
    assert outcomes["false"] == num.detections - num.found
    assert outcomes["ignored"] == num.ignored_words + num.ignored_detections


def order_of_entries_does_not_matter(task, truth, submission, draw, folder, result):
    again = score(task, shuffled(truth, draw), shuffled(submission, draw), folder)
    assert (again.scores, again.case_sensitive, again.counts, again.scripts) == (
        result.scores, result.case_sensitive, result.counts, result.scripts,
    )  # fmt: skip


def a_duplicate_never_raises_precision(task, truth, submission, draw, folder, result):
    """Repeat a detection that fits at most one word. One that fits two words may find the second."""
    tries = Counter(result.matching.tried[1].tolist())
    candidates = [number for number in range(len(result.detections)) if tries[number] <= 1]
    if candidates:
        name, number = entry_of(result, draw.choice(candidates))
        line = submission[name].split("\n")[number - 1]
        again = score(task, truth, {**submission, name: submission[name] + "\n" + line}, folder)
        assert again.scores.precision <= result.scores.precision
        assert again.scores.recall == result.scores.recall


def fewer_detections_never_find_more(task, truth, submission, draw, folder, result):
    """Leave out one detection. More words may be right, because a wrong reading is gone, but no more words are found."""
    if len(result.detections):
        name, number = entry_of(result, draw.randrange(len(result.detections)))
        lines = submission[name].split("\n")
        again = score(task, truth, {**submission, name: "\n".join(lines[: number - 1] + lines[number:])}, folder)
        assert again.counts.found <= result.counts.found
        if task == 1:
            assert again.scores.recall <= result.scores.recall


def the_curve_agrees_with_cut_submissions(task, truth, submission, draw, folder, result):
    points = curve(result)
    if len(points.threshold):
        point = draw.randrange(len(points.threshold))
        remaining = {
            name: "\n".join(line for line in text.split("\n") if confidence(line) >= points.threshold[point])
            for name, text in submission.items()
        }
        cut = score(task, truth, remaining, folder).scores
        assert (cut.precision, cut.recall, cut.hmean) == (points.precision[point], points.recall[point], points.hmean[point])


def a_perfect_submission_scores_one(task, truth, folder):
    """Hand in the ground truth itself, without don't-care words and words that have no area."""
    lines_by_name = {}
    for name, text in truth.items():
        lines_by_name[name] = [line for line in text.split("\n") if line and not line.endswith(",###") and has_area(line)]
    submission = {name.replace("gt_", "res_"): "\n".join(map(DETECTION[task], lines)) for name, lines in lines_by_name.items()}
    result = score(task, {name: "\n".join(lines) for name, lines in lines_by_name.items()}, submission, folder)
    if result.counts.words:
        assert result.scores.hmean == 1
        assert math.isclose(result.scores.ap, 1)
        assert result.scores.one_minus_ned in (None, 1)


def has_area(line):
    """Return whether a polygon is convex with an area, by the cross products at all corners."""
    values = list(map(int, line.split(",")[:8]))
    points = list(zip(values[::2], values[1::2], strict=True))
    corners = zip(points, points[1:] + points[:1], points[2:] + points[:2], strict=True)
    return all((bx - ax) * (cy - by) - (by - ay) * (cx - bx) > 0 for (ax, ay), (bx, by), (cx, cy) in corners)


DETECTION = {
    1: lambda line: ",".join([*line.split(",")[:8], "1.0"]),
    3: lambda line: ",".join([*line.split(",")[:8], "1.0", line.split(",")[8]]),
    4: lambda line: ",".join([*line.split(",")[:8], "1.0", *line.split(",")[9:]]),
}
"""Returns a line of the ground truth as a line of a submission."""


def entry_of(result, detection):
    """Return (name of the entry, line)."""
    file, _, line = result.detections.location(detection).rpartition(":")
    return file.rpartition("/")[2], int(line)


def confidence(line):
    return float(line.split(",")[8]) if line.strip() else 2.0


def shuffled(files, draw):
    names = list(files)
    draw.shuffle(names)
    return {name: files[name] for name in names}
