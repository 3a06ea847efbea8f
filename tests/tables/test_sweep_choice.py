"""Which sweep a table reads if none is named."""

import pytest
from grouping_sweeps import write_head_counts

from raygroup.errors import ConfigError
from raygroup.storage.sweeps import read_sweeps
from raygroup.tables.sweep_choice import choose_sweep


def chosen(storage, name=None):
    return choose_sweep(read_sweeps(storage), storage, name, "Table 2", lambda sweep: "", "table2_laptop").name


def test_a_sweep_named_after_another_table_is_left_out_unless_it_is_asked_for(tmp_path):
    write_head_counts(tmp_path, "table5_groupings_laptop", counts=(2,), seeds=(0,))
    with pytest.raises(ConfigError, match="table5_groupings_laptop is for Table 5. 'python -m raygroup.sweep table2_laptop"):
        chosen(tmp_path)
    assert chosen(tmp_path, "table5_groupings_laptop") == "table5_groupings_laptop"


def test_sweeps_of_any_other_name_and_of_this_table_fit(tmp_path):
    write_head_counts(tmp_path, "mine", counts=(2,), seeds=(0,))
    assert chosen(tmp_path) == "mine"
    write_head_counts(tmp_path / "other", "table2_laptop", counts=(2,), seeds=(0,))
    assert chosen(tmp_path / "other") == "table2_laptop"
