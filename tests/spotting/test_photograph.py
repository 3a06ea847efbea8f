import cv2
import numpy as np
import pytest
from PIL import Image

from raygroup.errors import ImageError
from raygroup.spotting.photograph import read_photograph


def test_a_photograph_is_red_first(tmp_path):
    cv2.imwrite(str(tmp_path / "red.png"), np.full((4, 6, 3), (0, 0, 255), np.uint8))
    assert read_photograph(tmp_path / "red.png")[2, 3].tolist() == [255, 0, 0]


def test_a_photograph_is_turned_as_its_exif_data_says_unless_labels_refer_to_its_stored_pixels(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.zeros((16, 32, 3), np.uint8)
    stored[:, :8] = 255
    Image.fromarray(stored).save(tmp_path / "turned.jpg", exif=exif, quality=100)
    # orientation 6: the stored left side is the top
    upright = read_photograph(tmp_path / "turned.jpg")
    assert upright.shape == (32, 16, 3)
    assert upright[:7].min() > 200
    assert upright[9:].max() < 50
    assert read_photograph(tmp_path / "turned.jpg", upright=False).shape == (16, 32, 3)


def test_a_transparent_image_of_16_bits_shows_its_dark_text_on_white(tmp_path):
    pixels = np.zeros((8, 8, 4), np.uint16)
    pixels[2:4, 2:4, 3] = 65535
    cv2.imwrite(str(tmp_path / "deep.png"), pixels)
    photograph = read_photograph(tmp_path / "deep.png")
    assert photograph.dtype == np.uint8
    assert photograph[2, 2].tolist() == [0, 0, 0]
    assert photograph[6, 6].tolist() == [255, 255, 255]


@pytest.mark.parametrize(("content", "reason"), [(b"", "the file is empty"), (b"no image", "not an image in a supported format")])
def test_what_is_no_image_is_named_with_its_path(tmp_path, content, reason):
    (tmp_path / "photo.jpg").write_bytes(content)
    with pytest.raises(ImageError, match=f"photo.jpg: {reason}"):
        read_photograph(tmp_path / "photo.jpg")


def test_a_missing_photograph_is_named(tmp_path):
    with pytest.raises(ImageError, match=r"none\.jpg: No such file"):
        read_photograph(tmp_path / "none.jpg")
