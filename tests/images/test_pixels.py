"""Images are read completely or refused with a reason, and never rotated."""

import contextlib
import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_mutations import KINDS, damage, encode
from PIL import Image

from raygroup.errors import ImageError
from raygroup.images.header import Header, read_header
from raygroup.images.pixels import decode, turn_points_upright, turn_upright

PICTURE = np.kron(np.arange(24, dtype=np.uint8).reshape(4, 6), np.full((5, 5), 10, np.uint8))[..., None].repeat(3, axis=2)
"""(20, 30): a grid of patches, each in another gray."""


def test_decoding_returns_the_stored_pixels():
    for kind in ("PNG", "BMP", "TIFF"):
        assert np.array_equal(decode(encode(PICTURE, kind)), PICTURE), kind


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_of_an_image_is_recognised_from_its_bytes(kind):
    header = read_header(encode(PICTURE, kind))
    assert (header.width, header.height) == (30, 20)
    assert header.kind == kind
    assert decode(encode(PICTURE, kind)).shape == (20, 30, 3)


def test_an_exif_rotation_is_reported_but_not_applied():
    turned = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(PICTURE).save(turned, "JPEG", exif=exif, quality=95)
    header = read_header(turned.getvalue())
    assert (header.width, header.height) == (30, 20)
    assert "orientation 6, not applied" in header.remark
    pixels = decode(turned.getvalue())
    assert pixels.shape == (20, 30, 3)
    assert np.abs(pixels.astype(int) - PICTURE).max() < 40


def test_the_first_frame_of_an_animation_is_used_and_reported():
    film = io.BytesIO()
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (10, 200)]
    frames[0].save(film, "GIF", save_all=True, append_images=frames[1:])
    assert read_header(film.getvalue()).remark == "2 frames, the first is taken"
    assert decode(film.getvalue()).max() < 50


def test_sixteen_bits_per_channel_become_eight():
    deep = cv2.imencode(".png", np.full((4, 4), 0x8000, np.uint16))[1].tobytes()
    assert decode(deep).dtype == np.uint8
    assert decode(deep)[0, 0, 0] == 128


def test_cmyk_images_become_three_channels():
    printed = io.BytesIO()
    Image.new("CMYK", (16, 8), (0, 255, 255, 0)).save(printed, "JPEG", quality=95)
    blue, green, red = decode(printed.getvalue())[4, 8].astype(int)
    assert red > 200
    assert max(blue, green) < 60


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_jpeg_is_refused(share):
    complete = encode(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8), "JPEG")
    with pytest.raises(ImageError, match="JPEG without an end"):
        decode(complete[: int(len(complete) * share)])


@pytest.mark.parametrize("side", [11_000, 20_000])
def test_an_image_with_too_many_pixels_is_refused_before_decoding(side):
    bomb = io.BytesIO()
    Image.new("1", (side, side)).save(bomb, "PNG")
    assert len(bomb.getvalue()) < 100_000
    with pytest.raises(ImageError, match="pixels.* at most 100 million are read"):
        decode(bomb.getvalue())


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"plain text", b"\xff\xd8\xff\xd9", b"%PDF-1.4"])
def test_bytes_that_are_not_an_image_are_refused_with_a_reason(content):
    with pytest.raises(ImageError, match="empty|not an image"):
        decode(content)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_damaged_image_is_read_or_refused(seed):
    with contextlib.suppress(ImageError):
        pixels = decode(damage(seed))
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_points_turn_with_their_pixels(orientation):
    stored = np.zeros((6, 10), np.uint8)
    stored[1:3, 2:7] = 1
    header = Header(10, 6, "JPEG", orientation=orientation)
    corners = turn_points_upright(np.array([[2.0, 1.0], [7.0, 3.0]]), header)
    (left, top), (right, bottom) = corners.min(0).astype(int), corners.max(0).astype(int)
    upright = turn_upright(stored, orientation)
    assert upright[top:bottom, left:right].all()
    assert upright.sum() == (bottom - top) * (right - left)
