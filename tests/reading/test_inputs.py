"""Images are named by files, folders, patterns, or paths on standard input."""

import io
from pathlib import Path

import pytest

from raygroup.errors import ConfigError
from raygroup.reading.inputs import list_images


@pytest.fixture
def folder(tmp_path):
    """Frames of a video, with a hidden file and a text beside them."""
    for name in ("frame_10.png", "frame_2.png", "frame_1.PNG", ".hidden.png", "notes.txt", "deep/frame_3.png"):
        path = tmp_path / "video" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "video"


def listed(*arguments, stdin=""):
    return list_images(list(map(str, arguments)), io.StringIO(stdin))


def test_frames_of_a_folder_come_in_the_order_of_their_numbers(folder):
    assert [path.name for path in listed(folder)] == ["frame_1.PNG", "frame_2.png", "frame_10.png"]


def test_a_pattern_may_reach_into_subfolders(folder):
    assert [path.name for path in listed(f"{folder}/**/frame_*.png")] == ["frame_3.png", "frame_2.png", "frame_10.png"]


def test_paths_come_from_standard_input(folder):
    paths = "a b.png\r\n\n\u00e9.png\n"
    assert listed(folder / "notes.txt", "-", stdin=paths) == [folder / "notes.txt", Path("a b.png"), Path("\u00e9.png")]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path):
    (tmp_path / "word[1].png").touch()
    assert listed(tmp_path / "word[1].png") == [tmp_path / "word[1].png"]


def test_a_missing_file_stays_in_the_list_and_reading_it_gives_the_reason():
    assert listed("gone.png") == [Path("gone.png")]


def test_folders_and_patterns_without_images_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="no images in this folder"):
        listed(tmp_path)
    with pytest.raises(ConfigError, match="no file fits this pattern"):
        listed(f"{tmp_path}/*.png")
    with pytest.raises(ConfigError, match="no images: name files"):
        listed("-")


def test_photographs_of_telephones_are_listed_beside_others_so_that_reading_names_them(folder):
    (folder / "phone_4.HEIC").touch()
    assert [path.name for path in listed(folder)] == ["frame_1.PNG", "frame_2.png", "frame_10.png", "phone_4.HEIC"]
