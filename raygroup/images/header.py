"""Read the header of an image: its size and kind, before its pixels are decoded.

The number of pixels is limited, because a file of 150 kB can hold a picture of 3 GB.
"""

import functools
import io
import re
import warnings
from dataclasses import dataclass
from typing import Any

from PIL import Image, UnidentifiedImageError

from raygroup.errors import ImageError

MAX_PIXELS = 100_000_000
"""Pixels of one image: 300 MB decoded.

The largest photographs of Table 1's data sets have 25 million.
"""
KINDS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000", "AVIF", "SUN")
"""The kinds of images that are read."""

_ALWAYS_EIGHT_BITS = ("JPEG", "MPO", "GIF", "BMP", "WEBP")
_ORIENTATION = 0x0112
_BIT_DEPTH_OF_PNG = 24
_OTHER_KINDS = {
    b"heic": "HEIC", b"heix": "HEIC", b"hevc": "HEIC", b"mif1": "HEIC", b"msf1": "HEIC", b"%PDF": "PDF", b"<svg": "SVG", b"8BPS": "PSD",
    b"\x76\x2f\x31\x01": "OpenEXR", b"#?RA": "Radiance HDR", b"\0\0\1\0": "ICO", b"II\xbc\x01": "JPEG XR", b"\xff\x0a": "JPEG XL",
}  # fmt: skip
"""First bytes, or the brand of an ISO media file -> a kind that is not read."""


@dataclass(frozen=True, slots=True)
class Header:
    """The size and the kind of an image."""

    width: int
    height: int
    kind: str
    """JPEG, PNG, ...: from the bytes, not from the name of the file."""
    remark: str = ""
    """A note for the user: several frames, or a rotation in EXIF."""
    orientation: int = 1
    """EXIF orientation, 1 to 8."""
    has_alpha: bool = False
    """True if pixels may be transparent."""
    may_be_deep: bool = False
    """True if a channel may have more than eight bits."""
    frames: int = 1
    """Frames or pages. Only the first is decoded."""


def read_header(content: bytes) -> Header:
    """Read the header of an encoded image.

    Raises ImageError for bytes that are no image, and for images of more than ``MAX_PIXELS``.
    """
    if not content:
        raise ImageError("the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=_available_kinds()) as image:
                _require_few_pixels(image.width, image.height)
                return _header_of(image, content)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(_too_many_pixels(_pixels_in(error))) from error
    except UnidentifiedImageError as error:
        raise ImageError(_wrong_kind(content)) from error
    except Exception as error:  # a broken header can make Pillow raise anything
        raise ImageError(f"not an image in a supported format ({', '.join(KINDS)}): {error_text(error)}") from error


def error_text(error: BaseException) -> str:
    """Return the text of a decoder's error in one line."""
    return " ".join(str(error).split())[:120] or type(error).__name__


@functools.cache
def _available_kinds() -> list[str]:
    """Return the kinds that this Pillow knows. It knows AVIF since version 11.3."""
    Image.init()
    return [kind for kind in KINDS if kind in Image.OPEN]


def _require_few_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError(_too_many_pixels(f"{width} x {height}"))


def _too_many_pixels(size: str) -> str:
    return f"{size} pixels: at most {MAX_PIXELS // 1_000_000} million are read"


def _pixels_in(error: Image.DecompressionBombError) -> str:
    """Return the number of pixels that Pillow names. It refuses the largest images before their sides can be asked for."""
    number = re.search(r"\d+", str(error))
    return f"{int(number[0]) // 1_000_000:,} million" if number else "too many"


def _header_of(image: Any, content: bytes) -> Header:
    orientation, frames = _orientation(image), getattr(image, "n_frames", 1)
    is_deep_png = image.format == "PNG" and content[_BIT_DEPTH_OF_PNG] > 8
    return Header(
        image.width, image.height, str(image.format), _remark(frames, orientation),
        orientation=orientation, has_alpha=image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info,
        may_be_deep=is_deep_png or image.format not in (*_ALWAYS_EIGHT_BITS, "PNG"), frames=frames,
    )  # fmt: skip


def _orientation(image: Any) -> int:
    # Of a PNG without EXIF in front of its pixels, Pillow would decode all pixels to look behind them.
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    if image.format == "JPEG" and b"Exif" not in image.info.get("exif", b"")[:4]:
        return 1
    orientation = image.getexif().get(_ORIENTATION, 1)
    return orientation if orientation in range(1, 9) else 1


def frames_remark(frames: int) -> str:
    """Return what is said of an image with several frames. Of one frame nothing is."""
    return f"{frames} frames, the first is taken" if frames > 1 else ""


def _remark(frames: int, orientation: int) -> str:
    remarks = [frames_remark(frames)] if frames > 1 else []
    if orientation != 1:
        remarks.append(f"EXIF orientation {orientation}, not applied: polygons refer to the stored pixels")
    return "; ".join(remarks)


def _wrong_kind(content: bytes) -> str:
    start = content[8:12] if content[4:8] == b"ftyp" else content[:4]
    kind = next((kind for sign, kind in _OTHER_KINDS.items() if start.startswith(sign)), "")
    if kind:
        return f"{kind} is not an image in a supported format ({', '.join(KINDS)}): convert it"
    return f"not an image in a supported format ({', '.join(KINDS)})"
