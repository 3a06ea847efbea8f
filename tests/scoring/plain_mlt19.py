"""The MLT19 scripts, written again from the facts without regard to speed: one loop, one shapely call a pair."""

import re

import shapely
from rapidfuzz.distance import Levenshtein

SCRIPT = "(Arabic|Latin|Chinese|Japanese|Korean|Bangla|Hindi|Symbols|Mixed|None)"
COORDINATES = r"\s*(-?[0-9]+)\s*," * 8
CONFIDENCE = r"\s*([0-1].?[0-9]*)\s*"
TRUTH = re.compile(COORDINATES + rf"\s*{SCRIPT}\s*,(.*)")
DETECTION = {
    1: re.compile(COORDINATES + CONFIDENCE),
    3: re.compile(COORDINATES + CONFIDENCE + rf",\s*{SCRIPT}\s*"),
    4: re.compile(COORDINATES + CONFIDENCE + ",(.*)"),
}


class Refused(Exception):
    """The official script raises or dies."""


def plain_scores(task, truth_files, submission_files):
    """Return the numbers of one pair of files, as texts by entry name.

    ``ap`` is the range that ties allow. Raises Refused if the script raises or dies.
    """
    truths = numbered("gt_img_([0-9]+).txt", truth_files, strict=False)
    detection_files = numbered("res_img_([0-9]+).txt", submission_files, strict=True)
    if detection_files.keys() - truths.keys():
        raise Refused("image")
    sums = {"words": 0, "detections": 0, "correct": 0, "exact": 0, "distance": 0.0, "distance_upper": 0.0, "compared": 0}
    ranked = []
    parsed = {image: rows(text, TRUTH, task) for image, text in truths.items()}
    detected = {image: rows(text, DETECTION[task], task) for image, text in detection_files.items()}
    for image, words in parsed.items():
        one_image(task, words, detected.get(image, []), sums, ranked)
    return numbers(sums, ranked)


def numbered(pattern, files, strict):
    numbered_files = {}
    for name, text in files.items():
        match = re.match(pattern, name)
        if match:
            numbered_files[match[1]] = text
        elif strict:
            raise Refused(name)
    return numbered_files


def rows(text, pattern, task):
    """Return (polygon, other fields) of each line."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if text.startswith("\ufeff"):
        raise Refused("BOM")
    parsed = []
    for line in text.replace("\r", "").split("\n"):
        if line:
            match = pattern.fullmatch(line)
            if not match:
                raise Refused(line)
            points = [(int(match[i]), int(match[i + 1])) for i in range(1, 9, 2)]
            after = points[1:] + points[:1]
            if task != 1 and sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in zip(points, after, strict=True)) > 0:
                raise Refused("counter-clockwise")
            if max(abs(value) for point in points for value in point) >= 2**31:
                raise Refused("32 bits")
            if pattern is not TRUTH:
                try:
                    float(match[9])
                except ValueError:
                    raise Refused("confidence") from None
            parsed.append((shapely.Polygon(points), match.groups()[8:]))
    return parsed


def shared(one, other):
    try:
        return one.intersection(other).area
    except shapely.errors.GEOSException:
        return None


def one_image(task, truths, detections, sums, ranked):
    ignored = [number for number, (_, (_, text)) in enumerate(truths) if text == "###"]
    over = set()
    for place, (polygon, _) in enumerate(detections):
        for number in ignored:
            area = shared(truths[number][0], polygon)
            if area is None and truths[number][0].is_valid and task != 1:
                raise Refused("AssertionError")
            if polygon.area and (area or 0) / polygon.area > 0.5:
                over.add(place)
                break
    fits = [[iou(task, truth, polygon) > 0.5 for polygon, _ in detections] for truth, _ in truths]
    free, correct, pairs = set(range(len(detections))) - over, set(), []
    for number, (_, (script, text)) in enumerate(truths):
        place = next((place for place in sorted(free) if fits[number][place]), None) if number not in ignored else None
        if place is not None:
            free.discard(place)
            reading = detections[place][1][-1]
            pairs.append((text, reading))
            right = {1: True, 3: script == reading, 4: text.upper() == reading.upper()}[task]
            sums["exact"] += text == reading
            if right:
                correct.add(place)
    words, others = len(truths) - len(ignored), len(detections) - len(over)
    sums["words"] += words
    sums["detections"] += others
    sums["correct"] += len(correct)
    unmatched = words + others - 2 * len(pairs)
    sums["compared"] += len(pairs) + unmatched
    for key, form in (("distance", str), ("distance_upper", str.upper)):
        sums[key] += unmatched + sum(Levenshtein.distance(form(a), form(b)) / max(len(a), len(b), 1) for a, b in pairs)
    ranked += [(float(detections[place][1][0]), place in correct) for place in range(len(detections)) if place not in over]


def iou(task, truth, polygon):
    area = shared(truth, polygon)
    if area is None:
        if task == 3 and truth.is_valid:
            raise Refused("AssertionError")
        return 0
    union = truth.area + polygon.area - area
    if union == 0:
        if task != 4:
            raise Refused("ZeroDivisionError")
        return 0
    return area / union


def numbers(sums, ranked):
    def rates(correct):
        precision = correct / sums["detections"] if sums["detections"] else 0
        recall = correct / sums["words"] if sums["words"] else 0
        return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0

    ned = [1 - sums[key] / sums["compared"] if sums["compared"] else 0 for key in ("distance_upper", "distance")]
    return {
        "upper": (*rates(sums["correct"]), ned[0]),
        "exact": (*rates(sums["exact"]), ned[1]),
        "ap": [average_precision(ranked, sums["words"], luck) for luck in (False, True)],
    }


def average_precision(ranked, words, luck):
    """Return the average precision of ranked detections.

    Of equal confidences, the right detections come first with ``luck``, and last without it.
    """
    right, total = 0, 0.0
    for place, (_, correct) in enumerate(sorted(ranked, key=lambda each: (-each[0], each[1] != luck)), 1):
        if correct:
            right += 1
            total += right / place
    return total / words if words else total
