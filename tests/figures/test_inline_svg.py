"""Figures inside a page: no clashing ids, no comments, the same bytes, and small however long a line is."""

import re

import numpy as np
from matplotlib.figure import Figure

from raygroup.figures.report.inline_svg import inline_svg


def line_figure(points, label="a"):
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.plot(np.arange(points), np.sin(np.arange(points)))
    axes.set_title(label, parse_math=False)
    return figure


def test_two_figures_share_no_id():
    one, other = (set(re.findall(r'id="([^"]*)"', inline_svg(line_figure(9), name, "title"))) for name in ("one", "other"))
    assert one
    assert not one & other


def test_every_reference_has_its_id():
    svg = inline_svg(line_figure(9), "one", "title")
    references = set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', svg))
    assert {first or second for first, second in references} <= set(re.findall(r'\bid="([^"]*)"', svg))


def test_the_same_figure_gives_the_same_text():
    assert inline_svg(line_figure(9), "one", "title") == inline_svg(line_figure(9), "one", "title")


def test_labels_and_titles_cannot_leave_their_element():
    svg = inline_svg(line_figure(9, "--><script>"), "one", "<b>\\1 & \u202e", "</desc>")
    assert "<script" not in svg
    assert "<!--" not in svg
    assert '<title id="one-title">&lt;b&gt;\\1 &amp; \\u202e</title>' in svg
    assert "&lt;/desc&gt;" in svg


def test_a_line_of_a_hundred_thousand_points_is_stored_as_pixels():
    svg = inline_svg(line_figure(100_000), "one", "title")
    assert "data:image/png" in svg
    assert len(svg) < 60_000
