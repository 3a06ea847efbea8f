"""The writer's submissions are accepted, and polygons keep their place."""

import itertools
import zipfile

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scored_files import write_zip

from raygroup.errors import ConfigError
from raygroup.scoring.protocols import mlt19
from raygroup.scoring.submissions import quadrilateral, script_name, write_submission
from raygroup.scoring.word_columns import Word

TURNED = [(10.5, 20.25), (110.75, 60.5), (100.5, 85.0), (0.25, 44.75)]
NUMBERS = st.floats(-3000, 3000) | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-50, 50)
POLYGONS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=12)


def submitted_text(folder, task, words):
    write_submission(folder / "sub.zip", task, {1: words})
    with zipfile.ZipFile(folder / "sub.zip") as archive:
        assert archive.namelist() == ["res_img_00001.txt"]
        return archive.read("res_img_00001.txt").decode("utf-8")


def overlap(one, other):
    one, other = shapely.Polygon(one), shapely.Polygon(other)
    return one.intersection(other).area / one.union(other).area


def clockwise_and_convex(corners):
    """Return whether every corner turns to the right, in whole numbers. With y downwards, such a turn is positive."""
    points = [tuple(map(int, corner)) for corner in corners]
    return all(
        (bx - ax) * (cy - by) - (by - ay) * (cx - bx) > 0
        for (ax, ay), (bx, by), (cx, cy) in (((points[i - 2]), points[i - 1], points[i]) for i in range(4))
    )


@settings(max_examples=80, deadline=None)
@given(task=st.sampled_from([1, 3, 4]), polygon=POLYGONS, confidence=st.floats(allow_nan=False), text=st.text(st.characters(), max_size=8))
@example(task=4, polygon=[(0, 0)], confidence=1e-9, text="1,2\r\n3")
@example(task=4, polygon=[(0, 0), (5, 5)], confidence=float("inf"), text="\ud800")
@example(task=3, polygon=[(1e300, 0), (0, 1e300), (0, 0)], confidence=-1.0, text="")
def test_any_detection_is_accepted_and_scored(tmp_path_factory, task, polygon, confidence, text):
    folder = tmp_path_factory.mktemp("written")
    write_submission(folder / "sub.zip", task, {1: [Word(polygon, text, "bn", confidence)] * 2, "00002": []})
    truths = mlt19.read_truths(write_zip(folder / "gt.zip", {f"gt_img_0000{n}.txt": "0,0,9,0,9,9,0,9,None,###" for n in (1, 2)}), task)
    parsed = mlt19.read_detections(folder / "sub.zip", truths, task)
    mlt19.score(truths, parsed, task)
    assert len(parsed) == 2
    assert clockwise_and_convex(parsed.polygons[0])
    assert parsed.confidences[0] == round(min(max(confidence, 0), 1), 4)
    if task == 4:
        expected = text.replace("\n", "").replace("\r", "")
        assert parsed.texts[0] == "".join("?" if "\ud800" <= sign <= "\udfff" else sign for sign in expected)


@settings(max_examples=25, deadline=None)
@given(x=st.floats(0, 9), y=st.floats(0, 9), half_width=st.floats(5, 40), half_height=st.floats(2, 5), angle=st.floats(0, 3.2))
def test_no_rounding_of_a_turned_rectangle_overlaps_it_more(x, y, half_width, half_height, angle):
    """The rectangle has eight points: its corners and the middles of its sides."""
    along, down = half_width * np.array([np.cos(angle), np.sin(angle)]), half_height * np.array([-np.sin(angle), np.cos(angle)])
    corners = np.array([x, y]) + np.array([-along - down, along - down, along + down, down - along])
    points = np.stack([corners, (corners + np.roll(corners, -1, axis=0)) / 2], axis=1).reshape(-1, 2)
    best = overlap(corners, quadrilateral(points))
    for up in itertools.product((0, 1), repeat=8):
        other = shapely.Polygon(np.floor(corners) + np.reshape(up, (4, 2)))
        if other.is_valid and other.convex_hull.area == other.area:
            assert overlap(corners, other) <= best + 2e-3


def test_a_convex_quadrilateral_of_whole_numbers_does_not_change():
    trapezium = [(0, 0), (100, 10), (90, 40), (5, 30)]
    assert quadrilateral(trapezium).tolist() == [list(point) for point in trapezium]


