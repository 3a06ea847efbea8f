"""Tell the Unicode script of a character. A script that no task of raygroup knows is a task of its own.

The name of such a task is the script's value of Unicode's Script property in lower case: ``thai``,
``cyrillic``, ``old_italic``.
"""

import functools
from typing import Any

from raygroup.tasks import TASKS, find_task, is_shared

NO_SCRIPT = frozenset({"Common", "Inherited", "Unknown"})
"""Values of the Script property that belong to no script. Such characters never decide a task."""

_NAMES = """
Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi
Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian Coptic Cuneiform
Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic
Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew
Hiragana Imperial_Aramaic Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li
Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani
Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive
Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu
Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian
Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician
Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo
Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan
Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square
"""
SCRIPTS = tuple(_NAMES.split())
"""The scripts of Unicode 15.1. The property's other values are those of ``NO_SCRIPT``."""
_TRIED_FIRST = ("Common", "Han", "Hangul", "Latin", "Inherited", "Cyrillic", "Arabic", "Thai")
"""Scripts with many characters or many users. Trying a script takes about a microsecond."""


@functools.cache
def script_of(character: str) -> str:
    """Return the Script property of a character, such as ``Thai``.

    It is one of ``SCRIPTS`` or of ``NO_SCRIPT``. A script that is newer than Unicode 15.1 is ``Unknown``.
    """
    match = _script_pattern().match(character)
    return match.lastgroup if match else "Unknown"


@functools.cache
def script_of_task(task: str) -> str | None:
    """Return the script of a task that is named after it. None for every other task.

    The scripts of ``TASKS`` name no task: ``la`` is the task of Latin.
    """
    return {script.lower(): script for script in SCRIPTS if script not in _scripts_of_tasks()}.get(task)


def script_task(character: str) -> str | None:
    """Return the task that is named after a character's script, or None.

    A character of no script has none, and neither has one of a script of ``TASKS``.
    """
    task = script_of(character).lower()
    return task if script_of_task(task) else None


def has_letter(task: str, character: str) -> bool:
    """Test if a character belongs to a task. Shared digits and punctuation belong to none.

    A script task has the characters of its script. A task that raygroup does not know has no letters
    here. Only the user's words could tell them.
    """
    known = find_task(task)
    if known:
        return known.has_letter(character)
    script = script_of_task(task)
    return script is not None and script_of(character) == script


def can_spell(task: str, character: str) -> bool:
    """Test if a task can spell a character: a letter of its own, or a sign that all tasks share.

    A task that raygroup does not know spells nothing here.
    """
    return has_letter(task, character) or (knows_letters(task) and is_shared(character))


def knows_letters(task: str) -> bool:
    """Test if raygroup knows the letters of a task, from ``TASKS`` or by its script."""
    return find_task(task) is not None or script_of_task(task) is not None


@functools.cache
def _scripts_of_tasks() -> frozenset[str]:
    """Return the scripts that the tasks of raygroup write."""
    return frozenset(script_of(letter) for task in TASKS.values() for letter in task.probe) - NO_SCRIPT


@functools.cache
def _script_pattern() -> Any:
    """Return a pattern with one named group for each script."""
    import regex

    names = dict.fromkeys((*_TRIED_FIRST, *SCRIPTS))
    return regex.compile("|".join(rf"(?P<{name}>\p{{Script={name}}})" for name in names))
