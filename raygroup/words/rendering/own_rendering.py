"""Render the word lists of a user, alone or beside the built-in ones."""

from collections.abc import Sequence
from pathlib import Path

from raygroup.config import RECIPE_VERSION, Words
from raygroup.config_sections import fingerprint, require, result_fields
from raygroup.errors import ConfigError, first_names
from raygroup.randomness import generator
from raygroup.words.rendering.fonts import FontFile, find_fonts, fonts_fingerprint
from raygroup.words.rendering.own_lists import OwnList
from raygroup.words.rendering.synthesis import CropOrder, Rendering, drawing_versions
from raygroup.words.word_store import split_of

_MAX_NAMED = 3
"""Most font families that a line names."""


def plan_own_rendering(lists: Sequence[OwnList], words: Words, folder: Path | None) -> Rendering:
    """Return the rendering of lists, with the sizes, counts and seed of ``words``. ``folder`` holds more fonts.

    Raises ConfigError if no font can write a list, and for settings that only the built-in lists have.
    """
    for name, is_plain in {"parts": not words.parts, "words_per_task": isinstance(words.words_per_task, int)}.items():
        right = "empty with word lists of your own" if name == "parts" else "one number with word lists of your own"
        require(is_plain, f"words.{name}", getattr(words, name), right)
    fonts = {each.name: find_fonts(each.task, folder) for each in lists}
    orders = [order for each in lists for order in plan_list_crops(each, words)]
    hashes = [_list_fingerprint(each, fonts[each.name]) for each in lists]
    return Rendering(
        orders=orders, words=words, fonts=fonts, tasks={each.name: each.task for each in lists},
        fingerprint=fingerprint(RECIPE_VERSION, result_fields(words), hashes, drawing_versions()),
    )  # fmt: skip


def join_renderings(one: Rendering, other: Rendering) -> Rendering:
    """Return a rendering of both. Raises ConfigError if they have a task in common."""
    both = sorted(one.tasks.keys() & other.tasks.keys())
    if both:
        raise ConfigError(f"--list {both[0]}: {both[0]} is rendered from the built-in list too; leave it out of one, or name it otherwise")
    return Rendering(
        orders=one.orders + other.orders, words=other.words, fonts={**one.fonts, **other.fonts}, tasks={**one.tasks, **other.tasks},
        fingerprint=fingerprint(one.fingerprint, other.fingerprint),
    )  # fmt: skip


def plan_list_crops(own: OwnList, words: Words) -> list[CropOrder]:
    """List every crop of a list, as ``synthesis.plan_crops`` does for the built-in ones.

    If the list has more words than the settings ask for, it is sampled, always in the same way. So a list in alphabetical order is
    fine. A word is unseen by the rule that holds for all words (``word_store.split_of``). Words longer than ``words.max_characters``
    are left out: ``list_lines`` counts them.
    """
    by_split: dict[str, list[str]] = {"train": [], "unseen": []}
    for place in generator("own word list", own.name).permutation(len(own.words)):
        word = own.words[place]
        if len(word) <= words.max_characters:
            by_split[split_of(word)].append(word)
    train, unseen = by_split["train"][: max(words.words_of.values())], by_split["unseen"][: words.unseen_per_task]
    return [
        *(CropOrder(own.name, text, "train", number) for text in train for number in range(words.renders)),
        *(CropOrder(own.name, text, "new", words.renders) for text in train),
        *(CropOrder(own.name, text, "unseen", 0) for text in unseen),
    ]


def _too_long(own: OwnList, words: Words) -> int:
    """Count the words of a list that are longer than ``words.max_characters``."""
    return sum(len(word) > words.max_characters for word in own.words)


def _list_fingerprint(own: OwnList, fonts: tuple[FontFile, ...]) -> list[object]:
    """Return all that the crops of a list depend on, besides the settings: its task, words and fonts."""
    task = own.task
    return [task.name, task.script, task.language, task.direction, "\n".join(own.words), fonts_fingerprint(fonts)]


def list_lines(lists: Sequence[OwnList], rendering: Rendering) -> list[str]:
    """Return the lines for the user on each list: its words, what is dropped, and its fonts."""
    lines = []
    for each in lists:
        families = first_names(sorted({font.family for font in rendering.fonts[each.name]}), _MAX_NAMED)
        lines.append(f"{each.name}: {len(each.words)} words in {each.task.title} script; fonts: {families}")
        dropped = each.dropped | {f"longer than {rendering.words.max_characters} characters": _too_long(each, rendering.words)}
        lines += [f"  {count} dropped, {reason}" for reason, count in dropped.items() if count]
        if len(families) < 2:
            lines.append("  one font family: heads may learn the font instead of the script; --fonts FOLDER adds more")
    return lines
