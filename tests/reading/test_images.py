"""Paths, encoded bytes and arrays become the crops of training, and a bad image gets its reason."""

import cv2
import numpy as np
import pytest

from raygroup.reading import images
from raygroup.reading.images import make_crops
from raygroup.words.crops import decode_crop

SIZE = (32, 96)


@pytest.fixture(scope="module")
def colours():
    return np.random.default_rng(0).integers(0, 255, (40, 90, 3), np.uint8)


@pytest.fixture(scope="module")
def encoded(colours):
    return cv2.imencode(".png", colours[..., ::-1])[1].tobytes()


def crop(image, number=1):
    return make_crops([image], number, SIZE)[0]


def test_a_path_bytes_and_rgb_pixels_of_one_picture_give_one_crop_that_of_training(tmp_path, encoded, colours):
    path = tmp_path / "word.png"
    path.write_bytes(encoded)
    expected = decode_crop(encoded, *SIZE)
    for image in (path, str(path), encoded):
        assert np.array_equal(crop(image).pixels, expected)
    # OpenCV rounds the gray values of a file and of an array differently.
    assert np.abs(crop(colours).pixels.astype(int) - expected).max() <= 1


def test_gray_pixels_are_taken_as_they_are(colours):
    gray = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)
    assert np.array_equal(crop(gray).pixels, crop(colours).pixels)


def test_images_without_a_path_are_numbered(encoded):
    assert [each.name for each in make_crops([encoded, "gone.png", encoded], 7, SIZE)] == ["image 7", "gone.png", "image 9"]


BAD = {
    b"": "the file is empty", b"hello": "not an image in a supported format", b"%PDF-1.7": "PDF is not an image",
    "gone.png": "no such file",
    "x" * 300: "no such file: the name is too long", "a\0b": "not readable: embedded null byte",
}  # fmt: skip


@pytest.mark.parametrize(("image", "reason"), BAD.items(), ids=lambda value: repr(value)[:12])
def test_what_is_no_image_gets_a_reason(image, reason):
    bad = crop(image)
    assert bad.pixels is None
    assert bad.problem.startswith(reason)


def test_folders_blank_pictures_and_cut_ones_get_a_reason(tmp_path, encoded):
    assert crop(tmp_path).problem == "a folder, not an image"
    assert crop(np.full((20, 50), 200, np.uint8)).problem == "blank: all its pixels have one gray value"
    assert crop(encoded[:200]).problem is not None


ARRAYS = [np.zeros((5, 5), np.float32), np.zeros((5, 5, 4), np.uint8), np.zeros((5,), np.uint8), None, 7]


@pytest.mark.parametrize("image", ARRAYS, ids=lambda value: str(getattr(value, "shape", value)))
def test_arrays_of_another_form_get_a_reason(image):
    assert "must be" in crop(image).problem
    assert crop(np.zeros((0, 9), np.uint8)).problem == "an array (0, 9) has no pixels"


def test_huge_files_and_pictures_are_not_read(tmp_path, monkeypatch, encoded):
    monkeypatch.setattr(images, "MAX_BYTES", 100)
    (tmp_path / "large.png").write_bytes(encoded)
    assert crop(tmp_path / "large.png").problem == "0 MB: at most 0 MB are read"
    assert "at most 100 million are read" in crop(np.broadcast_to(np.uint8(3), (20_000, 20_000))).problem
