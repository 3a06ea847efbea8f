"""raygroup's own label files: ``labels.csv``, ``labels.tsv`` or ``labels.jsonl`` with ``path`` and ``text``."""

import re

from raygroup.words.importing.formats.word_format import WordFormat
from raygroup.words.importing.label_files import LabelFile

OWN_SUFFIXES = (".csv", ".tsv", ".jsonl")
OWN = WordFormat(
    name="raygroup", title="raygroup", pattern=re.compile(r"labels\.(?:csv|tsv|jsonl)"), suffixes=OWN_SUFFIXES, open=LabelFile
)  # fmt: skip
