"""LSVT19: street views of China, lines of text as polygons.

This is the fully labelled part, ``train_full_labels.json``. It names no languages. Illegible lines
are don't-cares. The weakly labelled part is another file and has no polygons.
"""

from raygroup.scenes.formats.json_format import JsonFormat

LSVT19 = JsonFormat(name="lsvt19", title="LSVT19", unit="phrase", has_languages=False)
