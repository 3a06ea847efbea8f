"""The points of a search, from records: the front, the values, and the tables."""

import json
import statistics

import pyarrow as pa
import pytest
from size_searches import write_search

from raygroup.costs import pruned_head_parameters
from raygroup.errors import ConfigError
from raygroup.storage.layout import SWEEP_FILE
from raygroup.storage.sweeps import read_sweep
from raygroup.tables.searches.search_result import size_search_result
from raygroup.tables.searches.size_points import front_places, size_points
from raygroup.tables.searches.size_report import size_report
from raygroup.tables.sheets.sheet_files import write_sheet_files


def test_the_front_holds_what_no_other_point_beats():
    accuracy_and_parameters = [(0.5, 100), (0.6, 100), (0.4, 50), (0.6, 200), (0.9, 300), (0.3, 60)]
    assert front_places(accuracy_and_parameters) == (1, 2, 4)


def test_of_equal_points_the_first_is_on_the_front():
    assert front_places([(0.5, 100), (0.5, 100)]) == (0,)
    assert front_places([]) == ()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    points = {(8, 8, 8, 8, 8): (0, 1), (8, 16, 16, 24, 24): (0, 1)}
    return write_search(tmp_path_factory.mktemp("runs"), points, confirm=(7, 8, 9))


def test_a_points_parameters_are_those_of_its_busy_heads_after_pruning(folder):
    """Each task has five characters of its own, and Japanese spells those of Chinese too."""
    point = size_points(read_sweep(folder)).points[1]
    for trial, (_, parameters) in zip(point.scores.trials, point.scores.by_seed, strict=True):
        by_hand = 0
        for head, group in trial.groups.by_head.items():
            if group:
                num_tasks = len({*group, *(["zh"] if "ja" in group else [])})
                by_hand += pruned_head_parameters(point.embeds[head], point.hiddens[head], 5 * num_tasks, (24, 256))
        assert parameters == by_hand
    assert point.scores.parameters == statistics.fmean(parameters for _, parameters in point.scores.by_seed)


def test_a_points_accuracy_is_the_mean_over_seeds_on_new_words(folder):
    point = size_points(read_sweep(folder)).points[0]
    own = [trial.scores("new").mean.one_minus_ned for trial in point.scores.trials]
    assert point.scores.accuracy.mean == pytest.approx(statistics.fmean(own))
    assert point.scores.accuracy.count == 2
    assert point.confirmed.accuracy.count == 3


def test_equal_accuracy_leaves_the_smallest_point_alone_on_the_front(folder):
    """Made-up readings are the same whatever the sizes."""
    assert [point.number for point in size_points(read_sweep(folder)).front] == [0]


def test_tables_show_both_kinds_of_seeds_and_say_that_the_choice_flatters(folder, tmp_path):
    report = size_report(size_points(read_sweep(folder)))
    front, heads, points = report.sheets
    assert len(front.rows) == 1
    assert len(heads.rows) == 5
    assert [row[-2] for row in points.rows] == ["front", ""]
    assert any("the seeds that chose the front flatter it" in remark for remark in report.remarks)
    names = {path.name for path in write_sheet_files(report, tmp_path)}
    assert names >= {f"head_sizes.{ending}" for ending in ("json", "md", "html", "tex", "arrow")}
    with pa.ipc.open_file(tmp_path / "head_sizes.arrow") as file:
        row = file.read_all().to_pylist()[0]
    assert row["confirmed_accuracy"] == pytest.approx(row["accuracy"])
    assert row["low"] <= row["accuracy"] <= row["high"]


def test_without_fresh_seeds_the_report_says_that_the_front_is_optimistic(tmp_path):
    folder = write_search(tmp_path, {(8, 8): (0,)})
    assert any("The front is optimistic" in remark for remark in size_report(size_points(read_sweep(folder))).remarks)


def test_a_repeated_point_counts_once_and_an_unfinished_one_not_yet(tmp_path):
    folder = write_search(tmp_path, {(8, 8): (0,), (16, 16): (0,)})
    stored = json.loads((folder / SWEEP_FILE).read_text())
    first, second = stored["search"]["points"]
    stored["search"]["points"].append(first | {"number": 2})
    (folder / SWEEP_FILE).write_text(json.dumps(stored))
    (folder / second["trials"][0] / "DONE.json").unlink()
    points = size_points(read_sweep(folder))
    assert ([point.number for point in points.points], points.num_open, points.num_repeats) == ([0], 1, 1)


def test_the_result_of_a_search_is_that_of_a_sweep_with_its_front(folder):
    result = size_search_result(folder)
    assert len(result.done) == 10
    assert result.front_table()["point"].to_pylist() == [0]
    values = result.to_json()
    assert [point["front"] for point in values["search"]["points"]] == [True, False]
    assert len(values["trials"]) == 10


def test_a_plain_sweep_is_no_search(tmp_path):
    folder = write_search(tmp_path, {(8, 8): (0,)})
    stored = json.loads((folder / SWEEP_FILE).read_text())
    del stored["search"]
    (folder / SWEEP_FILE).write_text(json.dumps(stored))
    with pytest.raises(ConfigError, match="no search of head sizes"):
        size_points(read_sweep(folder))
