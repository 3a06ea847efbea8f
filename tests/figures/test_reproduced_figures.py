"""Figures of Tables 4 and 5: one point for each head, and one for each trial."""

import pytest
from arranged_sweeps import write_arrangements, write_end_to_end, write_stage3
from grouping_sweeps import write_sized_heads

from raygroup.figures.reproduced.head_size_tasks import head_size_figure
from raygroup.figures.reproduced.size_accuracy import size_accuracy_figure
from raygroup.reproduce import table4, table5
from raygroup.storage.sweeps import read_sweep


def points_of(axes):
    """Return the points of a panel, without the empty lines of legends."""
    return sorted((float(x), float(y)) for line in axes.lines for x, y in zip(*line.get_data(), strict=True))


def test_each_head_with_tasks_is_a_point_at_its_characters_and_parameters(tmp_path):
    write_sized_heads(tmp_path)
    table = table4(tmp_path)
    ours, paper = head_size_figure(table).axes
    heads = [head for run in table.runs for head in run.heads if head.tasks]
    assert points_of(ours) == sorted((head.num_characters, head.parameters / 1e3) for head in heads)
    assert points_of(paper) == sorted((head.printed.num_characters, head.parameters / 1e6) for head in table.paper)
    assert ours.get_title().startswith(f"our heads\nmean rho {table.mean_rho.mean:.2f}, 95 % interval ")
    assert paper.get_title() == "the paper's heads\nrho 0.74, 95 % interval -0.16 to 0.97, one run"
    assert {text.get_text() for text in paper.texts} == set("ABCHJKL")


def test_without_a_sweep_only_the_papers_heads_are_drawn(tmp_path):
    (axes,) = head_size_figure(table4(tmp_path)).axes
    assert len(points_of(axes)) == 7


def test_each_trial_is_a_point_at_its_parameters_and_accuracy_and_each_arrangement_a_mean(tmp_path):
    """Seed 0 reads a quarter of the unseen words, and seed 1 half of them, with heads of one size."""
    write_arrangements(tmp_path)
    table = table5(tmp_path)
    axes, similar = size_accuracy_figure(table.rows).axes
    assert points_of(similar) == points_of(axes)  # a word is read whole or not at all
    sizes = [row.pruned_parameters.mean / 1e3 for row in table.rows]
    expected = sorted((size, score) for size in sizes for score in (25, 37.5, 50))
    assert [*sum(points_of(axes), ())] == pytest.approx([*sum(expected, ())])
    markers = {line.get_label(): line.get_marker() for line in axes.lines if not line.get_label().startswith("_")}
    assert markers == {"One head for all tasks": "s", "Grouped (2 heads)": "o", "One head for each task (7 heads)": "D"}


def test_stages_stand_side_by_side_and_end_to_end_scores_below(tmp_path):
    write_arrangements(tmp_path)
    write_stage3(tmp_path, "arranged", "fine", lambda trial: 4)
    write_end_to_end(read_sweep(tmp_path / "arranged").trials[0].folder, 0.3)
    words, words_later, _, _, scenes, scenes_later = size_accuracy_figure(table5(tmp_path, "arranged").rows).axes
    assert [axes.get_title() for axes in (words, words_later)] == ["after stage 2", "after stage 3"]
    assert [axes.get_ylabel() for axes in (words, scenes)] == ["unseen words: exact, %", "end-to-end F, %"]
    assert {score for _, score in points_of(words_later)} == {100}
    assert [score for _, score in points_of(scenes)] == [30, 30]
    assert points_of(scenes_later) == []


def test_trials_without_the_facts_about_their_words_say_so(tmp_path):
    folder = write_arrangements(tmp_path)
    for path in folder.glob("*/word_facts.json"):
        path.unlink()
    figure = size_accuracy_figure(table5(tmp_path).rows)
    assert figure.texts[0].get_text() == "no trial has both a score and a size"
