"""A search of head sizes runs, goes on where it ended, and its records are those of a sweep."""

import json
import re
import shutil
import subprocess
import sys

import pytest
from size_searches import search_space

pytest.importorskip("optuna")

from raygroup import sweep
from raygroup.files.atomic import write_json
from raygroup.runs.__main__ import main as runs_main
from raygroup.runtime.planning.plan import load_plan
from raygroup.runtime.searches.journal import COMPLETE, RUNNING, open_journal
from raygroup.runtime.searches.search_plan import stored_points
from raygroup.storage.layout import JOURNAL_FILE
from raygroup.tables.searches.search_result import SizeSearchResult


def run_search(storage, folder, *flags, **settings):
    return sweep.main([search_space(folder, **settings), "--local", "--storage-path", str(storage), *flags])


def points_of(storage, folder, **settings):
    return stored_points(load_plan(search_space(folder, **settings), storage))


@pytest.fixture(scope="module")
def searched(finished, tmp_path_factory):
    """Return the storage path of a finished search with fresh seeds, to read only, and its search space's folder."""
    folder = tmp_path_factory.mktemp("searched")
    shutil.copytree(finished / "cache", folder / "runs" / "cache")
    assert run_search(folder / "runs", folder, seeds="(0, 1)", confirm_seeds="(8, 9)") == 0
    return folder


SETTINGS = {"seeds": "(0, 1)", "confirm_seeds": "(8, 9)"}


def test_each_point_is_complete_with_the_mean_over_its_seeds(searched):
    points = points_of(searched / "runs", searched, **SETTINGS)
    assert [point.state for point in points] == [COMPLETE] * 4
    result = sweep.run_sweep(search_space(searched, **SETTINGS), storage_path=searched / "runs", local=True)
    assert isinstance(result, SizeSearchResult)
    by_number = {point.number: point.scores for point in result.points.points}
    for point in points:
        trials = by_number[point.number].by_seed
        assert point.values == (sum(own for own, _ in trials) / 2, sum(own for _, own in trials) / 2)


def test_the_points_of_the_front_have_fresh_seeds_and_no_others_do(searched):
    result = sweep.run_sweep(search_space(searched, **SETTINGS), storage_path=searched / "runs", local=True)
    confirmed = [point.number for point in result.points.points if point.confirmed]
    assert confirmed == sorted(point.number for point in result.front)
    assert {trial.settings.seed for point in result.front for trial in point.confirmed.trials} == {8, 9}


def test_a_finished_search_trains_nothing_and_shows_its_tables(searched, capsys):
    before = (searched / "runs" / "sizes" / JOURNAL_FILE).read_bytes()
    assert run_search(searched / "runs", searched, **SETTINGS) == 0
    printed = capsys.readouterr().out
    assert "The front: no other point reads as well" in printed
    assert "trials to train" not in printed
    assert (searched / "runs" / "sizes" / JOURNAL_FILE).read_bytes() == before
    names = {path.name for path in (searched / "runs" / "sizes" / "figures").iterdir()}
    assert names >= {f"head_sizes.{ending}" for ending in ("json", "md", "html", "tex", "arrow", "png")}


def test_json_has_the_points_the_trials_and_the_files(searched, capsys):
    assert run_search(searched / "runs", searched, "--json", **SETTINGS) == 0
    values = json.loads(capsys.readouterr().out)
    assert len(values["search"]["points"]) == 4
    assert len(values["trials"]) >= 8
    assert any(name.endswith("head_sizes.png") for name in values["files"])


def test_other_commands_see_a_sweep(searched, capsys):
    storage = str(searched / "runs")
    for command in (["list"], ["show", "sizes"], ["status"], ["clean"]):
        assert runs_main([*command, "--storage-path", storage]) == 0
    printed = capsys.readouterr().out
    assert "point=3 seed=1" in printed
    assert (searched / "runs" / "sizes" / JOURNAL_FILE).is_file()


def test_a_dry_run_draws_the_points_that_are_still_to_be_asked(prepared, tmp_path, capsys):
    assert run_search(prepared, tmp_path, "--dry-run", num_points=5) == 0
    printed = capsys.readouterr().out
    assert "sizes: 5 trials, 5 to run" in printed
    assert len(re.findall(r"\(drawn\)", printed)) == 3
    assert not (prepared / "sizes").exists()


def test_a_larger_number_of_points_continues_a_finished_search(prepared, tmp_path):
    assert run_search(prepared, tmp_path, num_points=2) == 0
    first = points_of(prepared, tmp_path, num_points=2)
    assert run_search(prepared, tmp_path, num_points=3) == 0
    assert [*points_of(prepared, tmp_path, num_points=3)][:2] == [*first]


