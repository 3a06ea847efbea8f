"""Write layouts with one label file per image.

A file has one line per word.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np

from raygroup.scenes.formats.script_names import MLT19_OF_TASK
from raygroup.scenes.layouts.layout import Files, Layout
from raygroup.scenes.layouts.page import Page, box, corners, encode_lines, join_coordinates, quad, rectangle, script_name, transcription
from raygroup.scenes.scene import Instance

_QUADS = "corners beyond four: a curved word becomes the smallest rectangle around it"
_NO_SCRIPTS = "scripts"


def _mlt_stem(page: Page) -> str:
    return f"{'tr' if page.is_train else 'gt'}_img_{page.number:05}"


def _mlt_image_name(page: Page) -> str:
    return f"images/{'tr_' if page.is_train else ''}img_{page.number:05}{page.suffix}"


def _image_name(page: Page) -> str:
    return f"images/img_{page.number}{page.suffix}"


def _with_script(page: Page, instance: Instance) -> str:
    return f"{join_coordinates(quad(page, instance))},{script_name(instance)},{transcription(instance)}"


def _per_image(name: Callable[[Page], str], line: Callable[[Page, Instance], str]) -> Callable[[Page], Files]:
    """Return a function that yields an image's label file."""

    def labels(page: Page) -> Files:
        yield name(page), encode_lines(line(page, instance) for instance in page.instances)

    return labels


MLT19 = Layout(
    name="mlt19", title="MLT19", loses=_QUADS, image_name=_mlt_image_name,
    labels=_per_image(lambda page: f"gt/{_mlt_stem(page)}.txt", _with_script),
)  # fmt: skip

MLT_POLYGONS = Layout(
    name="mlt-polygons", title="MLT19 with polygons", loses="nothing", image_name=_mlt_image_name,
    labels=_per_image(
        lambda page: f"gt/{_mlt_stem(page)}.txt",
        lambda page, instance: f"{join_coordinates(corners(page, instance))},{script_name(instance)},{transcription(instance)}",
    ),
)  # fmt: skip

MLT17 = Layout(
    name="mlt17", title="MLT17", loses=_QUADS, image_name=_image_name,
    labels=_per_image(lambda page: f"gt/gt_img_{page.number}.txt", _with_script),
)  # fmt: skip


def _icdar13(page: Page) -> Files:
    """Yield a label file of ICDAR13.

    Training files separate fields by blanks, test files by commas and blanks. Quotes and
    backslashes are escaped. The data set has no don't-cares, so they are left out.
    """
    separator = " " if page.is_train else ", "
    lines = []
    for instance in page.instances:
        if not instance.dont_care:
            escaped = transcription(instance).replace("\\", "\\\\").replace('"', '\\"')
            lines.append(separator.join([*map(str, box(corners(page, instance))), f'"{escaped}"']))
    yield f"gt/gt_img_{page.number}.txt", encode_lines(lines, "\r\n")


def _icdar15(page: Page) -> Files:
    """Yield a label file of ICDAR15.

    Lines end in CR LF. Training files begin with a byte-order mark.
    """
    lines = (f"{join_coordinates(quad(page, instance))},{transcription(instance)}" for instance in page.instances)
    yield f"gt/gt_img_{page.number}.txt", encode_lines(lines, "\r\n", mark=page.is_train)


def _rctw17(page: Page, instance: Instance) -> str:
    return f'{join_coordinates(quad(page, instance))},{int(instance.dont_care)},"{transcription(instance)}"'


ICDAR13 = Layout(
    name="icdar13", title="ICDAR13", image_name=_image_name, labels=_icdar13,
    loses="all but the upright box around a word, don't-cares, scripts",
)  # fmt: skip
ICDAR15 = Layout(name="icdar15", title="ICDAR15", image_name=_image_name, labels=_icdar15, loses=f"{_QUADS}; {_NO_SCRIPTS}")
RCTW17 = Layout(
    name="rctw17", title="RCTW17", loses=f"{_QUADS}; {_NO_SCRIPTS}", image_name=lambda page: f"images/image_{page.number}{page.suffix}",
    labels=_per_image(lambda page: f"gt/image_{page.number}.txt", _rctw17),
)  # fmt: skip


def _synth_folder(page: Page) -> str:
    """Return the language of most words of an image.

    SynthTextMLT keeps the images of each language in a folder.
    """
    scripts = [script_name(instance) for instance in page.instances if script_name(instance) in MLT19_OF_TASK.values()]
    return max(sorted(set(scripts)), key=scripts.count, default="Latin")


def _synth_image_name(page: Page) -> str:
    return f"{_synth_folder(page)}/{page.number:06}{page.suffix}"


def _centre_and_sides(page: Page, instance: Instance) -> str:
    """Return ``class x y width height angle text``.

    The centre is divided by the image's size, the sides by its diagonal. The angle is in radians,
    clockwise as seen.
    """
    turned = rectangle(page, instance)
    (x, y), across, down = turned.mean(axis=0), turned[1] - turned[0], turned[3] - turned[0]
    diagonal = math.hypot(page.width, page.height)
    numbers = (x / page.width, y / page.height, np.hypot(*across) / diagonal, np.hypot(*down) / diagonal, math.atan2(across[1], across[0]))
    return " ".join(["0", *(f"{number:.6f}" for number in numbers), transcription(instance)])


def _with_fractions(page: Page, instance: Instance) -> str:
    return f"{join_coordinates(quad(page, instance).astype(np.float64))},{script_name(instance)},{transcription(instance)}"


def _hindi_keep_list(pages: Iterable[Page]) -> Files:
    """Yield the list of Hindi images with good labels.

    It names all Hindi images, because rendered labels are good. Without the list, readers leave
    Hindi images out.
    """
    hindi = [page for page in pages if any(script_name(instance) == "Hindi" for instance in page.instances)]
    yield "Hindi_keep.list", encode_lines(_synth_image_name(page).split("/")[1] for page in hindi)


SYNTHTEXT_MLT = Layout(
    name="synthtextmlt", title="SynthTextMLT", image_name=_synth_image_name,
    labels=_per_image(lambda page: f"{_synth_folder(page)}/{page.number:06}.txt", _centre_and_sides), shared_files=_hindi_keep_list,
    loses="all but the rotated rectangle around a word, to a few thousandths of a pixel; scripts except the folder's",
)  # fmt: skip
SYNTHTEXT_MLT_GT = Layout(
    name="synthtextmlt-gt", title="SynthTextMLT, labels in MLT's layout", loses=_QUADS, image_name=_synth_image_name,
    labels=_per_image(lambda page: f"{_synth_folder(page)}_gt/{page.number:06}.txt", _with_fractions), shared_files=_hindi_keep_list,
)  # fmt: skip
