"""Images as they are stored: read whole or refused with a reason, and never turned."""

import contextlib
import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_mutations import KINDS, encoded, mutated
from PIL import Image

from raygroup.errors import ImageError
from raygroup.scenes.images import decode, header

PICTURE = np.kron(np.arange(24, dtype=np.uint8).reshape(4, 6), np.full((5, 5), 10, np.uint8))[..., None].repeat(3, axis=2)
"""(20, 30): patches of gray, different everywhere."""


def test_pixels_are_those_that_were_stored():
    for kind in ("PNG", "BMP", "TIFF"):
        assert np.array_equal(decode(encoded(PICTURE, kind)), PICTURE), kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_image_is_told_by_its_bytes_and_not_by_its_name(kind):
    found = header(encoded(PICTURE, kind))
    assert (found.width, found.height) == (30, 20)
    assert found.kind == kind
    assert decode(encoded(PICTURE, kind)).shape == (20, 30, 3)


def test_an_exif_rotation_is_not_applied_and_is_told():
    turned = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(PICTURE).save(turned, "JPEG", exif=exif, quality=95)
    found = header(turned.getvalue())
    assert (found.width, found.height) == (30, 20)
    assert "orientation 6, not applied" in found.remark
    pixels = decode(turned.getvalue())
    assert pixels.shape == (20, 30, 3)
    assert np.abs(pixels.astype(int) - PICTURE).max() < 40


def test_of_an_animation_the_first_frame_is_taken_and_told():
    film = io.BytesIO()
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (10, 200)]
    frames[0].save(film, "GIF", save_all=True, append_images=frames[1:])
    assert header(film.getvalue()).remark == "2 frames, the first is taken"
    assert decode(film.getvalue()).max() < 50


def test_sixteen_bits_a_channel_become_eight():
    deep = cv2.imencode(".png", np.full((4, 4), 0x8000, np.uint16))[1].tobytes()
    assert decode(deep).dtype == np.uint8
    assert decode(deep)[0, 0, 0] == 128


def test_ink_printed_in_four_colours_becomes_three():
    printed = io.BytesIO()
    Image.new("CMYK", (16, 8), (0, 255, 255, 0)).save(printed, "JPEG", quality=95)
    blue, green, red = decode(printed.getvalue())[4, 8].astype(int)
    assert red > 200
    assert max(blue, green) < 60


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_half_a_jpeg_is_refused(share):
    whole = encoded(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8), "JPEG")
    with pytest.raises(ImageError, match="JPEG without an end"):
        decode(whole[: int(len(whole) * share)])


@pytest.mark.parametrize("side", [11_000, 20_000])
def test_an_image_of_huge_dimensions_is_refused_before_it_is_decoded(side):
    bomb = io.BytesIO()
    Image.new("1", (side, side)).save(bomb, "PNG")
    assert len(bomb.getvalue()) < 100_000
    with pytest.raises(ImageError, match="pixels.* at most 100 million are read"):
        decode(bomb.getvalue())


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"plain text", b"\xff\xd8\xff\xd9", b"%PDF-1.4"])
def test_what_is_no_image_is_refused_with_a_reason(content):
    with pytest.raises(ImageError, match="empty|not an image"):
        decode(content)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_damaged_image_is_read_or_refused(seed):
    with contextlib.suppress(ImageError):
        pixels = decode(mutated(seed))
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3
