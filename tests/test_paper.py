from raygroup.paper import TABLE_1, TABLE_2, TABLE_3, TABLE_4, TABLE_5
from raygroup.tasks import PAPER_TASKS


def test_table_2_has_30_groups_that_occur_73_times():
    assert len(TABLE_2) == 30
    assert sum(row.num_occurrences for row in TABLE_2) == 73
    assert len({row.tasks for row in TABLE_2}) == 30


def test_every_task_had_a_head_to_itself_at_least_twice():
    alone = {row.label: row.num_occurrences for row in TABLE_2 if len(row.tasks) == 1}
    assert set(alone) == set("ABCHJKL")
    assert min(alone.values()) == 2


def test_the_most_frequent_shared_head_is_arabic_with_korean():
    shared = max((row for row in TABLE_2 if len(row.tasks) > 1), key=lambda row: row.num_occurrences)
    assert (shared.label, shared.num_occurrences) == ("A+K", 5)


def test_the_assignment_changed_most_at_base_coefficient_two_tenths():
    assert max(TABLE_3, key=TABLE_3.__getitem__) == 0.2


def test_the_head_parameters_of_table_4_follow_from_embed_hidden_and_9000_characters():
    def parameters(embed: int, hidden: int, characters: int) -> int:
        """Return the parameters of a head (facts 6.3).

        The input has 256 channels, and the 8x32 grid has 40 position channels.
        """
        attention = (2 * hidden + 40) * hidden + hidden + hidden
        cell = 3 * hidden * (2 * hidden + 40) + 3 * hidden**2 + 6 * hidden
        ends = characters * embed + embed * hidden + hidden + characters * hidden + characters
        return 256 * hidden * 9 + hidden + ends + attention + cell

    for row in TABLE_4:
        assert round(parameters(row.embed, row.hidden, 9000) / 1e6, 2) == row.parameters_m
        assert round(parameters(row.embed, row.hidden, row.num_characters) / 1e6, 2) == row.pruned_parameters_m


def test_each_task_of_table_4_has_one_head():
    assert sorted(row.task for row in TABLE_4) == sorted(PAPER_TASKS)


def test_the_f_of_table_5_is_the_harmonic_mean_of_its_precision_and_recall():
    for row in TABLE_5:
        assert abs(2 * row.precision * row.recall / (row.precision + row.recall) - row.f) < 0.1


def test_each_row_of_table_5_names_its_publication_and_its_heads():
    assert all(row.source for row in TABLE_5)
    labels = [row.label for row in TABLE_5]
    assert labels[4:7] == ["Mask TextSpotter V3 (1 head)", "Multiplexed TextSpotter (8 heads)", "Grouped (2 heads)"]


def test_art19_is_its_training_set_without_the_300_test_images_of_total_text():
    images = {row.name: row.train_images for row in TABLE_1}
    assert images["ArT19"] == 5603 - 300
