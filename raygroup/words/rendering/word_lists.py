"""Real words to render: the frequent words of a language, filtered by script, capped in characters, with the forms scenes show."""

import itertools
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import wordfreq

from raygroup.randomness import generator
from raygroup.tasks import TASKS, Task
from raygroup.words.labels import normalise
from raygroup.words.word_store import split_of

_DEPTH = 20_000
"""How far down a frequency list words are taken from."""
_JOINED = {"zh": (2, 5), "ja": (2, 6), "ko": (2, 5)}
"""wordfreq splits these languages into tokens shorter than words in scenes: least and most characters of a joined word."""
_SIGNS = {"ar": "\u0640\u064b\u064e\u064f\u0650\u0651"}
"""Tatweel and harakat: scene labels hold them, word lists never do."""
_SIGN_SHARE = 0.05
_NUMBER_SHARE = 0.04
_PUNCTUATED_SHARE = 0.04
_DIGITS = "0123456789"
PUNCTUATION = "!%&()+,-./:?"


def characters_of(task: str, count: int) -> frozenset[str]:
    """The ``count`` most frequent letters of a task, weighted by the rank of the words that hold them; for a script with cases,
    pairs of them."""
    weights: Counter[str] = Counter()
    for rank, word in enumerate(_frequent(task)):
        for letter in word:
            weights[letter] += 1 / (rank + 10)  # type: ignore[assignment]
    ordered = sorted(weights, key=lambda letter: (-weights[letter], letter))
    chosen: dict[str, None] = {}
    for letter in ordered:
        forms = [form for form in dict.fromkeys((letter, letter.upper())) if len(form) == 1]
        if len(chosen) + len(forms) <= count:
            chosen.update(dict.fromkeys(forms))
    return frozenset(chosen)


def word_list(task: str, characters: int, words: int, unseen: int, max_characters: int) -> tuple[list[str], list[str]]:
    """``words`` words to train on and ``unseen`` ones never trained on, the most frequent first.

    A word is unseen by a fixed property of its letters, whatever its case and punctuation, so every list of the same character cap,
    however long, agrees on it; a longer list begins with the shorter one. (At another cap another few Arabic words get a haraka or
    tatweel, and a word is another one with it.) Fewer are returned where the language has no more within the character cap.
    """
    allowed = characters_of(task, characters)
    kept: dict[str, list[str]] = {"train": [], "unseen": []}
    wanted = {"train": words, "unseen": unseen}
    known = set()
    for number, word in enumerate(_candidates(TASKS[task], allowed)):
        if number > 40 * (words + unseen) + 10_000 or all(len(kept[split]) >= wanted[split] for split in kept):
            break
        form = normalise(_as_in_scenes(TASKS[task], word, allowed, generator("form", task, number)))
        split = split_of(word if word.casefold() in form.casefold() else form)
        if 0 < len(form) <= max_characters and form not in known and len(kept[split]) < wanted[split]:
            kept[split].append(form)
            known.add(form)
    return kept["train"], kept["unseen"]


@lru_cache(None)
def _frequent(task: str) -> tuple[str, ...]:
    """Frequent words made of the task's letters alone; the languages of one task take turns, rank by rank."""
    known = TASKS[task]
    lists = [wordfreq.top_n_list(language, _DEPTH) for language in known.word_lists]
    taking_turns = (word for ranked in itertools.zip_longest(*lists) for word in ranked if word)
    return tuple(dict.fromkeys(word for word in map(normalise, taking_turns) if word and all(map(known.has_letter, word))))


def _candidates(task: Task, allowed: frozenset[str]) -> Iterator[str]:
    tokens = [word for word in _frequent(task.name) if set(word) <= allowed]
    if task.name not in _JOINED:
        yield from tokens
        return
    shortest, longest = _JOINED[task.name]
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


def _as_in_scenes(task: Task, word: str, allowed: frozenset[str], random: np.random.Generator) -> str:
    """Case forms, digits, punctuation and Arabic signs, which lower-cased frequency lists lack."""
    chance = random.random()
    if chance < _NUMBER_SHARE:
        return _number(random)
    cased = random.random()
    if cased < 0.4:
        word = _within(word[:1].upper() + word[1:], word, allowed)
    elif cased < 0.7:
        word = _within(word.upper(), word, allowed)
    if task.name in _SIGNS and random.random() < _SIGN_SHARE and len(word) > 2:
        place = int(random.integers(1, len(word)))
        word = word[:place] + str(random.choice(list(_SIGNS[task.name]))) + word[place:]
    if chance < _NUMBER_SHARE + _PUNCTUATED_SHARE:
        word = str(random.choice([f"{word}!", f"{word}.", f"{word},", f"({word})", f"{word}?", f"{word}:"]))
    return word


def _within(form: str, word: str, allowed: frozenset[str]) -> str:
    return form if set(form) <= allowed else word


def _number(random: np.random.Generator) -> str:
    """A price, a time, a date, a share, a telephone number: what scenes hold besides words."""
    digits = "".join(random.choice(list(_DIGITS), 8))
    patterns = ("{0}.{1}{2}", "{0}{1}:{2}{3}", "{0}{1}/{2}{3}", "{0}{1}%", "{0}{1}{2}-{3}{4}{5}{6}", "20{0}{1}", "{0}{1}{2}", "+{0}{1}")
    return str(random.choice(patterns)).format(*digits)
