"""A collection finds the image of a label, across folders and archives."""

import unicodedata

import pytest
from archives_for_tests import pack
from label_files_for_tests import write

from raygroup.scenes.collection import Collection


def test_labels_and_images_may_be_in_different_archives(tmp_path):
    labels = pack(tmp_path / "gt.zip", {"gt_img_00001.txt": b"x"}, "zip")
    images = pack(tmp_path / "images.tar.gz", {"part1/ts_img_00001.jpg": b"x"}, "tar.gz")
    collection = Collection([labels, images])
    image = collection.image_of(["ts_img_00001"], "here")
    assert collection.place(image) == "images.tar.gz/part1/ts_img_00001.jpg"
    assert dict(collection.stream([image])) == {image: b"x"}


def test_of_two_images_for_a_label_the_nearer_one_is_taken(tmp_path):
    names = ("train/gt/gt_img_1.txt", "train/im/img_1.jpg", "val/gt/gt_img_1.txt", "val/im/img_1.jpg")
    collection = Collection([write(tmp_path, dict.fromkeys(names, b""))])
    train, val = (member for member in collection.members if member.suffix == ".txt")
    assert collection.image_of(["img_1"], "train", train).name == "train/im/img_1.jpg"
    assert collection.image_of(["img_1"], "val", val).name == "val/im/img_1.jpg"
    assert collection.problems.counts == {}


def test_if_two_images_are_equally_near_none_is_taken_and_both_are_named(tmp_path):
    names = ("val/gt/gt_img_1.txt", "val/im/img_1.jpg", "val/im/img_1.png")
    collection = Collection([write(tmp_path, dict.fromkeys(names, b""))])
    (label,) = (member for member in collection.members if member.suffix == ".txt")
    assert collection.image_of(["img_1"], "val/gt/gt_img_1.txt", label) is None
    message = str(collection.problems.first("two images"))
    assert message.startswith("val/gt/gt_img_1.txt: 2 images match this label: val/im/img_1.jpg, val/im/img_1.png: it gives no words")
    assert collection.num_undecided == 1


def image_for_label(tmp_path, label, images, kind="folder"):
    """Write a label file and images, and return the name of the image that belongs to the labels."""
    collection = Collection([pack(tmp_path / f"set.{kind}", dict.fromkeys((label, *images), b""), kind)])
    (near,) = (member for member in collection.members if member.suffix in (".txt", ".json"))
    image = collection.image_of(["img_1", "gt_img_1", "ts_img_1", "tr_img_1"], label, near)
    return image and image.name


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz"])
@pytest.mark.parametrize(
    ("labels", "images"),
    [
        ("ch4_training_localization_transcription_gt", ("ch4_training_images", "ch4_test_images")),
        ("all/TrainSetGT", ("all/deep/TrainSetImages1", "all/TestSetImages")),
        ("validation_gt", ("val_images", "train_images", "test_images")),
        ("gt/Test", ("Images/Test", "Images/Train", "gt/other")),
        ("trainset/labels", ("images_train", "testset")),
        ("test_gt", ("images", "train_images")),
        ("trainval/gt", ("img/val", "img/test")),
    ],
)
def test_the_words_of_the_paths_decide_which_images_belong_to_which_labels(tmp_path, labels, images, kind):
    names = [f"{folder}/img_1.jpg" for folder in images]
    assert image_for_label(tmp_path, f"{labels}/gt_img_1.txt", names[::-1], kind) == names[0]


def test_parts_in_archives_of_their_own_are_told_apart_by_the_names_of_the_archives(tmp_path):
    paths = [pack(tmp_path / f"ch4_{part}_images.zip", {"img_1.jpg": part.encode()}, "zip") for part in ("test", "training")]
    for part in ("test", "training"):
        gt = pack(tmp_path / f"Challenge4_{part}_GT.zip", {"gt_img_1.txt": b""}, "zip")
        collection = Collection([gt, *paths])
        image = collection.image_of(["img_1"], "gt", collection.members[0])
        assert collection.read(image) == part.encode()


def test_an_image_of_another_part_is_not_taken(tmp_path):
    assert image_for_label(tmp_path, "training_gt/gt_img_1.txt", ["test_images/img_1.jpg"]) is None
    assert image_for_label(tmp_path / "mlt", "train/gt_img_1.txt", ["images/ts_img_1.jpg"]) is None
    assert image_for_label(tmp_path / "both", "train/gt_img_1.txt", ["images/ts_img_1.jpg", "images/tr_img_1.jpg"]) == "images/tr_img_1.jpg"


def test_labels_that_name_no_part_do_not_choose_between_parts(tmp_path):
    assert image_for_label(tmp_path, "gt/gt_img_1.txt", ["train/img_1.jpg", "test/img_1.jpg"]) is None
    assert image_for_label(tmp_path / "prefix", "gt_img_1.txt", ["ts_img_1.jpg", "tr_img_1.jpg"]) is None
    assert image_for_label(tmp_path / "near", "a/gt_img_1.txt", ["a/train/img_1.jpg", "b/test/img_1.jpg"]) == "a/train/img_1.jpg"


def test_the_name_of_a_file_with_all_labels_names_its_part(tmp_path):
    assert image_for_label(tmp_path, "test_labels.json", ["train/img_1.jpg", "test/img_1.jpg"]) == "test/img_1.jpg"
    assert image_for_label(tmp_path / "own", "train/test_img_1.txt", ["train/img_1.jpg", "test/img_1.jpg"]) == "train/img_1.jpg"


@pytest.mark.parametrize("forms", [("NFD", "NFC"), ("NFC", "NFD")])
def test_names_match_in_any_unicode_form(tmp_path, forms):
    image, label = (unicodedata.normalize(form, "간판_Ä") for form in forms)
    collection = Collection([write(tmp_path, {f"{image}.JPG": b"x", f"{label}.txt": b""})])
    assert collection.image_of([label], "here").name == f"{image}.JPG"
    assert collection.has_image([label])


def test_an_image_spelled_like_the_label_wins_over_one_in_another_unicode_form(tmp_path):
    names = [unicodedata.normalize(form, "Ä.jpg") for form in ("NFD", "NFC")]
    collection = Collection([write(tmp_path, dict.fromkeys(names, b""))])
    assert [collection.image_of([name.removesuffix(".jpg")], "here").name for name in names] == names


def test_an_image_of_a_kind_that_is_not_read_is_named(tmp_path):
    collection = Collection([write(tmp_path, {"img_1.heic": b"", "gt_img_1.txt": b""})])
    assert collection.image_of(["img_1"], "gt_img_1.txt") is None
    expected = "gt_img_1.txt: img_1.heic is of a kind that is not read (read are bmp, gif, jpeg, jpg, png, tif, tiff, webp): convert it"
    assert str(collection.problems.first("image of a kind not read")) == expected