def test_a_point_that_a_killed_run_left_open_gets_the_values_of_its_finished_trials(prepared, tmp_path):
    assert run_search(prepared, tmp_path, num_points=2) == 0
    before = points_of(prepared, tmp_path, num_points=2)
    path = prepared / "sizes" / JOURNAL_FILE
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    assert [point.state for point in points_of(prepared, tmp_path, num_points=2)] == [COMPLETE, RUNNING]
    done = sorted((prepared / "sizes").glob("*/DONE.json"))
    times = [file.stat().st_mtime_ns for file in done]
    assert run_search(prepared, tmp_path, num_points=2) == 0
    assert points_of(prepared, tmp_path, num_points=2) == before
    assert [file.stat().st_mtime_ns for file in sorted((prepared / "sizes").glob("*/DONE.json"))] == times


def test_without_its_journal_a_search_asks_the_same_points_and_trains_nothing(prepared, tmp_path):
    assert run_search(prepared, tmp_path) == 0
    before = points_of(prepared, tmp_path)
    (prepared / "sizes" / JOURNAL_FILE).unlink()
    times = {file: file.stat().st_mtime_ns for file in (prepared / "sizes").glob("*/DONE.json")}
    assert run_search(prepared, tmp_path) == 0
    assert points_of(prepared, tmp_path) == before
    assert {file: file.stat().st_mtime_ns for file in (prepared / "sizes").glob("*/DONE.json")} == times


def test_a_failed_point_is_counted_and_named_and_tried_again_by_the_next_run(prepared, tmp_path, capsys):
    """The folder of the first trial holds the settings of another one, so it cannot be trained."""
    plan = load_plan(search_space(tmp_path, num_points=2), prepared)
    job, other = plan.jobs
    job.folder.mkdir(parents=True)
    stored = {"label": other.label, "sweep": "sizes", "data": other.data}
    from raygroup.config_sections import to_json

    write_json(job.folder / "config.json", {**stored, "trial": to_json(other.trial)})
    assert run_search(prepared, tmp_path, num_points=2) == 3
    assert [point.state for point in points_of(prepared, tmp_path, num_points=2)] == ["FAIL", COMPLETE]
    assert "failed: point=0 seed=0" in capsys.readouterr().out
    shutil.rmtree(job.folder)
    assert run_search(prepared, tmp_path, num_points=2) == 0
    assert [point.state for point in points_of(prepared, tmp_path, num_points=2)] == ["FAIL", COMPLETE, COMPLETE]


def test_the_journal_of_another_space_stops_the_search_before_it_starts(prepared, tmp_path, capsys):
    assert run_search(prepared, tmp_path, num_points=1) == 0
    assert run_search(prepared, tmp_path, num_points=1, seeds="(5,)") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "it holds the study sizes-" in error


@pytest.mark.parametrize(("settings", "message"), [({"start": "universal"}, "heads.start"), ({"low": 25}, "the range is empty")])
def test_a_bad_search_space_is_refused_in_one_line(tmp_path, capsys, settings, message):
    assert run_search(tmp_path / "runs", tmp_path, **settings) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error


def test_without_optuna_the_message_names_the_extra(tmp_path):
    code = (
        "import sys; sys.modules['optuna'] = None; from raygroup import sweep; "
        f"sys.exit(sweep.main([{search_space(tmp_path)!r}, '--local', '--storage-path', {str(tmp_path / 'runs')!r}]))"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert outcome.returncode == 2
    assert "pip install 'raygroup[search]'" in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_a_search_may_train_several_points_at_a_time(prepared, tmp_path):
    assert run_search(prepared, tmp_path, points_at_once=0, num_points=5) == 0
    assert [point.state for point in points_of(prepared, tmp_path, points_at_once=0, num_points=5)] == [COMPLETE] * 5


def test_two_points_of_equal_sizes_share_their_trials(prepared, tmp_path):
    plan = load_plan(search_space(tmp_path, num_points=3, points_at_once=0), prepared)
    plan.folder.mkdir()
    journal = open_journal(plan.folder / JOURNAL_FILE, plan.sweep, plan.jobs[0].data)
    journal.add(plan.sweep.first_points[0])
    journal.add(plan.sweep.first_points[0])
    assert run_search(prepared, tmp_path, num_points=3, points_at_once=0) == 0
    points = points_of(prepared, tmp_path, num_points=3, points_at_once=0)
    assert points[0].values == points[1].values
    assert len([*(prepared / "sizes").glob("*/DONE.json")]) == 2
