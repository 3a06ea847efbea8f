"""Random ground truths and submissions, full of cases that evaluators get wrong.

They have overlaps near one half, twins, don't-care words, Unicode and bad lines.
"""

SCRIPTS = ("Arabic", "Latin", "Chinese", "Japanese", "Korean", "Bangla", "Hindi", "Symbols", "Mixed", "None")
TEXTS = (
    "word", "Word", "WORD", "wörd", "wo\u0308rd", "straße", "STRASSE", "ﬁn", "FIN", "σς", "ΣΣ", " trail", "trail ", "1,234", "25,30", "###",
    "### ", "مرحبا", "ابحرم", "東京", "东京", "Ａ", "A", "য়", "\u09af\u09bc", "", '"quoted"', "a\tb", "zw\u200b", "x" * 30,
)  # fmt: skip
CONFIDENCES = ("0.5", "0.5", "0.5000", "0.9", "1.0", "0", "1", "0.1234", "0.9999")
BAD_LINES = (
    "1,2,3,4",
    "0,0,9,0,9,9,0,9,1e-05,a",
    "0,0,9,0,9,9,0,9,.5,Latin",
    "0,9,9,9,9,0,0,0,0.5,Latin",
    "0.0,0,9,0,9,9,0,9,0.5",
    "nonsense",
)


def random_pair(task, draw):
    """Return the files of a ground truth and of a submission, by entry name.

    ``draw`` is a random.Random. About a quarter of the pairs is refused.
    """
    numbers = [f"{draw.choice(['', '0000'])}{n}" for n in range(1, draw.randint(1, 4) + 1)]
    truths = {number: [word(draw) for _ in range(draw.randint(0, 8))] for number in numbers}
    detected = {number: detections(draw, words, task) for number, words in truths.items() if draw.random() < 0.9}
    if draw.random() < 0.02:
        detected["77"] = []
    truth_files = {
        f"gt_img_{number}.txt": "\n".join(f"{box(quad)},{script},{text}" for quad, script, text in truths[number]) for number in numbers
    }
    files = {f"res_img_{number}.txt": draw.choice(["\n", "\r\n", "\n\n"]).join(lines) for number, lines in detected.items()}
    if draw.random() < 0.02:
        files["notes.txt"] = ""
    return truth_files, files


def word(draw):
    return quadrilateral(draw), draw.choice(SCRIPTS), "###" if draw.random() < 0.2 else draw.choice(TEXTS)


def quadrilateral(draw):
    """Return corners that are small and on a grid, so that halves, twins and touching sides are common.

    Some polygons are turned, some cross themselves, some are lines.
    """
    x, y, w, h = (
        draw.randint(0, 8) * 10,
        draw.randint(0, 4) * 10,
        draw.choice([10, 20, 40, 41]),
        draw.choice([10, 20, 21]) * (draw.random() > 0.02),
    )
    shear = draw.choice([0, 0, 0, 2, 7, -5])
    corners = [(x, y), (x + w, y + shear), (x + w - shear, y + h + shear), (x - shear, y + h)]
    return [corners[0], corners[2], corners[1], corners[3]] if draw.random() < 0.01 else corners


def moved(draw, quad):
    """Return a detection of a word: the word itself, shifted, or about one half."""
    kind = draw.random()
    if kind < 0.4:
        return quad
    if kind < 0.8:
        return [(x + draw.randint(-4, 4), y + draw.randint(-3, 3)) for x, y in quad]
    (x, y), (right, top), (far, bottom), last = quad
    middle = (x + right) // 2 + draw.randint(0, 1)
    return [(x, y), (middle, top), (middle + far - right, bottom), last]


def detections(draw, words, task):
    lines = []
    for quad, script, text in words:
        for _ in range(draw.choice([0, 1, 1, 1, 2])):
            reading = draw.choice([text, text, text.upper(), draw.choice(TEXTS)])
            lines.append(detection(draw, moved(draw, quad), draw.choice([script, script, draw.choice(SCRIPTS)]), reading, task))
    lines += [detection(draw, quadrilateral(draw), draw.choice(SCRIPTS), draw.choice(TEXTS), task) for _ in range(draw.randint(0, 2))]
    draw.shuffle(lines)
    return lines + [draw.choice(BAD_LINES)] * (draw.random() < 0.01)


def detection(draw, quad, script, text, task):
    rest = {1: "", 3: f",{script}", 4: f",{text}"}[task]
    return f"{box(quad)},{draw.choice(CONFIDENCES)}{rest}"


def box(quad):
    return ",".join(f"{x},{y}" for x, y in quad)
