"""Layouts of one label file an image and one line a word."""

import math
from collections.abc import Callable, Iterable

import numpy as np

from raygroup.scenes.formats.script_names import MLT19_OF_TASK
from raygroup.scenes.layouts.layout import Files, Layout
from raygroup.scenes.layouts.page import Page, as_file, box, corners, flat, quad, rectangle, script, text
from raygroup.scenes.scene import Instance

_QUADS = "corners beyond four: a curved word is told by the smallest rectangle around it"
_NO_SCRIPTS = "scripts"


def _mlt_stem(page: Page) -> str:
    return f"{'tr' if page.is_train else 'gt'}_img_{page.number:05}"


def _mlt_image(page: Page) -> str:
    return f"images/{'tr_' if page.is_train else ''}img_{page.number:05}{page.suffix}"


def _image(page: Page) -> str:
    return f"images/img_{page.number}{page.suffix}"


def _scripted(page: Page, instance: Instance) -> str:
    return f"{flat(quad(page, instance))},{script(instance)},{text(instance)}"


def _per_image(name: Callable[[Page], str], line: Callable[[Page, Instance], str]) -> Callable[[Page], Files]:
    """One plain file an image."""

    def labels(page: Page) -> Files:
        yield name(page), as_file(line(page, instance) for instance in page.instances)

    return labels


MLT19 = Layout(
    name="mlt19", title="MLT19", loses=_QUADS, image=_mlt_image,
    labels=_per_image(lambda page: f"gt/{_mlt_stem(page)}.txt", _scripted),
)  # fmt: skip

MLT_POLYGONS = Layout(
    name="mlt-polygons", title="MLT19 with polygons", loses="nothing", image=_mlt_image,
    labels=_per_image(
        lambda page: f"gt/{_mlt_stem(page)}.txt",
        lambda page, instance: f"{flat(corners(page, instance))},{script(instance)},{text(instance)}",
    ),
)  # fmt: skip

MLT17 = Layout(
    name="mlt17", title="MLT17", loses=_QUADS, image=_image,
    labels=_per_image(lambda page: f"gt/gt_img_{page.number}.txt", _scripted),
)  # fmt: skip


def _icdar13(page: Page) -> Files:
    """Blanks between the fields of training files, commas and blanks between those of test files; quotes and backslashes escaped. The
    set has no don't-cares: they are left out."""
    between = " " if page.is_train else ", "
    lines = []
    for instance in page.instances:
        if not instance.dont_care:
            quoted = text(instance).replace("\\", "\\\\").replace('"', '\\"')
            lines.append(between.join([*map(str, box(corners(page, instance))), f'"{quoted}"']))
    yield f"gt/gt_img_{page.number}.txt", as_file(lines, "\r\n")


def _icdar15(page: Page) -> Files:
    """Training files begin with a byte-order mark; lines end in CR LF."""
    lines = (f"{flat(quad(page, instance))},{text(instance)}" for instance in page.instances)
    yield f"gt/gt_img_{page.number}.txt", as_file(lines, "\r\n", mark=page.is_train)


def _rctw17(page: Page, instance: Instance) -> str:
    return f'{flat(quad(page, instance))},{int(instance.dont_care)},"{text(instance)}"'


ICDAR13 = Layout(
    name="icdar13", title="ICDAR13", image=_image, labels=_icdar13, loses="all but the upright box around a word, don't-cares, scripts"
)
ICDAR15 = Layout(name="icdar15", title="ICDAR15", image=_image, labels=_icdar15, loses=f"{_QUADS}; {_NO_SCRIPTS}")
RCTW17 = Layout(
    name="rctw17", title="RCTW17", loses=f"{_QUADS}; {_NO_SCRIPTS}", image=lambda page: f"images/image_{page.number}{page.suffix}",
    labels=_per_image(lambda page: f"gt/image_{page.number}.txt", _rctw17),
)  # fmt: skip


def _synth_folder(page: Page) -> str:
    """SynthTextMLT keeps images by language: that of most words."""
    scripts = [script(instance) for instance in page.instances if script(instance) in MLT19_OF_TASK.values()]
    return max(sorted(set(scripts)), key=scripts.count, default="Latin")


def _synth_image(page: Page) -> str:
    return f"{_synth_folder(page)}/{page.number:06}{page.suffix}"


def _centred(page: Page, instance: Instance) -> str:
    """``class x y width height angle text``: the centre by the image's size, the sides by its diagonal, the angle in radians, clockwise
    as seen."""
    turned = rectangle(page, instance)
    (x, y), across, down = turned.mean(axis=0), turned[1] - turned[0], turned[3] - turned[0]
    diagonal = math.hypot(page.width, page.height)
    numbers = (x / page.width, y / page.height, np.hypot(*across) / diagonal, np.hypot(*down) / diagonal, math.atan2(across[1], across[0]))
    return " ".join(["0", *(f"{number:.6f}" for number in numbers), text(instance)])


def _with_fractions(page: Page, instance: Instance) -> str:
    return f"{flat(quad(page, instance).astype(np.float64))},{script(instance)},{text(instance)}"


def _hindi_to_keep(pages: Iterable[Page]) -> Files:
    """The list of Hindi images with good labels, without which readers leave Hindi out: all of ours."""
    hindi = [page for page in pages if any(script(instance) == "Hindi" for instance in page.instances)]
    yield "Hindi_keep.list", as_file(_synth_image(page).split("/")[1] for page in hindi)


SYNTHTEXT_MLT = Layout(
    name="synthtextmlt", title="SynthTextMLT", image=_synth_image,
    labels=_per_image(lambda page: f"{_synth_folder(page)}/{page.number:06}.txt", _centred), whole=_hindi_to_keep,
    loses="all but the turned rectangle around a word, to some thousandths of a pixel; scripts but for the folder's",
)  # fmt: skip
SYNTHTEXT_MLT_GT = Layout(
    name="synthtextmlt-gt", title="SynthTextMLT, labels in MLT's layout", loses=_QUADS, image=_synth_image,
    labels=_per_image(lambda page: f"{_synth_folder(page)}_gt/{page.number:06}.txt", _with_fractions), whole=_hindi_to_keep,
)  # fmt: skip
