"""A collection finds the image of a label, across folders and archives."""

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


def test_if_two_images_are_equally_near_the_first_is_taken_and_reported(tmp_path):
    names = ("train/im/img_1.jpg", "val/gt/gt_img_1.txt", "val/im/img_1.jpg", "val/im/img_1.png")
    collection = Collection([write(tmp_path, dict.fromkeys(names, b""))])
    (label,) = (member for member in collection.members if member.suffix == ".txt")
    assert collection.image_of(["img_1"], "val/gt/gt_img_1.txt", label).name == "train/im/img_1.jpg"
    message = str(collection.problems.first("two images"))
    assert message.startswith("val/gt/gt_img_1.txt: 3 images match this label: train/im/img_1.jpg, val/")
