import json
import tracemalloc

import cv2
import make_fixtures
import numpy as np
import pytest

from raygroup.randomness import generator
from raygroup.scenes.collection import Collection
from raygroup.scenes.duplicates import Pictures, compared, count_labels, digests, shared_labels
from raygroup.scenes.scene import Problems


def picture(seed):
    return generator(seed).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def encoded(pixels, suffix=".png"):
    return cv2.imencode(suffix, pixels)[1].tobytes()


def test_the_same_file_in_two_splits_is_found_and_other_images_are_not():
    pictures = Pictures()
    for split, seeds in (("train", (1, 2, 3, 4)), ("test", (9, 3, 8, 1))):
        for seed in seeds:
            pictures.add(split, f"{split}_{seed}.png", digests(encoded(picture(seed))))
    found = pictures.duplicates()
    assert found.num_images == 8
    assert found.within == {}
    assert found.between == {("train", "test"): 2}
    assert [copies.places for copies in found.copies] == [
        (("train", "train_1.png"), ("test", "test_1.png")),
        (("train", "train_3.png"), ("test", "test_3.png")),
    ]
    assert all(copies.same_bytes for copies in found.copies)


def test_the_same_picture_in_a_file_of_another_kind_is_found_by_its_pixels():
    pictures = Pictures()
    for name in ("a.png", "a.bmp"):
        pictures.add("train", name, digests(encoded(picture(1), name[1:])))
    found = pictures.duplicates()
    assert found.within == {"train": 1}
    assert [copies.same_bytes for copies in found.copies] == [False]


def test_a_jpeg_with_a_comment_is_the_same_picture_and_one_of_another_quality_is_not():
    image = cv2.imencode(".jpg", picture(1), [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    commented = image[:2] + b"\xff\xfe\x00\x07hello" + image[2:]
    worse = cv2.imencode(".jpg", picture(1), [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()
    assert digests(image)[0] != digests(commented)[0]
    assert digests(image)[1] == digests(commented)[1] != digests(worse)[1]


def test_pixels_of_another_shape_are_another_picture():
    flat = np.zeros((20, 30, 3), np.uint8)
    assert digests(encoded(flat))[1] != digests(encoded(flat.reshape(30, 20, 3)))[1]


def test_three_copies_in_one_set_are_two_too_many_and_a_picture_of_three_sets_is_shared_by_each_two():
    pictures = Pictures()
    for name in ("a", "b", "c"):
        pictures.add("train", name, digests(encoded(picture(1))))
    pictures.add("val", "d", digests(encoded(picture(1))))
    pictures.add("test", "e", digests(encoded(picture(1))))
    found = pictures.duplicates()
    assert found.within == {"train": 2}
    assert found.between == {("train", "val"): 1, ("train", "test"): 1, ("val", "test"): 1}
    assert len(found.copies) == 1
    assert json.loads(json.dumps(found.to_json()))["between"][0] == {"sets": ["train", "val"], "pictures": 1}


def test_files_that_are_no_images_are_compared_by_their_bytes_alone():
    pictures = Pictures()
    for name, content in (("a", b"broken"), ("b", b"broken too"), ("c", b"broken")):
        pictures.add("train", name, digests(content))
    assert pictures.duplicates().within == {"train": 1}


def test_nothing_added_is_nothing_found():
    found = Pictures().duplicates()
    assert (found.num_images, found.within, found.between, found.copies) == (0, {}, {}, ())


def test_the_fixtures_hold_the_same_three_pictures_in_each_layout():
    pictures = Pictures()
    for layout in ("mlt19", "icdar15"):
        collection = Collection([make_fixtures.FOLDER / layout])
        for member in collection.images():
            pictures.add(layout, member.name, digests(collection.read(member)))
    assert pictures.duplicates().between == {("mlt19", "icdar15"): 3}


def test_three_hundred_thousand_images_take_less_than_a_hundred_megabytes():
    random = generator("digests")
    numbers = random.integers(0, 2**63, (300_000, 2)).tolist()
    pictures = Pictures()
    tracemalloc.start()
    for place, (one, other) in enumerate(numbers):
        found = one.to_bytes(16), other.to_bytes(16)
        pictures.add("test" if place % 10 == 0 else "train", f"images/tr_img_{place:06}.jpg", found)
    pictures.add("test", "again", (numbers[1][0].to_bytes(16), numbers[1][1].to_bytes(16)))
    assert pictures.duplicates().between == {("test", "train"): 1}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


def test_labels_of_two_sets_are_counted_as_different_ones_and_as_words():
    sets = {"train": ["cat", "cat", "dog", "###", ""], "test": ["dog", "dog", "dog", "cat", "bird", "###"]}
    (found,) = shared_labels({name: count_labels(texts) for name, texts in sets.items()})
    assert found.sets == ("train", "test")
    assert found.labels == 2
    assert found.instances == (3, 4)
    assert found.of_instances == (3, 5)
    assert found.examples == ("dog", "cat")


@pytest.mark.parametrize(("one", "other", "shared"), [("e\u0301te", "éte", 1), ("كتاب\u200f", "كتاب", 1), ("Cat", "cat", 0)])
def test_labels_are_compared_in_normal_form_and_with_their_case(one, other, shared):
    assert shared_labels({"a": count_labels([one]), "b": count_labels([other])})[0].labels == shared


def test_of_three_sets_every_two_are_compared():
    assert [found.sets for found in shared_labels(dict.fromkeys("abc", count_labels(["x"])))] == [("a", "b"), ("a", "c"), ("b", "c")]


def test_two_layouts_of_the_same_scenes_have_all_pictures_and_all_labels_in_common():
    paths = [make_fixtures.FOLDER / layout for layout in ("mlt19", "art19")]
    problems = Problems()
    found, (labels,) = compared(paths, problems, lambda done, of: None)
    assert found.between == {(str(paths[0]), str(paths[1])): 3}
    assert found.within == {}
    assert labels.instances == labels.of_instances == (11, 11)
    assert problems.counts == {}
