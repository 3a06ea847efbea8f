"""Choose the words of rendered scenes: from the built-in lists, or from the user's."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from raygroup.randomness import generator
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.words.rendering.fonts import FontFile, code_points
from raygroup.words.rendering.word_lists import word_list
from raygroup.words.word_store import split_of


def words_of_task(settings: SceneSettings, task: str, fonts: Sequence[FontFile]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the words of a task in the split of the settings, at most ``words_per_task``.

    Also returns reason -> number of the user's words that scenes cannot show.
    """
    own = dict(settings.own_words).get(task)
    if own is None:
        return _built_in_words(settings, task), {}
    return _own_words(own, settings, fonts)


@lru_cache(64)
def _built_in_words(settings: SceneSettings, task: str) -> tuple[str, ...]:
    is_train = settings.split == "train"
    counts = (settings.words_per_task, 0) if is_train else (0, settings.words_per_task)
    train, unseen = word_list(task, settings.characters_for(task), *counts, settings.max_characters)
    return tuple(train if is_train else unseen)


def _own_words(own: Sequence[str], settings: SceneSettings, fonts: Sequence[FontFile]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the user's words that scenes can show.

    A word needs one font with all its characters. A list with more words than the settings ask for is sampled, always in the same way.
    """
    covered = [code_points(font.path, font.index) for font in fonts]
    dropped: Counter[str] = Counter()
    words = []
    for place in generator("own word list of scenes").permutation(len(own)).tolist():
        word = own[place]
        if len(word) > settings.max_characters:
            dropped[f"longer than {settings.max_characters} characters"] += 1
        elif not any(points.issuperset(map(ord, word)) for points in covered):
            dropped["with a character that no font has"] += 1
        elif (split_of(word) == "train") == (settings.split == "train"):
            words.append(word)
    if len(words) > settings.words_per_task:
        dropped[f"beyond the {settings.words_per_task} words of a task"] = len(words) - settings.words_per_task
    return tuple(words[: settings.words_per_task]), dict(dropped)
