"""Transparent and deep images show their text, in gray for words and in colour for scenes."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from raygroup.errors import ImageError
from raygroup.images.pixels import decode, decode_gray

TEXT = np.zeros((8, 16), bool)
TEXT[2:6, 3:13] = True


def encode(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def transparent(gray, kind, mode="RGBA"):
    """Return an image of a gray text on transparent pixels. Black lies under these."""
    pixels = np.zeros((*TEXT.shape, 4), np.uint8)
    pixels[TEXT] = (gray, gray, gray, 255)
    options = {"lossless": True} if kind == "WEBP" else {}
    return encode(Image.fromarray(pixels).convert(mode), kind, **options)


def png(pixels):
    return cv2.imencode(".png", pixels)[1].tobytes()


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("PNG", "LA"), ("WEBP", "RGBA"), ("TIFF", "RGBA"), ("GIF", "RGBA")])
def test_black_text_on_transparent_pixels_stands_on_white(kind, mode):
    for pixels in (decode_gray(transparent(0, kind, mode)), decode(transparent(0, kind, mode))):
        assert (pixels[TEXT] == 0).all()
        assert (pixels[~TEXT] == 255).all()


def test_white_text_on_transparent_pixels_stands_on_black():
    pixels = decode_gray(transparent(255, "PNG"))
    assert (pixels[TEXT] == 255).all()
    assert (pixels[~TEXT] == 0).all()


def test_a_palette_with_a_transparent_colour_is_laid_on_a_ground():
    pixels = np.where(TEXT, 1, 0).astype(np.uint8)
    image = Image.fromarray(pixels)
    image.putpalette([0, 0, 0, 10, 10, 10])
    gray = decode_gray(encode(image, "PNG", transparency=0))
    assert (gray[~TEXT] == 255).all()
    assert (gray[TEXT] == 10).all()


def test_half_opaque_pixels_mix_with_the_ground():
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[..., 3] = 255
    pixels[0, 0, 3] = 102
    assert decode_gray(png(pixels))[0, 0] == 153


def test_an_opaque_image_with_an_alpha_channel_is_read_like_one_without():
    colours = np.random.default_rng(0).integers(0, 256, (8, 16, 3), np.uint8)
    with_alpha = np.dstack([colours, np.full((8, 16), 255, np.uint8)])
    assert np.array_equal(decode_gray(png(with_alpha)), decode_gray(png(colours)))
    assert np.array_equal(decode(png(with_alpha)), colours)


def test_twelve_bits_in_sixteen_keep_their_contrast():
    deep = np.where(TEXT, 0, 4095).astype(np.uint16)
    for content in (png(deep), png(np.dstack([deep] * 3)), cv2.imencode(".tiff", deep)[1].tobytes()):
        assert (decode_gray(content)[TEXT] == 0).all()
        assert (decode(content)[~TEXT] == 255).all()


def test_sixteen_bits_that_use_their_range_keep_their_upper_byte():
    deep = np.random.default_rng(0).integers(0, 65536, (8, 16), np.uint16)
    deep[0, :2] = 0, 65535
    assert np.array_equal(decode_gray(png(deep)), deep >> 8)


@pytest.mark.parametrize(("dark", "light"), [(0.0, 1.0), (0.0, 255.0), (-1.0, 1.0), (0.001, 0.002)])
def test_floats_are_scaled_by_their_range(dark, light):
    content = cv2.imencode(".tiff", np.where(TEXT, dark, light).astype(np.float32))[1].tobytes()
    gray = decode_gray(content)
    assert (gray[TEXT] == 0).all()
    assert (gray[~TEXT] == 255).all()


def test_values_under_transparent_pixels_do_not_count_for_the_range():
    deep = np.zeros((*TEXT.shape, 4), np.uint16)
    deep[..., :3] = 65535
    deep[TEXT] = (100, 100, 100, 65535)
    deep[3, 3, :3] = 1100
    gray = decode_gray(png(deep))
    assert gray[4, 4] == 0
    assert gray[3, 3] == 255
    assert (gray[~TEXT] == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_transparent_word_is_turned_as_its_exif_data_says(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    colours = np.zeros((6, 10, 4), np.uint8)
    colours[:2, :3, 3] = 255
    turned = decode_gray(encode(Image.fromarray(colours), "PNG", exif=exif))
    opaque = np.where(colours[..., 3:] > 0, 0, 255).astype(np.uint8).repeat(3, axis=2)
    assert np.array_equal(turned, decode_gray(encode(Image.fromarray(opaque), "PNG", exif=exif)))


@pytest.mark.parametrize(("start", "kind"), [(b"\0\0\0\x18ftypheic", "HEIC"), (b"%PDF-1.7", "PDF"), (b"<svg xmlns", "SVG")])
def test_a_kind_that_is_not_read_is_named_with_those_that_are(start, kind):
    for read in (decode, decode_gray):
        with pytest.raises(ImageError, match=rf"{kind} is not an image in a supported format \(JPEG, PNG, .*\): convert it"):
            read(start + bytes(100))


def test_a_decoders_object_is_not_part_of_an_error():
    with pytest.raises(ImageError) as error:
        decode_gray(b"no image at all")
    assert "BytesIO" not in str(error.value)


def test_a_word_with_too_many_pixels_is_refused_by_its_header():
    for side, size in ((11_000, "11000 x 11000"), (30_000, "900 million")):
        with pytest.raises(ImageError, match=f"^{size} pixels: at most 100 million are read$"):
            decode_gray(encode(Image.new("1", (side, side)), "PNG"))
