import cv2
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from synthetic_storage import write_storage

from raygroup.figures.assignment import assignment_figure
from raygroup.figures.palette import HEADS, INK, RIGHT, WRONG, head_colour, save_figure
from raygroup.figures.scene_sheet import ShownScene, scene_sheet_figure
from raygroup.figures.table3 import table3_figure
from raygroup.figures.table_files import write_table3_pictures
from raygroup.figures.word_rows import WIDTH
from raygroup.figures.word_sheet import ShownWord, word_sheet_figure
from raygroup.history.reader import History
from raygroup.paper import TABLE_3
from raygroup.scenes.scene import Instance
from raygroup.tables.table3 import table3


def history(tasks: tuple[str, ...], r_tm: np.ndarray) -> History:
    steps, _, heads = r_tm.shape
    flat = np.zeros(steps, np.float32)
    return History(tasks, heads, np.arange(1, steps + 1, dtype=np.int32), r_tm, np.zeros((steps, heads), np.float32),
                   flat, flat, flat, flat, flat.astype(np.float64), {})  # fmt: skip


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    return write_storage(tmp_path_factory.mktemp("runs"))


def test_sixteen_heads_have_sixteen_colours():
    assert len({head_colour(head) for head in range(16)}) == 16


def test_a_decided_task_has_its_heads_colour_and_an_undecided_one_is_pale():
    r_tm = np.zeros((4, 2, 2), np.float32)
    r_tm[:, 0, 1] = 100
    figure = assignment_figure(history(("ar", "la"), r_tm), "two tasks")
    pixels = figure.axes[0].images[0].get_array()
    assert np.allclose(pixels[0, 0], to_rgb(HEADS[1]))
    assert np.allclose(pixels[1, 0], 1 - 0.25 * (1 - np.array(to_rgb(HEADS[0]))))


def test_rows_come_in_the_papers_order_whatever_the_history_has():
    r_tm = np.zeros((3, 2, 2), np.float32)
    r_tm[:, 1, 1] = 100
    figure = assignment_figure(history(("la", "ar"), r_tm), "")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["Arabic", "Latin"]
    assert [text.get_text() for text in figure.axes[0].texts][:2] == ["العربية", ""]
    assert np.allclose(figure.axes[0].images[0].get_array()[0, 0], to_rgb(HEADS[1]))


def test_a_grouping_of_many_parts_leaves_room_for_the_rows():
    """Sixty names in one line would be six times as wide as the figure."""
    tasks = tuple(f"{language}-{number}" for language in ("zh", "ko", "ar") for number in range(1, 21))
    figure = assignment_figure(history(tasks, np.zeros((30, 60, 2), np.float32)), "")
    figure.draw_without_rendering()
    assert figure.axes[0].get_position().width > 0.5
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()][::20] == ["Arabic 1", "Chinese 1", "Korean 1"]
    assert figure.axes[0].texts[20].get_text() == "中文 1"


def test_the_settling_step_is_marked_where_the_last_change_was():
    r_tm = np.zeros((9, 1, 2), np.float32)
    r_tm[:5, 0, 0] = r_tm[5:, 0, 1] = 1
    figure = assignment_figure(history(("la",), r_tm), "")
    assert "settled at step 6" in [text.get_text() for text in figure.axes[1].texts]


def test_a_single_head_can_be_drawn():
    assert assignment_figure(history(("ar", "la"), np.ones((2, 2, 1), np.float32)), "one head").axes


def word(task: str | None, text: str, reading: str) -> ShownWord:
    picture = cv2.imencode(".png", np.full((16, 200), 128, np.uint8))[1].tobytes()
    return ShownWord(picture, task, text, reading)


def marks(figure) -> list[str]:
    """Return the colour of each tick (one stroke) and each cross (two strokes)."""
    return [line.get_color() for line in figure.axes[0].lines]


def test_a_right_and_a_wrong_reading_differ_in_colour_and_mark():
    read = word_sheet_figure([word("la", "word", "word")], "read")
    misread = word_sheet_figure([word("la", "word", "ward")], "misread")
    assert marks(read) == [RIGHT]
    assert marks(misread) == [WRONG, WRONG]
    assert [text.get_color() for text in read.axes[0].texts] == [INK, RIGHT]
    assert [text.get_color() for text in misread.axes[0].texts] == [INK, WRONG]


def test_a_long_word_is_written_small_enough_for_its_cell():
    figure = word_sheet_figure([word("la", "word", "w" * 60)], "long")
    label, reading = figure.axes[0].texts
    figure.draw_without_rendering()
    assert reading.get_fontsize() < label.get_fontsize()
    width = reading.get_window_extent().transformed(figure.axes[0].transData.inverted()).width
    assert abs(width) < WIDTH


def test_a_scene_sheet_shows_words_of_every_script_with_their_texts():
    square = np.array([(10, 10), (90, 10), (90, 40), (10, 40)], np.float64)
    words = [("مرحبا", "Arabic", False), ("$5$", None, False), ("###", "Latin", True)]
    instances = tuple(Instance(square + 10 * dont_care, text, dont_care, script) for text, script, dont_care in words)
    figure = scene_sheet_figure([ShownScene(np.full((60, 100, 3), 200, np.uint8), instances)], "data")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["Arabic", "no label"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["مرحبا", "$5$"]
    colours = {tuple(pixel) for pixel in figure.axes[0].images[0].get_array().reshape(-1, 3).tolist()}
    assert tuple(round(255 * part) for part in to_rgb(RIGHT)) in colours


def test_a_sheet_has_a_row_a_task_and_one_for_words_without():
    figure = word_sheet_figure([word("la", "a", "a"), word("ar", "مرحبا", ""), word(None, "b", "b"), word("la", "c", "c")], "words")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["Arabic", "Latin", "unknown"]


def test_an_empty_sheet_can_be_drawn():
    assert word_sheet_figure([], "nothing").axes


def test_the_papers_points_are_in_every_panel_of_table_3(storage):
    figure = table3_figure(table3(storage))
    assert [axes.get_title() for axes in figure.axes] == ["raw: every step", "single tasks", "settled for 20 steps", "settled for 50 steps"]
    for axes in figure.axes:
        paper = next(line for line in axes.lines if line.get_label() == "paper (one run each)")
        assert dict(zip(paper.get_xdata(), paper.get_ydata(), strict=True)) == TABLE_3


@pytest.mark.slow
def test_every_trial_and_the_control_get_pictures_of_their_assignment_and_words(tmp_path):
    storage = write_storage(tmp_path / "runs", seeds=(0,))
    paths = write_table3_pictures(table3(storage), tmp_path / "pictures")
    assert len(paths) == 1 + 2 * (2 + 1)
    for path in paths:
        pixels = cv2.imread(str(path))
        assert min(pixels.shape[:2]) > 200
        assert pixels.std() > 5


def test_saving_a_figure_creates_its_folder(tmp_path):
    figure = assignment_figure(history(("la",), np.ones((2, 1, 2), np.float32)), "")
    assert save_figure(figure, tmp_path / "new" / "a.png").stat().st_size > 1000
