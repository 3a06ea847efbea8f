"""Images as they are stored: what their headers say, and their pixels, within bounds and before any EXIF rotation.

Polygons refer to the stored pixels, so a rotation that EXIF asks for is applied to neither.
"""

import io
import warnings
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raygroup.errors import ImageError

Pixels = NDArray[np.uint8]
"""(height, width, 3), blue first."""

MAX_PIXELS = 100_000_000
"""Of one image: 300 MB decoded. The largest photographs of Table 1's data sets have 25 million."""
_SEEN = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
_END_OF_JPEG = b"\xff\xd9"
_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class Header:
    """What an image says of itself."""

    width: int
    height: int
    kind: str
    """JPEG, PNG, ...: what the bytes are, whatever the name of the file says."""
    remark: str = ""
    """What a reader should know: more frames than one, a rotation in EXIF."""


def header(content: bytes) -> Header:
    """Of an encoded image; raises ImageError for bytes that are none, and for more than ``MAX_PIXELS``."""
    if not content:
        raise ImageError("the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=_SEEN) as image:
                found = Header(image.width, image.height, str(image.format), _remark(image))
    except Image.DecompressionBombError as error:
        raise ImageError(f"too many pixels, at most {MAX_PIXELS // 1_000_000} million are read: {_said(error)}") from error
    except Exception as error:  # Pillow's readers raise whatever a broken header leads them to
        raise ImageError(f"not an image of a kind that is read ({', '.join(_SEEN)}): {_said(error)}") from error
    if found.width * found.height > MAX_PIXELS:
        raise ImageError(f"{found.width} x {found.height} pixels: at most {MAX_PIXELS // 1_000_000} million are read")
    return found


def decode(content: bytes, known: Header | None = None) -> Pixels:
    """The stored pixels in colour, eight bits a channel, the first frame of several; raises ImageError for what cannot be read whole."""
    found = known or header(content)
    if found.kind == "JPEG" and _END_OF_JPEG not in content[-1024:]:
        _require_whole(content)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what it would print is in the error
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise ImageError(f"{found.kind} of {found.width} x {found.height} pixels that cannot be decoded: {_said(error)}") from error
    if pixels is None or pixels.shape[:2] != (found.height, found.width):
        pixels = _by_pillow(content)
    return np.asarray(pixels, np.uint8)


def _require_whole(content: bytes) -> None:
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
    except Exception as error:
        raise ImageError(f"JPEG without an end: {_said(error)}") from error


def _by_pillow(content: bytes) -> Pixels:
    """What OpenCV does not read, such as some GIFs."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=_SEEN) as image:
                return np.asarray(image.convert("RGB"), np.uint8)[..., ::-1]
    except Exception as error:
        raise ImageError(f"cannot be decoded: {_said(error)}") from error


def _remark(image: Image.Image) -> str:
    frames = getattr(image, "n_frames", 1)
    said = [f"{frames} frames, the first is taken"] if frames > 1 else []
    if image.format == "JPEG" and b"Exif" not in image.info.get("exif", b"")[:4]:
        return "; ".join(said)
    turn = image.getexif().get(_ORIENTATION, 1)
    if turn not in (0, 1):
        said.append(f"EXIF orientation {turn}, not applied: polygons refer to the stored pixels")
    return "; ".join(said)


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
