"""The journal of a search: Optuna's file, and how it survives kills."""

from dataclasses import replace

import pytest

pytest.importorskip("optuna")

from raygroup.config import Heads, Trial
from raygroup.errors import ConfigError
from raygroup.runtime.searches.journal import COMPLETE, FAILED, RUNNING, open_journal, read_journal
from raygroup.searches.head_sizes import HeadSizes, SizeRange, SizeSearch

SEARCH = SizeSearch(
    name="sizes", trial=Trial(heads=Heads(count=2, start="independent")), embed=SizeRange(low=8, high=24), hidden=SizeRange(low=8, high=32),
    points=(HeadSizes(embed=8, hidden=8), HeadSizes(embed=24, hidden=32)),
)  # fmt: skip


def values_of(sizes):
    return sum(sizes.hidden) / 100, float(sum(sizes.embed) + sum(sizes.hidden))


def ask_and_complete(path, count, search=SEARCH):
    """Ask so many points one by one, each of a journal that is opened anew."""
    for _ in range(count):
        journal = open_journal(path, search, "data")
        point = journal.ask()
        if point.state == RUNNING:
            journal.complete(point.number, values_of(point.sizes))
    return [point.sizes for point in read_journal(path, search, "data")]


def test_the_points_to_start_with_come_first_and_only_once(tmp_path):
    sizes = ask_and_complete(tmp_path / "journal.log", 4)
    assert sizes[:2] == list(SEARCH.first_points)
    assert len(sizes) == 4


def test_a_search_that_is_opened_for_each_point_asks_what_one_that_stays_open_asks(tmp_path):
    journal = open_journal(tmp_path / "open.log", SEARCH, "data")
    asked = []
    for _ in range(25):
        point = journal.ask()
        asked.append(point.sizes)
        if point.state == RUNNING:
            journal.complete(point.number, values_of(point.sizes))
    assert ask_and_complete(tmp_path / "reopened.log", 25) == asked


def test_another_seed_of_the_sampler_asks_other_points(tmp_path):
    one = ask_and_complete(tmp_path / "one.log", 8)
    other = ask_and_complete(tmp_path / "other.log", 8, replace(SEARCH, sampler_seed=1))
    assert one[:2] == other[:2]
    assert one[2:] != other[2:]


def test_a_point_with_the_sizes_of_a_finished_one_has_its_values_at_once(tmp_path):
    journal = open_journal(tmp_path / "journal.log", SEARCH, "data")
    first = journal.ask()
    journal.complete(first.number, (0.25, 1000.0))
    again = journal.add(first.sizes)
    assert (again.number, again.state, again.values) == (1, COMPLETE, (0.25, 1000.0))


def test_a_point_is_one_line_so_a_kill_leaves_all_of_it_or_nothing(tmp_path):
    path = tmp_path / "journal.log"
    journal = open_journal(path, SEARCH, "data")
    before = path.read_bytes().count(b"\n")
    journal.ask()
    assert path.read_bytes().count(b"\n") == before + 1


def test_every_cut_of_the_last_line_is_repaired(tmp_path):
    path = tmp_path / "journal.log"
    ask_and_complete(path, 2)
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(last, len(whole), 7):
        path.write_bytes(whole[:cut])
        journal = open_journal(path, SEARCH, "data")
        states = [point.state for point in journal.points()]
        assert states == [COMPLETE, RUNNING]
        journal.complete(1, values_of(SEARCH.first_points[1]))
        assert [point.state for point in read_journal(path, SEARCH, "data")] == [COMPLETE, COMPLETE]


def test_a_lock_that_a_killed_process_left_does_not_hold_up_the_next(tmp_path):
    path = tmp_path / "journal.log"
    ask_and_complete(path, 1)
    (tmp_path / "journal.log.lock").symlink_to(path)
    assert open_journal(path, SEARCH, "data").ask().number == 1


def test_a_failed_point_has_no_values(tmp_path):
    journal = open_journal(tmp_path / "journal.log", SEARCH, "data")
    journal.fail(journal.ask().number)
    assert [(point.state, point.values) for point in journal.points()] == [(FAILED, None)]


@pytest.mark.parametrize(
    ("search", "data"), [(replace(SEARCH, seeds=(3,)), "data"), (SEARCH, "other words"), (replace(SEARCH, name="others"), "data")]
)  # fmt: skip
def test_the_journal_of_another_search_is_refused_with_the_way_out(tmp_path, search, data):
    path = tmp_path / "journal.log"
    ask_and_complete(path, 1)
    for read in (open_journal, read_journal):
        with pytest.raises(ConfigError) as error:
            read(path, search, data)
        assert f"{path}: it holds the study sizes-{SEARCH.identity('data')}" in str(error.value)
        assert "delete this file" in str(error.value)
        assert "\n" not in str(error.value)


def test_a_damaged_line_in_the_middle_is_named(tmp_path):
    path = tmp_path / "journal.log"
    ask_and_complete(path, 2)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], b"{]", *lines[2:]]))
    with pytest.raises(ConfigError, match=rf"{path}:2: damaged: no JSON; delete this file"):
        read_journal(path, SEARCH, "data")


def test_reading_a_journal_writes_nothing(tmp_path):
    path = tmp_path / "journal.log"
    assert read_journal(path, SEARCH, "data") == ()
    assert not path.exists()
    ask_and_complete(path, 1)
    before = path.read_bytes()
    read_journal(path, SEARCH, "data")
    assert path.read_bytes() == before
