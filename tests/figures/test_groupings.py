import numpy as np
import pytest
from grouping_sweeps import write_head_counts

from raygroup.figures.groupings.co_assignment import co_assignment_figure
from raygroup.figures.groupings.sharpening import sharpening_figure
from raygroup.reproduce import table2
from raygroup.tables.stability.stability import stability


def groups(*names):
    return frozenset(map(frozenset, names))


def test_the_matrix_is_ordered_by_the_dendrogram_and_shows_the_shares():
    figure = co_assignment_figure(stability([groups("ac", "b"), groups("ac", "b"), groups("abc")], "abc"), "three runs")
    left, right = figure.axes
    assert [label.get_text() for label in right.get_yticklabels()] == ["a", "c", "b"]
    assert [text.get_text() for text in right.texts] == ["1.00", "0.33", "1.00", "0.33", "0.33", "0.33"]
    joints = sorted({float(line.get_xdata()[0]) for line in left.lines if line.get_xdata()[0] == line.get_xdata()[-1]})
    assert joints == pytest.approx([0, 2 / 3, 1])


def test_a_panel_for_each_number_of_heads_has_a_line_and_a_cross_for_each_seed(tmp_path):
    write_head_counts(tmp_path, counts=(2, 3), seeds=(0, 1))
    table = table2(tmp_path)
    figure = sharpening_figure(table.head_counts)
    assert [axes.get_title() for axes in figure.axes] == ["2 heads", "3 heads"]
    lines = figure.axes[0].lines
    assert len(lines) == 2 * 2 + 1
    assert lines[0].get_ydata()[-1] == pytest.approx(table.trials[0].decisiveness)
    assert np.allclose(lines[-1].get_ydata(), 0.5)
