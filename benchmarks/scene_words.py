"""Cut words out of rendered scenes, to stand in for photographs.

The scenes come from the scene renderer, which shares neither grounds, frames nor effects with the renderer of training words. Words are
unseen ones. A cut-out may be upright or rectified, loose or tight. Some are made smaller, flat, noisy or coded as JPEG.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.config import Words
from raygroup.randomness import generator
from raygroup.runtime.stage1.words import LabelledCrops
from raygroup.scenes.rendering.composing import Materials, draw, lay_out
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.tasks import TASKS
from raygroup.trunks import CROP_SIZE
from raygroup.words.crops import fit
from raygroup.words.rendering.fonts import FontFile, can_write, find_fonts, scan_folder
from raygroup.words.rendering.synthesis import draw_pixels, plan_crops
from raygroup.words.rendering.word_lists import word_list

Gray = NDArray[np.uint8]
Fonts = dict[str, tuple[FontFile, ...]]
_LISTED = 4
"""Words to draw from, for each word of a set. No word is in a set twice."""
_MOST_SCENES = 2000


def fonts_in(folder: Path | None, tasks: Sequence[str]) -> Fonts:
    """Return the fonts of a folder that write each task. Without a folder they are the installed ones."""
    if folder is None:
        return {task: find_fonts(task) for task in tasks}
    fonts = scan_folder(folder)
    return {task: tuple(font for font in fonts if can_write(font, TASKS[task])) for task in tasks}


def rendered_words(words: Words, fonts: Fonts, split: str) -> LabelledCrops:
    """Draw a split of the built-in lists with the renderer of training words."""
    orders = [order for order in plan_crops(words) if order.split == split]
    drawn = [(order, draw_pixels(order, words, fonts[order.task])) for order in orders]
    kept = [(fit(crop, *CROP_SIZE), order.text, order.task) for order, crop in drawn if crop is not None]
    crops, labels, tasks = zip(*kept, strict=True)
    return LabelledCrops(np.stack(crops), [*labels], [*tasks])


def scene_words(words: Words, fonts: Fonts, count: int, seed: int) -> tuple[LabelledCrops, list[bool]]:
    """Return ``count`` unseen words of each task, cut out of scenes, and whether each is squeezed to the width of a crop."""
    lists = dict(zip(words.tasks, words.characters, strict=True))
    texts = {task: word_list(task, characters, 0, _LISTED * count, words.max_characters)[1] for task, characters in lists.items()}
    settings = SceneSettings(split="val", tasks=words.tasks, curved=0, rotated=0.25, perspective=0.4, dont_care=0, seed=seed)
    chosen: dict[tuple[str, str], Gray] = {}
    left = dict.fromkeys(words.tasks, count)
    for number in range(1, _MOST_SCENES):
        for task, text, cut in _words_of_scene(settings, Materials(texts, fonts), number):
            if left[task] and (task, text) not in chosen:
                chosen[task, text] = cut
                left[task] -= 1
        if not any(left.values()):
            break
    crops = np.stack([fit(cut, *CROP_SIZE) for cut in chosen.values()])
    squeezed = [cut.shape[1] * CROP_SIZE[0] > cut.shape[0] * CROP_SIZE[1] for cut in chosen.values()]
    return LabelledCrops(crops, [text for _, text in chosen], [task for task, _ in chosen]), squeezed


def _words_of_scene(settings: SceneSettings, materials: Materials, number: int) -> Iterator[tuple[str, str, Gray]]:
    """Yield task, text and cut-out of each word of a scene."""
    blocks = lay_out(settings, materials, number)
    picture = cv2.cvtColor(draw(settings, blocks, number), cv2.COLOR_RGB2GRAY)
    random = generator("scene words", settings.seed, number)
    for placed in blocks:
        for place, (task, text) in enumerate(zip(placed.block.tasks, placed.block.texts, strict=True)):
            cut = _cut(picture, placed.polygon(place).astype(np.float32), random)
            yield task, text, _spoil(cut, random)


def _cut(picture: Gray, polygon: NDArray[np.float32], random: np.random.Generator) -> Gray:
    """Cut a word out of a scene: its four corners rectified, or the upright box around them."""
    low, high = polygon.min(0), polygon.max(0)
    box = np.array([low, (high[0], low[1]), high, (low[0], high[1])], np.float32)
    corners = polygon if random.random() < 0.5 else box
    width = max(float(np.linalg.norm(corners[1] - corners[0])), 4.0)
    height = max(float(np.linalg.norm(corners[3] - corners[0])), 4.0)
    left, top, right, bottom = random.uniform(-0.03, 0.35, 4) * height * random.uniform(0, 1)
    target = np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]], np.float32)
    size = max(int(left + width + right), 4), max(int(top + height + bottom), 4)
    matrix = cv2.getPerspectiveTransform(corners, target)
    return np.asarray(cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _spoil(cut: Gray, random: np.random.Generator) -> Gray:
    """Take away pixels, contrast and sharpness, and add noise and JPEG artefacts, each by chance."""
    height, width = cut.shape
    picture = cut.astype(np.float32)
    if random.random() < 0.4:
        scale = max(random.uniform(0.4, 0.9), min(1.0, 14 / height))
        size = max(round(width * scale), 4), max(round(height * scale), 4)
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)
    if random.random() < 0.3:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), max(0.03 * len(picture) * random.uniform(0.3, 1), 0.3)), np.float32)
    if random.random() < 0.4:
        picture = (picture - 128) * np.float32(random.uniform(0.3, 0.9)) + np.float32(random.uniform(70, 190))
    if random.random() < 0.5:
        picture = picture + np.float32(random.uniform(2, 14)) * random.standard_normal(picture.shape, dtype=np.float32)
    finished = np.asarray(np.clip(picture, 0, 255), np.uint8)
    coded = cv2.imencode(".jpg", finished, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(30, 95))])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
