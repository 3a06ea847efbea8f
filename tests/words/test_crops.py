import cv2
import numpy as np
import pyarrow as pa
import pytest

from raygroup.errors import ConfigError, ImageError
from raygroup.words.crops import crop_array, decode_crop
from raygroup.words.word_store import SCHEMA, StoreMetadata, open_word_store, write_word_store


def png(pixels):
    return cv2.imencode(".png", np.asarray(pixels, np.uint8))[1].tobytes()


def store(path, images):
    names = [str(number) for number in range(len(images))]
    batch = pa.record_batch([images, names, names, names, names, ["train"] * len(images)], schema=SCHEMA)
    write_word_store(path, [batch], StoreMetadata(fingerprint="", tasks=()))
    return open_word_store(path)


def test_an_image_of_the_right_size_is_not_changed():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 96), np.uint8)
    np.testing.assert_array_equal(decode_crop(png(pixels), 32, 96), pixels)


def test_a_narrow_word_is_padded_with_the_median_of_its_last_column():
    pixels = np.full((3, 2), 9)
    pixels[:, 1] = [10, 200, 20]
    crop = decode_crop(png(pixels), 3, 5)
    np.testing.assert_array_equal(crop[:, :2], pixels)
    assert (crop[:, 2:] == 20).all()


def test_a_word_keeps_its_proportions():
    """A 64 x 64 image is 32 wide at height 32. Its right half is white, and so is the padding."""
    pixels = np.repeat([[0, 255]], 32, axis=1).repeat(64, axis=0)
    crop = decode_crop(png(pixels), 32, 96)
    assert (crop[:, :16] == 0).all()
    assert (crop[:, 16:] == 255).all()


def test_a_word_that_is_too_wide_is_squeezed_and_nothing_is_cut_off():
    pixels = np.repeat([[0, 255]], 500, axis=1).repeat(32, axis=0)
    crop = decode_crop(png(pixels), 32, 96)
    assert (crop[:, :48] == 0).all()
    assert (crop[:, 48:] == 255).all()


def test_shrinking_averages_so_that_thin_strokes_stay():
    stripes = np.tile([0, 200], (64, 32))
    np.testing.assert_array_equal(decode_crop(png(stripes), 32, 32), np.full((32, 32), 100))


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 3)])
def test_an_image_of_any_shape_becomes_a_crop(shape):
    assert decode_crop(png(np.full(shape, 77)), 32, 96).tolist() == np.full((32, 96), 77).tolist()


def test_colours_become_gray_by_their_brightness():
    green = np.zeros((4, 4, 3), np.uint8)
    green[..., 1] = 255
    np.testing.assert_allclose(decode_crop(png(green), 4, 4), 0.587 * 255, atol=1)


def test_bytes_that_are_not_an_image_are_an_error():
    with pytest.raises(ImageError, match="the file is empty"):
        decode_crop(b"", 32, 96)
    with pytest.raises(ImageError, match="not an image in a supported format"):
        decode_crop(b"no image", 32, 96)


def test_crops_come_in_the_order_of_the_requested_rows(tmp_path):
    table = store(tmp_path / "words.parquet", [png(np.full((4, 4), value)) for value in (10, 20, 30)])
    crops = crop_array(table, np.array([2, 0, 2]), 4, 8)
    assert crops.shape == (3, 4, 8)
    assert crops[:, 0, 0].tolist() == [30, 10, 30]


def test_an_unreadable_image_is_an_error_with_file_and_row(tmp_path):
    table = store(tmp_path / "words.parquet", [png([[1]]), b"broken"])
    with pytest.raises(ConfigError, match=r"words\.parquet: row 1, image: not an image"):
        crop_array(table, np.array([0, 1]), 4, 8)
