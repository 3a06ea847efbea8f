"""Heads are named by their tasks, and no two names are the same."""

import pytest

from raygroup.export.head_names import head_name


def test_tasks_come_in_the_papers_order_whatever_the_order_of_the_group():
    assert head_name(("zh", "ar"), 4) == "ar+zh"
    assert head_name(("menus", "la"), 0) == "la+menus"


@pytest.mark.parametrize("group", [("a/b",), ("..",), ("été",), ("a+b",), ("number-2",), tuple(f"task_{number}" for number in range(20))])
def test_a_name_that_some_file_system_refuses_becomes_a_number(group):
    assert head_name(group, 3) == "number-3"
