"""Tesseract, which knows nothing of raygroup, reads the rendered words."""

import os
import shutil
import subprocess

import cv2
import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from raygroup.randomness import generator
from raygroup.tasks import TASKS
from raygroup.words.labels import normalise
from raygroup.words.rendering.fonts import find_fonts
from raygroup.words.rendering.shaping import ink, nominal_ink
from raygroup.words.rendering.word_lists import PUNCTUATION, word_list

MODELS = {"ar": "ara", "bn": "ben", "zh": "chi_sim", "hi": "hin", "ja": "jpn", "ko": "kor", "la": "eng"}
FLOORS = {"ar": 0.90, "hi": 0.90}
OTHERS = 0.95
NUM_WORDS = 40


def installed_models():
    if not shutil.which("tesseract"):
        return frozenset()
    return frozenset(subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=True).stdout.split())


MISSING = sorted(set(MODELS.values()) - installed_models())
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"tesseract lacks {', '.join(MISSING)}; Debian: tesseract-ocr-<model>"),
]


def plain_words(task):
    """Return words of the task's letters alone.

    Latin words are in ASCII, the alphabet of their model.
    """
    train, _ = word_list(task, 60 if task not in {"zh", "ja", "ko"} else 300, 600, 0, 10)
    spelled = [word for word in train if len(word) > 1 and all(map(TASKS[task].has_letter, word))]
    return [word for word in spelled if task != "la" or word.isascii()][:NUM_WORDS]


def one_minus_ned(task, folder, draw):
    """Return the mean over words of 1 - edit distance / length.

    The words are black on white, at 64 pixels per em.
    """
    words, fonts = plain_words(task), find_fonts(task)
    paths = []
    for number, word in enumerate(words):
        picture = draw(word, fonts[generator("font", word).integers(len(fonts))])
        page = cv2.copyMakeBorder(255 - picture, 24, 24, 24, 24, cv2.BORDER_CONSTANT, value=255)
        paths.append(folder / f"{number}.png")
        cv2.imwrite(str(paths[-1]), page)
    (folder / "list.txt").write_text("\n".join(map(str, paths)))
    command = ["tesseract", str(folder / "list.txt"), "-", "--psm", "8", "-l", MODELS[task]]
    output = subprocess.run(command, capture_output=True, check=True, env=os.environ | {"OMP_THREAD_LIMIT": "1"}).stdout.decode()
    readings = [normalise(page).replace(" ", "").strip(PUNCTUATION + "،。'\"‘’“”|") for page in output.split("\f")][: len(words)]
    return float(np.mean([Levenshtein.normalized_similarity(word, reading) for word, reading in zip(words, readings, strict=True)]))


@pytest.mark.parametrize("task", TASKS)
def test_tesseract_reads_the_words_of_every_script(task, tmp_path):
    assert one_minus_ned(task, tmp_path, lambda word, font: ink(word, font, task, 64)[0]) >= FLOORS.get(task, OTHERS)


def test_tesseract_cannot_read_arabic_in_the_wrong_direction(tmp_path):
    """This control shows that the floor of the test above means something."""
    assert one_minus_ned("ar", tmp_path, lambda word, font: nominal_ink(word[::-1], font, "ar", 64)) < 0.5
