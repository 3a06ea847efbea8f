"""Tell the encoding of a label file by its byte-order mark.

Files without a mark are UTF-8. Editors that save as "Unicode" write UTF-16 with a mark.
"""

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the mark of UTF-16, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def split_mark(content: bytes) -> tuple[str, bytes]:
    """Return the codec of a label file, and its content without the byte-order mark."""
    for mark, codec in _MARKS:
        if content.startswith(mark):
            return codec, content[len(mark) :]
    return "utf-8", content
