"""The picture of a search of head sizes."""

from size_searches import write_search

from raygroup.figures.palette import save_figure
from raygroup.figures.searches.size_front import size_front_figure
from raygroup.storage.sweeps import read_sweep
from raygroup.tables.searches.size_points import size_points


def test_the_picture_has_the_front_its_fresh_seeds_and_the_other_points(tmp_path):
    folder = write_search(tmp_path, {(8, 8): (0, 1), (16, 24): (0, 1)}, confirm=(5, 6))
    points = size_points(read_sweep(folder))
    figure = size_front_figure(points)
    (axes,) = figure.axes
    assert axes.get_xlabel().startswith("parameters")
    assert axes.get_ylabel().startswith("mean 1-NED")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["other points", "front", "front, fresh seeds"]
    assert [text.get_text() for text in axes.texts] == ["0"]
    assert save_figure(figure, tmp_path / "front.png").stat().st_size > 10_000