def test_a_counter_clockwise_polygon_is_reversed():
    turned = quadrilateral([(0, 30), (100, 30), (100, 0), (0, 0)])
    assert clockwise_and_convex(turned)
    assert overlap(turned, [(0, 0), (100, 0), (100, 30), (0, 30)]) == 1


def test_a_curved_word_becomes_the_rectangle_of_least_area():
    """The least rectangle of a diamond is the diamond itself, half as large as its box."""
    diamond = [(50, 0), (75, 25), (100, 50), (75, 75), (50, 100), (25, 75), (0, 50), (25, 25)]
    assert shapely.Polygon(quadrilateral(diamond)).area == pytest.approx(5000)


def test_a_word_in_perspective_keeps_its_corners_to_a_pixel():
    assert overlap(TURNED, quadrilateral(TURNED)) > 0.97
    assert np.abs(quadrilateral(TURNED) - np.array(TURNED)).max() < 1


def test_a_polygon_without_area_becomes_a_pixel_wide():
    assert quadrilateral([(3, 4)]).tolist() == [[3, 4], [4, 4], [4, 5], [3, 5]]
    assert quadrilateral([(3, 4), (9, 4), (5, 4)]).tolist() == [[3, 4], [9, 4], [9, 5], [3, 5]]


def test_coordinates_outside_the_image_stay_where_they_are():
    assert quadrilateral([(-20, -5), (30, -5), (30, 10), (-20, 10)]).min() == -20


def test_lines_have_the_fields_of_their_task(tmp_path):
    box = [(1, 2), (30, 2), (30, 9), (1, 9)]
    assert submitted_text(tmp_path, 1, [Word(box, confidence=0.00001)]) == "1,2,30,2,30,9,1,9,0.0000\n"
    assert submitted_text(tmp_path, 3, [Word(box, script="bn", confidence=1)]) == "1,2,30,2,30,9,1,9,1.0000,Bangla\n"
    assert submitted_text(tmp_path, 4, [Word(box, text="25,30\n", confidence=0.123456)]) == "1,2,30,2,30,9,1,9,0.1235,25,30\n"


def test_the_ground_truth_handed_in_scores_one(tmp_path):
    lines = ["10,10,50,12,49,30,9,28,Latin,Castle", "100,0,140,0,140,20,100,20,Bangla,য়,১"]
    truths = mlt19.read_truths(write_zip(tmp_path / "gt.zip", {"gt_img_00007.txt": "\n".join(lines)}), 4)
    words = [Word([*map(tuple, truths.polygons[n])], truths.texts[n]) for n in range(2)]
    write_submission(tmp_path / "sub.zip", 4, {7: words})
    result = mlt19.score(truths, mlt19.read_detections(tmp_path / "sub.zip", truths, 4), 4)
    assert (result.case_sensitive.hmean, result.scores.one_minus_ned) == (1, 1)


def test_scripts_have_the_names_of_the_ground_truth(tmp_path):
    assert [script_name(task) for task in ("ar", "bn", "zh", "hi", "ja", "ko", "la")] == [
        "Arabic", "Bangla", "Chinese", "Hindi", "Japanese", "Korean", "Latin",
    ]  # fmt: skip
    assert script_name("Symbols") == "Symbols"
    with pytest.raises(ConfigError, match=r"res_img_00001.txt:1: script is 'Bengali'.*Bangla.*bn"):
        write_submission(tmp_path / "sub.zip", 3, {1: [Word([(0, 0), (1, 1)], script="Bengali")]})
    assert not (tmp_path / "sub.zip").exists()


@pytest.mark.parametrize(
    ("image", "word", "message"),
    [
        (1, Word([(0, 0), (float("nan"), 1)]), "polygon is .*nan"),
        (1, Word([]), "must have points"),
        (1, Word([(0, 0)], confidence=float("nan")), "confidence is nan"),
        ("img_1", Word([(0, 0)]), "image is 'img_1'"),
        ("١", Word([(0, 0)]), "image is"),
    ],
)
def test_the_message_names_what_no_submission_can_hold(tmp_path, image, word, message):
    with pytest.raises(ConfigError, match=message):
        write_submission(tmp_path / "sub.zip", 1, {image: [word]})


def test_there_are_three_tasks(tmp_path):
    with pytest.raises(ConfigError, match="task is 2"):
        write_submission(tmp_path / "sub.zip", 2, {})
