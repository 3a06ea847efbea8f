"""``python -m raygroup.choose`` on made-up group heads in which planted pairs read better together."""

import json

import pytest
from oracle_sweeps import PLAN, write_oracle
from synthetic_storage import DATA, write_sweep

import raygroup
from raygroup.choose.__main__ import build_parser, main, request_of
from raygroup.config import Grouping, Heads, Training, Trial
from raygroup.errors import ConfigError
from raygroup.export.named_trial import named_trial
from raygroup.figures.groupings.choice_front import choice_figure
from raygroup.search_space import load
from raygroup.task_groups import all_groups, groups_text
from raygroup.tasks import PAPER_TASKS


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    path = tmp_path_factory.mktemp("choices")
    write_oracle(path)
    return path


def choose(storage, **request):
    return raygroup.choose_groups(storage, request=raygroup.Request(**request))


def chosen(storage, **request):
    return groups_text(choose(storage, **request).chosen.groups)


def test_without_a_budget_the_plan_is_chosen(storage):
    choice = choose(storage)
    assert groups_text(choice.chosen.groups) == PLAN
    assert not choice.predicted
    assert choice.still_to_train == ()
    assert choice.reliability.icc > 0.9
    assert choice.share_best > 0.95


def test_heads_are_a_limit(storage):
    choice = choose(storage, heads=2)
    assert len(choice.chosen.groups) == 2
    best = next(row for row in choice.alternatives if row.name == "the best without a budget")
    assert groups_text(best.groups) == PLAN
    assert best.behind.mean < 0, "the budget costs accuracy"
    assert best.behind.count == 3
    assert groups_text(choose(storage, heads=7).chosen.groups) == PLAN, "more heads than help are left unused"


def test_parameters_of_a_choice_keep_to_their_limit_and_a_tighter_one_leaves_fewer_heads(storage):
    whole = choose(storage).chosen.parameters
    choice = choose(storage, max_parameters=whole - 1)
    assert choice.chosen.parameters < whole
    assert len(choice.chosen.groups) == 3


def test_the_smallest_grouping_that_reaches_a_target_is_chosen(storage):
    front = {len(row.groups): row for row in choose(storage).front}
    choice = choose(storage, target_accuracy=front[2].accuracy - 0.001)
    assert len(choice.chosen.groups) == 2
    with pytest.raises(ConfigError, match=r"no grouping reaches an accuracy of 0.99 on unseen words: the nearest is .*, with 0\.\d+"):
        choose(storage, target_accuracy=0.99)


def test_pairs_are_kept_together_and_apart(storage):
    assert "ar+ko" not in chosen(storage, apart=(("ar", "ko"),))
    groups = choose(storage, together=(("la", "ar"),)).chosen.groups
    assert any({"la", "ar"} <= group for group in groups)
    with pytest.raises(ConfigError, match="no task 'xx'"):
        choose(storage, apart=(("ar", "xx"),))


def test_a_budget_that_nothing_meets_names_the_nearest(storage):
    with pytest.raises(ConfigError, match=r"no grouping meets parameters <= 10: the nearest is ar\+bn\+zh\+hi\+ja\+ko\+la, with"):
        choose(storage, max_parameters=10)


def test_each_task_has_its_words_and_interval(storage):
    choice = choose(storage)
    assert len(choice.tasks) == 14, "seven tasks, new and unseen words"
    row = next(row for row in choice.tasks if (row.task, row.split) == ("ar", "unseen"))
    assert (row.group, row.words) == ("ar+ko", 12)
    assert row.accuracy.low < row.accuracy.mean < row.accuracy.high


def test_the_choice_is_scored_by_seeds_and_words_that_did_not_choose(tmp_path):
    write_oracle(tmp_path, gain=0.0, noise=0.05, seeds=(0, 1))
    choice = choose(tmp_path, heads=4)
    flattered = max(choice.everything[0])
    assert choice.chosen.one_minus_ned < flattered - 0.005
    assert choice.share_best < 0.9


