"""List real words to render.

They are the frequent words of a language in the letters of its task. Some get capitals, digits or
punctuation, as words in scenes have.
"""

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import wordfreq

from raygroup.randomness import generator
from raygroup.tasks import TASKS, Task
from raygroup.words.labels import normalise
from raygroup.words.word_store import split_of

_LIST_LENGTH = 20_000
"""Number of words read from the top of a frequency list."""
_JOINED_LENGTHS = {"zh": (2, 5), "ja": (2, 6), "ko": (2, 5)}
"""Least and most characters of a word in languages without spaces.

wordfreq splits these languages into tokens that are shorter than words in scenes, so tokens are
joined.
"""
_SIGNS = {"ar": "\u0640\u064b\u064e\u064f\u0650\u0651"}
"""Tatweel and harakat. Scene labels have them, and word lists never do."""
_SIGN_SHARE = 0.05
_NUMBER_SHARE = 0.04
_PUNCTUATED_SHARE = 0.04
_DIGITS = "0123456789"
PUNCTUATION = "!%&()+,-./:?"


@lru_cache(None)
def characters_of(task: str, count: int) -> frozenset[str]:
    """Return the ``count`` most frequent letters of a task.

    A letter weighs more in a more frequent word. A script with cases gives pairs of letters.
    """
    weights: Counter[str] = Counter()
    for rank, word in enumerate(_frequent_words(task)):
        for letter in word:
            weights[letter] += 1 / (rank + 10)  # type: ignore[assignment]
    ordered = sorted(weights, key=lambda letter: (-weights[letter], letter))
    chosen: dict[str, None] = {}
    for letter in ordered:
        forms = [form for form in dict.fromkeys((letter, letter.upper())) if len(form) == 1]
        if len(chosen) + len(forms) <= count:
            chosen.update(dict.fromkeys(forms))
    return frozenset(chosen)


@dataclass(frozen=True)
class ListedWords:
    """The words of one task."""

    train: list[str]
    unseen: list[str]


def word_list(task: str, characters: int, words: int, unseen: int, max_characters: int) -> tuple[list[str], list[str]]:
    """Return ``words`` training words and ``unseen`` unseen words, the most frequent first.

    ``characters`` caps the letters that they use. A word is unseen by a fixed property of its
    letters, whatever its case and punctuation. All lists with the same cap agree on it, and a longer
    list begins with the shorter one. With another cap, other Arabic words get a haraka or tatweel,
    and this makes a different word. Fewer words are returned if the language has no more within the
    cap.
    """
    (listed,) = deal_words(task, characters, (words,), unseen, max_characters)
    return listed.train, listed.unseen


def deal_words(language: str, characters: int, words: Sequence[int], unseen: int, max_characters: int) -> list[ListedWords]:
    """Deal the words of a language to parts, each with its own number of training ``words``.

    A word's part is a fixed property of its letters, as its split is, whatever its case and punctuation. So the parts share no word, and
    other counts move none. With one part this is ``word_list``.
    """
    allowed, task = characters_of(language, characters), TASKS[language]
    parts = [ListedWords([], []) for _ in words]
    waiting = {(part, split): count for part, number in enumerate(words) for split, count in (("train", number), ("unseen", unseen))}
    most, listed = 40 * (sum(words) + len(words) * unseen) + 10_000, set()
    for number, word in enumerate(_candidates(task, allowed)):
        if number > most or not any(waiting.values()):
            break
        form = normalise(_scene_form(task, word, allowed, generator("form", language, number)))
        # Punctuation must not move a word to the other split. A number is a word of its own, and so is
        # a word with a sign inside.
        stem = word if word.casefold() in form.casefold() else form
        part, split = part_of(stem, len(words)), split_of(stem)
        if 0 < len(form) <= max_characters and form not in listed and waiting[part, split]:
            (parts[part].train if split == "train" else parts[part].unseen).append(form)
            waiting[part, split] -= 1
            listed.add(form)
    return parts


def part_of(label: str, parts: int) -> int:
    """Return the part of a word, from 0. It is a fixed property of the word, whatever its case."""
    digest = hashlib.sha256(f"part {label.casefold()}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest) % parts


@lru_cache(None)
def _frequent_words(task: str) -> tuple[str, ...]:
    """Return frequent words made of the task's letters alone.

    The languages of a task take turns, rank by rank.
    """
    known = TASKS[task]
    lists = [wordfreq.top_n_list(language, _LIST_LENGTH) for language in known.word_lists]
    by_rank = (word for words in itertools.zip_longest(*lists) for word in words if word)
    words = [word for word in map(normalise, by_rank) if word]
    letters = set(filter(known.has_letter, set().union(*words)))
    return tuple(dict.fromkeys(word for word in words if letters.issuperset(word)))


def _candidates(task: Task, allowed: frozenset[str]) -> Iterator[str]:
    """Yield words of the allowed letters, the most frequent first.

    Languages without spaces have no list of words. Their tokens are drawn by rank and joined,
    without end.
    """
    tokens = [word for word in _frequent_words(task.name) if set(word) <= allowed]
    if task.name not in _JOINED_LENGTHS:
        yield from tokens
        return
    shortest, longest = _JOINED_LENGTHS[task.name]
    ranks = 1 / (np.arange(len(tokens)) + 20.0)
    cumulative = np.cumsum(ranks / ranks.sum())
    for number in itertools.count():
        random = generator("join", task.name, number)
        length = int(random.integers(shortest, longest + 1))
        word = ""
        for place in np.searchsorted(cumulative, random.random(8)):
            if len(word) + len(tokens[place]) <= length:
                word += tokens[place]
        yield word


def _scene_form(task: Task, word: str, allowed: frozenset[str], random: np.random.Generator) -> str:
    """Return a word in a form that scenes show.

    Sometimes it is a number instead. Frequency lists are in lower case. They lack capitals, digits,
    punctuation and Arabic signs.
    """
    chance = random.random()
    if chance < _NUMBER_SHARE:
        return _number(random)
    cased = random.random()
    if cased < 0.4:
        word = _form_if_allowed(word[:1].upper() + word[1:], word, allowed)
    elif cased < 0.7:
        word = _form_if_allowed(word.upper(), word, allowed)
    if task.name in _SIGNS and random.random() < _SIGN_SHARE and len(word) > 2:
        place = int(random.integers(1, len(word)))
        word = word[:place] + str(random.choice(list(_SIGNS[task.name]))) + word[place:]
    if chance < _NUMBER_SHARE + _PUNCTUATED_SHARE:
        word = str(random.choice([f"{word}!", f"{word}.", f"{word},", f"({word})", f"{word}?", f"{word}:"]))
    return word


def _form_if_allowed(form: str, word: str, allowed: frozenset[str]) -> str:
    return form if set(form) <= allowed else word


def _number(random: np.random.Generator) -> str:
    """Return a price, a time, a date, a percentage or a telephone number."""
    digits = "".join(random.choice(list(_DIGITS), 8))
    patterns = ("{0}.{1}{2}", "{0}{1}:{2}{3}", "{0}{1}/{2}{3}", "{0}{1}%", "{0}{1}{2}-{3}{4}{5}{6}", "20{0}{1}", "{0}{1}{2}", "+{0}{1}")
    return str(random.choice(patterns)).format(*digits)
