"""The arguments of ``data render``, and the settings that they give."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from raygroup.data.inputs import add_json_argument, parse_characters
from raygroup.errors import ConfigError
from raygroup.files.places import parse_local_path
from raygroup.values import CLUTTER_OBJECTS, COUNT, LARGEST_TEXT, SCENE_SIDE, SCENE_WORDS, SCENES, SEED, SHARE, WORKERS

if TYPE_CHECKING:
    from raygroup.scenes.rendering.settings import SceneSettings
    from raygroup.words.rendering.own_lists import OwnList

_SHARES = {
    "curved": (0.15, "of the blocks of text that run along an arc"),
    "rotated": (0.3, "of the blocks of text that are rotated"),
    "perspective": (0.25, "of the blocks of text that are seen from the side"),
    "vertical": (0.0, "of the Chinese and Japanese blocks that run downwards"),
    "dont-care": (0.1, "of the blocks of text that cannot be read"),
    "clutter": (0.0, "of the scenes with fences, windows, shelves behind the text"),
    "textless": (0.0, "of the scenes without text"),
}
"""Flag -> its default share, and of what."""


def add_render_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all arguments of the subcommand."""
    parser.add_argument("out", type=parse_local_path, metavar="OUT", help="folder of the scenes")
    parser.add_argument("--scenes", type=SCENES.parse, default=100, metavar="N", help="number of scenes (default: 100)")
    parser.add_argument(
        "--layout", default="mlt19", metavar="NAME",
        help="layout of the labels (default: mlt19; mlt-polygons keeps curved words; a wrong name lists all)",
    )  # fmt: skip
    parser.add_argument("--split", choices=("train", "val", "test"), default="train", help="val and test show words never trained on")
    parser.add_argument("--seed", type=SEED.parse, default=0, help="the same seed and settings give the same pixels (default: 0)")
    parser.add_argument("--size", type=SCENE_SIDE.parse_pair("x"), default=(640, 480), metavar="WxH", help="pixels (default: 640x480)")
    _add_word_arguments(parser)
    parser.add_argument(
        "--largest-text", type=LARGEST_TEXT.parse, default=0.15, metavar="SHARE",
        help="largest em, as a share of the shorter side (default: 0.15; as in photographs: 0.5)",
    )  # fmt: skip
    for name, (share, meaning) in _SHARES.items():
        parser.add_argument(f"--{name}", type=SHARE.parse, default=share, metavar="SHARE", help=f"share {meaning} (default: {share:g})")
    parser.add_argument(
        "--clutter-objects", type=CLUTTER_OBJECTS.parse_pair("-"), default=(1, 4), metavar="A-B",
        help="objects in a scene with clutter (default: 1-4)",
    )  # fmt: skip
    parser.add_argument("--backgrounds", type=parse_local_path, metavar="DIR", help="images to write on (default: drawn ones)")
    parser.add_argument("--fonts", type=parse_local_path, metavar="DIR", help="a folder of more fonts")
    parser.add_argument("--zip", action="store_true", help="also pack the scenes into OUT.zip")
    parser.add_argument("--workers", type=WORKERS.parse, metavar="N", help="processes (default: one for each core)")
    add_json_argument(parser)


def _add_word_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--words", type=SCENE_WORDS.parse_pair("-"), default=(5, 15), metavar="A-B", help="words of a scene (default: 5-15)"
    )
    parser.add_argument("--tasks", type=lambda text: tuple(text.split(",")), metavar="ar,bn,...", help="default: all seven")
    parser.add_argument(
        "--characters", type=parse_characters, default=(600, ()), metavar="N|TASK=N,...",
        help="most frequent characters that words may use (default: 600); 600,ja=1500,zh=2000 sets tasks apart",
    )  # fmt: skip
    parser.add_argument("--words-per-task", type=COUNT.parse, default=2000, metavar="N", help="words of each task's list (default: 2000)")
    parser.add_argument("--max-characters", type=COUNT.parse, default=14, metavar="N", help="longest word (default: 14)")
    parser.add_argument(
        "--list", action="append", default=[], metavar="TASK=FILE", help="your words in place of a task's list, one a line; may be repeated"
    )


def scene_settings(options: argparse.Namespace, lists: "Sequence[OwnList]") -> "SceneSettings":
    """Return the settings that the arguments give. ``lists`` are the user's words.

    Raises ConfigError naming a setting whose value is not allowed.
    """
    from raygroup.scenes.rendering.settings import SceneSettings

    tasks = {"tasks": options.tasks} if options.tasks else {}
    settings = SceneSettings(
        width=options.size[0], height=options.size[1], words=options.words, split=options.split, seed=options.seed,
        backgrounds=options.backgrounds, curved=options.curved, rotated=options.rotated, perspective=options.perspective,
        dont_care=options.dont_care, characters=options.characters[0], characters_of_task=options.characters[1],
        words_per_task=options.words_per_task, max_characters=options.max_characters, largest_text=options.largest_text,
        vertical=options.vertical, clutter=options.clutter, clutter_objects=options.clutter_objects, textless=options.textless, **tasks,
    )  # fmt: skip
    for own in lists:
        if own.name not in settings.tasks:
            raise ConfigError(
                f"--list {own.name}={own.file}: scenes have the tasks {', '.join(settings.tasks)}: name the list after one of them"
            )
    return replace(settings, own_words=tuple((own.name, own.words) for own in lists))