def test_latency_is_measured_where_it_is_limited(storage):
    choice = choose(storage, max_latency_ms=1000.0)
    assert 0 < choice.chosen.latency_ms < 1000
    assert choose(storage).chosen.latency_ms is None
    with pytest.raises(ConfigError, match="no grouping meets latency in ms <= 0.0001"):
        choose(storage, max_latency_ms=0.0001)


def test_missing_groups_are_predicted_and_listed(tmp_path):
    measured = [group for group in all_groups(PAPER_TASKS) if len(group) in (1, 2, 7)]
    write_oracle(tmp_path, groups=tuple(measured))
    choice = choose(tmp_path, heads=3)
    assert choice.predicted
    assert choice.error > 0
    assert len(choice.still_to_train) == 127 - len(measured)
    unmeasured = {group for group in choice.chosen.groups if len(group) > 2}
    assert len(unmeasured) >= 1
    assert set(choice.still_to_train[: len(unmeasured)]) == {groups_text(frozenset({group})) for group in unmeasured}


def test_too_few_groups_list_those_still_to_train(tmp_path):
    write_oracle(tmp_path, groups=(("ar",), ("ko",)))
    with pytest.raises(ConfigError, match="too few groups have a head to predict the others: .*; still to train: bn, zh, hi"):
        choose(tmp_path)


def test_a_choice_says_what_a_classifiers_mistakes_cost(tmp_path):
    """A twelfth of the words of zh, ja and la is sent to another of them. On the plan's heads zh and ja are at home together."""
    write_oracle(tmp_path, classifier=True)
    choice = choose(tmp_path)
    assert groups_text(choice.chosen.groups) == PLAN, "words that were sent do not choose"
    scores = {(row.task, row.split): row for row in choice.tasks}
    assert scores["zh", "new"].sent.wrong_head == 0, "sent to ja, which has the same head"
    assert scores["zh", "new"].sent.one_minus_ned == pytest.approx(scores["zh", "new"].one_minus_ned.mean, abs=1e-6)
    for task in ("ja", "la"):
        row = scores[task, "unseen"]
        assert row.sent.words == row.words == 12
        assert row.sent.wrong_head == pytest.approx(1 / 12)
        assert row.sent.one_minus_ned < row.one_minus_ned.mean - 0.01
    alone = next(row for row in choice.alternatives if row.name == "one head per task")
    lost = {row.name: row.one_minus_ned - row.sent_one_minus_ned for row in (choice.chosen, alone)}
    assert lost["one head per task"] > lost["the choice"] > 0, "three tasks lose words there, not two"
    together = next(row for row in choice.alternatives if row.name == "one head for all")
    assert together.sent_one_minus_ned == pytest.approx(together.one_minus_ned, abs=0.003), "no word can be sent to a wrong head"


def test_without_a_classifier_nothing_is_said_of_its_route(storage, capsys):
    assert choose(storage).chosen.sent_one_minus_ned is None
    assert main(["--storage-path", str(storage)]) == 0
    assert "sent" not in capsys.readouterr().out


