"""Copies of images and labels are found within and between data sets."""

import json
import tracemalloc

import cv2
import make_fixtures
import numpy as np
import pytest

from raygroup.randomness import generator
from raygroup.scenes.collection import Collection
from raygroup.scenes.duplicates import DigestIndex, compare, count_labels, digests, shared_labels
from raygroup.scenes.scene import Problems


def picture(seed):
    return generator(seed).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def encoded(pixels, suffix=".png"):
    return cv2.imencode(suffix, pixels)[1].tobytes()


def test_only_files_in_two_splits_are_duplicates():
    index = DigestIndex()
    for split, seeds in (("train", (1, 2, 3, 4)), ("test", (9, 3, 8, 1))):
        for seed in seeds:
            index.add(split, f"{split}_{seed}.png", digests(encoded(picture(seed))))
    result = index.duplicates()
    assert result.num_images == 8
    assert result.within == {}
    assert result.between == {("train", "test"): 2}
    assert [copies.places for copies in result.copies] == [
        (("train", "train_1.png"), ("test", "test_1.png")),
        (("train", "train_3.png"), ("test", "test_3.png")),
    ]
    assert all(copies.same_bytes for copies in result.copies)


def test_one_picture_in_two_file_formats_is_a_duplicate_by_its_pixels():
    index = DigestIndex()
    for name in ("a.png", "a.bmp"):
        index.add("train", name, digests(encoded(picture(1), name[1:])))
    result = index.duplicates()
    assert result.within == {"train": 1}
    assert [copies.same_bytes for copies in result.copies] == [False]


def test_a_jpeg_with_a_comment_is_the_same_picture_and_one_of_another_quality_is_not():
    image = cv2.imencode(".jpg", picture(1), [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    commented = image[:2] + b"\xff\xfe\x00\x07hello" + image[2:]
    worse = cv2.imencode(".jpg", picture(1), [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()
    assert digests(image)[0] != digests(commented)[0]
    assert digests(image)[1] == digests(commented)[1] != digests(worse)[1]


def test_pixels_of_another_shape_are_another_picture():
    flat = np.zeros((20, 30, 3), np.uint8)
    assert digests(encoded(flat))[1] != digests(encoded(flat.reshape(30, 20, 3)))[1]


def test_three_copies_in_one_set_count_twice_and_a_picture_in_three_sets_counts_for_each_pair():
    index = DigestIndex()
    for name in ("a", "b", "c"):
        index.add("train", name, digests(encoded(picture(1))))
    index.add("val", "d", digests(encoded(picture(1))))
    index.add("test", "e", digests(encoded(picture(1))))
    result = index.duplicates()
    assert result.within == {"train": 2}
    assert result.between == {("train", "val"): 1, ("train", "test"): 1, ("val", "test"): 1}
    assert len(result.copies) == 1
    assert json.loads(json.dumps(result.to_json()))["between"][0] == {"sets": ["train", "val"], "pictures": 1}


def test_files_that_are_not_images_are_compared_by_their_bytes():
    index = DigestIndex()
    for name, content in (("a", b"broken"), ("b", b"broken too"), ("c", b"broken")):
        index.add("train", name, digests(content))
    assert index.duplicates().within == {"train": 1}


def test_an_empty_index_has_no_duplicates():
    result = DigestIndex().duplicates()
    assert (result.num_images, result.within, result.between, result.copies) == (0, {}, {}, ())


def test_every_layout_of_the_fixtures_has_the_same_three_pictures():
    index = DigestIndex()
    for layout in ("mlt19", "icdar15"):
        collection = Collection([make_fixtures.FOLDER / layout])
        for member in collection.images():
            index.add(layout, member.name, digests(collection.read(member)))
    assert index.duplicates().between == {("mlt19", "icdar15"): 3}


@pytest.mark.slow
def test_three_hundred_thousand_images_take_less_than_a_hundred_megabytes():
    random = generator("digests")
    numbers = random.integers(0, 2**63, (300_000, 2)).tolist()
    index = DigestIndex()
    tracemalloc.start()
    for place, (one, other) in enumerate(numbers):
        image_digests = one.to_bytes(16), other.to_bytes(16)
        index.add("test" if place % 10 == 0 else "train", f"images/tr_img_{place:06}.jpg", image_digests)
    index.add("test", "again", (numbers[1][0].to_bytes(16), numbers[1][1].to_bytes(16)))
    assert index.duplicates().between == {("test", "train"): 1}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


def test_shared_labels_are_counted_once_each_and_as_words():
    sets = {"train": ["cat", "cat", "dog", "###", ""], "test": ["dog", "dog", "dog", "cat", "bird", "###"]}
    (shared,) = shared_labels({name: count_labels(texts) for name, texts in sets.items()})
    assert shared.sets == ("train", "test")
    assert shared.labels == 2
    assert shared.instances == (3, 4)
    assert shared.of_instances == (3, 5)
    assert shared.examples == ("dog", "cat")


@pytest.mark.parametrize(("one", "other", "shared"), [("e\u0301te", "éte", 1), ("كتاب\u200f", "كتاب", 1), ("Cat", "cat", 0)])
def test_labels_are_normalised_before_the_comparison_but_keep_their_case(one, other, shared):
    assert shared_labels({"a": count_labels([one]), "b": count_labels([other])})[0].labels == shared


def test_every_pair_of_three_sets_is_compared():
    assert [shared.sets for shared in shared_labels(dict.fromkeys("abc", count_labels(["x"])))] == [("a", "b"), ("a", "c"), ("b", "c")]


def test_two_layouts_of_the_same_scenes_share_all_pictures_and_labels():
    paths = [make_fixtures.FOLDER / layout for layout in ("mlt19", "art19")]
    problems = Problems()
    result, (labels,) = compare(paths, problems, lambda done, known: None)
    assert result.between == {(str(paths[0]), str(paths[1])): 3}
    assert result.within == {}
    assert labels.instances == labels.of_instances == (11, 11)
    assert problems.counts == {}