def test_the_table_shows_the_classifiers_route(tmp_path, capsys):
    write_oracle(tmp_path, classifier=True)
    assert main(["--storage-path", str(tmp_path), "--json"]) == 0
    choice = json.loads(capsys.readouterr().out)
    assert choice["tasks"][0].keys() >= {"sent"}
    assert main(["--storage-path", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "wrong head, %" in shown
    assert "as in a shipped reader" in shown


def test_one_seed_chooses_and_says_that_it_flatters(tmp_path, capsys):
    write_oracle(tmp_path, seeds=(4,))
    assert main(["--storage-path", str(tmp_path)]) == 0
    assert "it is optimistic" in " ".join(capsys.readouterr().out.split())


def test_the_command_writes_what_trains_and_exports_the_choice(storage, tmp_path, capsys):
    assert main(["--heads", "4", "--storage-path", str(storage), "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert f"Best grouping with at most 4 heads: {PLAN}" in shown
    assert "PaddleOCR's readers" in shown
    assert (tmp_path / "choice.png").stat().st_size > 10_000
    space = load(str(tmp_path / "chosen.py"))
    trial = space.trials()[0][1]
    assert space.name == "oracle_made_up_chosen"
    assert trial.grouping.groups == (("ar", "ko"), ("bn", "hi"), ("zh", "ja"), ("la",))
    assert (trial.heads.count, trial.training.steps, trial.loss.task) == (4, 60, 1.0)
    assert space.seeds == (10, 11, 12)


def test_export_takes_the_trial_that_trained_the_choice(storage, tmp_path):
    assert main(["--heads", "4", "--storage-path", str(storage), "--out", str(tmp_path), "--json"]) == 0
    path = str(tmp_path / "choice.json")
    with pytest.raises(ConfigError, match=r"has the grouping ar\+ko .* on these words: train it with '.*raygroup.sweep .*chosen.py'"):
        named_trial(path, [storage])
    groups = (("ar", "ko"), ("bn", "hi"), ("zh", "ja"), ("la",), ())[:4]
    trial = Trial(heads=Heads(count=4), grouping=Grouping(method="explicit", groups=groups), training=Training(steps=60))
    other = tmp_path / "runs"
    write_sweep(other, "trained", [("seed=10", trial)])
    _walk_to(other, groups)
    assert named_trial(path, [other]).label == "seed=10"
    assert json.loads((tmp_path / "choice.json").read_text())["data"] == DATA


def _walk_to(storage, groups):
    """Give the trial a history that ends in these groups."""
    import numpy as np
    from synthetic_storage import write_attempt

    from raygroup.history.writer import remove_attempts, seal
    from raygroup.search_space import any_trial_from_json

    folder = next(path.parent for path in storage.glob("trained/*/config.json"))
    trial = any_trial_from_json(json.loads((folder / "config.json").read_text())["trial"])
    head_of = {task: head for head, group in enumerate(groups) for task in group}
    r_tm = np.tile(np.eye(4, dtype=np.float32)[[head_of[task] for task in PAPER_TASKS]], (60, 1, 1))
    (folder / "history.parquet").unlink()
    write_attempt(folder, 1, r_tm, trial, 1)
    seal(folder)
    remove_attempts(folder)


def test_the_figure_has_the_choice_the_front_and_other_rules(storage):
    labels = choice_figure(choose(storage, heads=3)).axes[0].get_legend_handles_labels()[1]
    assert {"the choice", "all groupings", "best of each number of heads", "EasyOCR's readers"} <= set(labels)


@pytest.mark.parametrize(("text", "number"), [("12M", 12_000_000), ("300k", 300_000), ("250_000", 250_000), ("1.5m", 1_500_000)])
def test_parameters_are_parsed_with_units(text, number):
    assert request_of(build_parser().parse_args(["--max-parameters", text])).max_parameters == number


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-parameters", "9" * 400], "is no number of parameters"),
        (["--max-parameters", "many"], "'many' is no number of parameters: write 250000, 300k or 12M"),
        (["--apart", "ar"], "'ar' does not name two tasks: write them as ar,zh"),
        (["--target-accuracy", "50"], "target_accuracy is 50.0: it must be a share from 0 to 1"),
        (["--max-latency-ms", "-1"], "max_latency_ms is -1.0: it must be above 0"),
    ],
)
def test_bad_input_is_one_clear_line(storage, arguments, message, capsys):
    assert main([*arguments, "--storage-path", str(storage)]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_sweep_of_groupings_is_refused(storage, tmp_path):
    write_sweep(tmp_path, "groupings", [("a", Trial(heads=Heads(count=5), training=Training(steps=60)))])
    with pytest.raises(ConfigError, match=r"no finished sweep for a choice: groupings trains no group heads\. 'python -m raygroup.sweep"):
        choose(tmp_path)
