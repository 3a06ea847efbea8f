import dataclasses
import json
import os
import subprocess
import sys

import pytest

from raygroup import config
from raygroup.config import Finetuning, Grouping, Heads, Loss, Pretraining, Training, Trial, Words, trial_from_json, trial_id
from raygroup.config_sections import fingerprint, result_fields, to_json
from raygroup.errors import ConfigError

SECTIONS = {"words": Words, "heads": Heads, "grouping": Grouping, "loss": Loss, "training": Training}

OTHER = {
    "seed": 1,
    "words.source": "MLT19",
    "words.tasks": ("ar", "bn", "zh", "hi", "ja", "la", "ko"),
    "words.parts": (1, 1, 2, 1, 1, 1, 1),
    "words.characters": (31, 40, 400, 40, 200, 150, 60),
    "words.words_per_task": 601,
    "words.unseen_per_task": 61,
    "words.renders": 9,
    "words.max_characters": 9,
    "words.variation": 0.5,
    "words.photographs": 0.5,
    "words.height": 48,
    "words.width": 128,
    "words.seed": 1,
    "words.mixture": (("LSVT19", 20.0), ("MLT19", 100.0)),
    "words.mixture_weighting": "per_dataset",
    "weights.file": "mine.safetensors",
    "heads.count": 4,
    "heads.embed": 16,
    "heads.hidden": 32,
    "heads.start": "independent",
    "heads.word_dropout": 0.0,
    "grouping.method": "one-per-task",
    "grouping.groups": (("ar", "ko"), ("bn", "zh", "hi", "ja", "la")),
    "grouping.base_coefficient_changes": ((0.5, 0.1),),
    "grouping.temperature_changes": ((0.5, 0.5),),
    "grouping.temperature": 2.0,
    "grouping.base_coefficient": 0.3,
    "grouping.min_tasks": 2.0,
    "grouping.sample": "word",
    "grouping.penalty_on": "softmax",
    "grouping.word_tasks": "argmax",
    "grouping.route": "soft",
    "grouping.control": True,
    "grouping.heads_per_word": 2,
    "grouping.assignment": "loss",
    "grouping.loss_gain": 3.0,
    "grouping.loss_decay": 0.5,
    "grouping.penalty_while_idle": True,
    "grouping.probe": 0.3,
    "grouping.probe_by": "inner cosine",
    "loss.length": "sum",
    "loss.words": "sum",
    "loss.recognition": 0.5,
    "loss.grouping": 0.5,
    "loss.task": 0.5,
    "training.steps": 601,
    "training.batch": 32,
    "training.learning_rate": 2e-3,
    "training.assignment_learning_rate": 0.2,
    "training.assignment_learning_rate_changes": ((0.3, 0.2),),
    "training.weight_decay": 0.0,
    "training.clip": 1.0,
    "training.order_seed": 1,
    "training.order": "seed",
    "training.draw": "task",
    "training.evidence": "gradients",
    "training.evidence_every": 5,
    "training.evidence_words": 24,
    "training.checkpoint_every": 50,
}
"""Another valid value for every field of a trial."""
WITHOUT_EFFECT = {"training.checkpoint_every", "weights.file"}
EXPLICIT = Trial(heads=Heads(count=2), grouping=Grouping(method="explicit", groups=(("ar",), ("bn", "zh", "hi", "ja", "ko", "la"))))
MIXED = Trial().replaced("words.mixture", (("MLT19", 1.0),))


def before(path):
    """A trial in which the field may have another value."""
    by_loss = Trial(grouping=Grouping(assignment="loss"), loss=Loss(grouping=0.0))
    gathers = Trial(training=Training(evidence="lookahead"))
    probe = Trial(grouping=Grouping(method="probe", probe=0.2), training=Training(evidence_words=48))
    others = {"training.evidence_every": gathers, "training.evidence_words": gathers, "grouping.probe": probe, "grouping.probe_by": probe}
    others |= {"grouping.loss_gain": by_loss, "grouping.loss_decay": by_loss, "grouping.assignment": Trial(loss=Loss(grouping=0.0))}
    return ({"words.mixture_weighting": MIXED, "grouping.groups": EXPLICIT} | others).get(path, Trial())


def paths(section, before=""):
    for field in dataclasses.fields(section):
        value = getattr(section, field.name)
        if dataclasses.is_dataclass(value):
            yield from paths(value, f"{before}{field.name}.")
        else:
            yield before + field.name


def refused(call, *values, **named):
    with pytest.raises(ConfigError) as error:
        call(*values, **named)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("kind", [*SECTIONS.values(), Trial, Pretraining])
def test_a_misspelt_field_is_answered_with_the_valid_ones(kind):
    message = refused(kind, no_such_field=1)
    names = ", ".join(field.name for field in dataclasses.fields(kind))
    assert message == f"no field 'no_such_field'; {kind.__name__} has: {names}"


def test_a_misspelt_dotted_path_names_the_section_that_lacks_it():
    assert refused(Trial().replaced, "grouping.base_coeficient", 0.1).startswith(
        "no field 'grouping.base_coeficient'; did you mean 'base_coefficient'? grouping has: method, groups, temperature, base_coefficient"
    )
    assert refused(Trial().replaced, "groping.base_coefficient", 0.1).startswith(
        "no field 'groping.base_coefficient'; did you mean 'grouping'? trial has: seed, words"
    )
    assert refused(Trial().replaced, "heads.count.much", 1) == "no field 'heads.count.much'; 'heads.count' is a single value"


@pytest.mark.parametrize(
    ("path", "value", "right"),
    [
        ("seed", -1, "a whole number from 0"),
        ("seed", True, "a whole number from 0"),
        ("words.words_per_task", 0, "a whole number from 1"),
        ("words.variation", 1.5, "a number from 0 to 1"),
        ("words.photographs", -0.1, "a number from 0 to 1"),
        ("words.tasks", (), "task names, each once"),
        ("words.tasks", ("ar", "ar"), "task names, each once"),
        ("words.characters", (30, 40), "one number for each of the 7 tasks"),
        ("words.characters", (1,) * 7, "a whole number from 2"),
        ("words.parts", (2, 2), "one number for each of the 7 languages of words.tasks, or empty"),
        ("words.parts", (2, 2, 2, 0, 1, 1, 1), "a whole number from 1 to 1000"),
        ("words.words_per_task", (600, 300), "one number, or one for each of the 7 tasks"),
        ("words.words_per_task", (0,) * 7, "a whole number from 1"),
        ("training.draw", "language", "one of word, task"),
        ("training.order", "free", "one of shared, seed"),
        (
            "words.mixture",
            (("MLT19", 1), ("MLT19", 2)),
            'pairs of a source and its ratio, each source once, such as (("MLT19", 100), ("LSVT19", 20))',
        ),
        ("words.mixture", {"MLT19": 1}, 'pairs of a source and its ratio, each source once, such as (("MLT19", 100), ("LSVT19", 20))'),
        ("words.mixture", ("MLT19", 1), 'pairs of a source and its ratio, each source once, such as (("MLT19", 100), ("LSVT19", 20))'),
        ("words.mixture_weighting", "per_image", "one of per_sample, per_dataset"),
        ("words.mixture_weighting", "per_dataset", "'per_sample' if words.mixture is empty, because there is nothing to weigh"),
        ("heads.count", 2.5, "a whole number from 1 to 10000"),
        ("heads.count", "5", "a whole number from 1 to 10000"),
        ("heads.start", "random", "one of universal, independent, trained"),
        ("heads.word_dropout", -0.1, "a number from 0 to 1"),
        ("grouping.temperature", 0, "a number from 0.001"),
        ("grouping.base_coefficient", float("nan"), "a number from 0"),
        ("grouping.sample", "epoch", "one of step, word"),
        ("grouping.groups", (("ar",),), "empty unless grouping.method is 'explicit' or 'cover'"),
        (
            "grouping.base_coefficient_changes",
            ((0.5, 0.1), (0.4, 0.2)),
            "pairs of a share of the steps, each later than the one before, and a number from 0, such as ((0.5, 0.1),)",
        ),
        (
            "grouping.temperature_changes",
            ((1.5, 0.1),),
            "pairs of a share of the steps, each later than the one before, and a number from 0.001, such as ((0.5, 0.1),)",
        ),
        ("loss.length", None, "one of mean, sum"),
        ("training.steps", 0, "a whole number from 1"),
        ("training.clip", 0, "a number from 1e-09"),
        ("heads", 5, "a Heads"),
    ],
)
def test_a_value_out_of_range_is_named_with_the_field_and_what_would_be_right(path, value, right):
    message = refused(Trial().replaced, path, value)
    assert message.startswith(f"{path} is ")
    assert message.endswith(f"it must be {right}")


@pytest.mark.parametrize("ratio", [-1, float("nan"), float("inf"), "2", True])
def test_a_ratio_that_cannot_be_a_weight_is_named_with_its_source(ratio):
    message = refused(Words, mixture=(("MLT19", 100), ("LSVT19", ratio)))
    shown = float(ratio) if type(ratio) is int else ratio
    assert message == f"words.mixture['LSVT19'] is {shown!r}: it must be a number from 0"


def test_a_mixture_must_draw_some_source():
    assert Words(mixture=(("MLT19", 1), ("LSVT19", 0))).mixture == (("LSVT19", 0.0), ("MLT19", 1.0))
    assert refused(Words, mixture=(("MLT19", 0), ("LSVT19", 0))).endswith("it must be ratios of which at least one is above 0")


def test_a_mixture_decides_what_stage_1_draws_so_no_tasks_are_drawn():
    mixed = Words(mixture=(("MLT19", 1),))
    assert Pretraining(words=mixed).words == mixed
    assert refused(Pretraining, words=mixed, draw="task").startswith("draw is 'task': it must be 'word' with words.mixture")


def test_stage_1_must_train_the_trunk_unless_it_starts_from_one():
    assert Pretraining(steps=0, start="laptop").all_steps == Pretraining().head_steps
    assert refused(Pretraining, steps=0).startswith("steps is 0: it must be a whole number from 1 without start")
    assert refused(Pretraining(steps=0, start="laptop").replaced, "start", "").startswith("steps is 0")


def test_a_trial_of_stage_1_changes_by_dotted_paths():
    assert Pretraining().replaced("heads.hidden", 16).heads.hidden == 16
    assert refused(Pretraining().replaced, "heds.hidden", 16).startswith("no field 'heds.hidden'; did you mean 'heads'?")


def test_a_control_without_a_learned_grouping_is_refused_since_it_would_do_nothing():
    assert "nothing to control for" in refused(Grouping, method="one-per-task", control=True)


def test_an_explicit_grouping_names_each_task_once():
    assert refused(Grouping, method="explicit").startswith("grouping.groups is (): it must be the tasks of each head, each task once")
    assert "each task once" in refused(Grouping, method="explicit", groups=(("ar", "bn"), ("ar",)))
    assert "each task once" in refused(Grouping, method="explicit", groups=(("ar",), ()))


def test_stage_3_freezes_the_grouping_and_keeps_all_that_it_does_not_set():
    grouped = Trial(seed=4, heads=Heads(count=3, word_dropout=0.3), grouping=Grouping(base_coefficient_changes=((0.5, 0.1),)))
    finetuned = Finetuning(training=Training(steps=50)).trial_after(grouped)
    assert finetuned.grouping.method == finetuned.heads.start == "trained"
    assert (finetuned.grouping.base_coefficient, finetuned.grouping.base_coefficient_changes) == (0.0, ())
    assert (finetuned.seed, finetuned.words, finetuned.heads.count, finetuned.heads.word_dropout) == (4, grouped.words, 3, 0.3)
    assert finetuned.training.steps == 50
    assert Finetuning(word_dropout=0.0).trial_after(grouped).heads.word_dropout == 0.0


def test_the_universal_head_of_stage_1_is_one():
    assert refused(Pretraining, heads=Heads(count=2)).startswith("heads.count is 2")


def test_settings_cannot_be_changed_once_made():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Trial().seed = 1


def test_replacing_a_field_changes_it_alone_and_leaves_the_trial_as_it_was():
    before = Trial()
    after = before.replaced("grouping.base_coefficient", 0.3)
    assert after.grouping == Grouping(base_coefficient=0.3)
    assert dataclasses.replace(after, grouping=before.grouping) == before == Trial()


def test_every_field_of_a_trial_is_covered_here():
    assert set(paths(Trial())) == OTHER.keys()


@pytest.mark.parametrize("path", OTHER)
def test_a_trials_id_changes_with_every_setting_but_those_that_leave_its_numbers_alone(path):
    changed = before(path).replaced(path, OTHER[path])
    assert changed != before(path)
    assert (trial_id("s", changed, "d") == trial_id("s", before(path), "d")) == (path in WITHOUT_EFFECT)


def test_trials_without_a_mixture_keep_the_ids_they_had_before_there_were_mixtures():
    assert trial_id("s", Trial(), "d") == "s-f77060a622d9"


def test_equal_mixtures_are_one_trial_whatever_their_order_and_spelling():
    spelled = [(("LSVT19", 20), ("MLT19", 100)), [["MLT19", 100.0], ["LSVT19", 20.0]]]
    assert {trial_id("s", Trial().replaced("words.mixture", mixture), "d") for mixture in spelled} == {
        trial_id("s", Trial().replaced("words.mixture", OTHER["words.mixture"]), "d")
    }


def test_a_trials_id_changes_with_the_words_the_sweep_and_the_recipe(monkeypatch):
    trial_name = trial_id("s", Trial(), "data")
    assert trial_id("s", Trial(), "other data") != trial_name
    assert trial_id("t", Trial(), "data") == trial_name.replace("s-", "t-")
    monkeypatch.setattr(config, "RECIPE_VERSION", config.RECIPE_VERSION + 1)
    assert trial_id("s", Trial(), "data") != trial_name


def test_a_trials_id_is_the_same_in_every_process_whatever_its_hash_seed():
    code = "from raygroup.config import *; print(trial_id('s', Trial().replaced('grouping.base_coefficient', 0.3), 'data'))"
    ids = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | {"PYTHONHASHSEED": seed}
        ).stdout.strip()
        for seed in ("0", "1", "2")
    }
    assert ids == {trial_id("s", Trial().replaced("grouping.base_coefficient", 0.3), "data")}
    assert len(ids.pop()) == len("s-") + 12


@pytest.mark.parametrize("path", OTHER)
def test_a_trial_read_from_its_json_is_the_trial_that_was_written(path):
    trial = before(path).replaced(path, OTHER[path])
    read = trial_from_json(json.loads(json.dumps(to_json(trial))))
    assert read == trial
    assert trial_id("s", read, "d") == trial_id("s", trial, "d")


def test_json_of_another_version_is_refused_with_the_field_it_does_not_know():
    stored = to_json(Trial())
    stored["grouping"]["from_the_future"] = 1
    assert refused(trial_from_json, stored).startswith("no field 'from_the_future'; Grouping has: ")


def test_result_fields_are_plain_json_without_the_settings_that_change_no_number():
    fields = result_fields(Trial())
    assert "checkpoint_every" not in fields["training"]
    unset = {
        "checkpoint_every": 100, "assignment_learning_rate_changes": (), "order": "shared", "draw": "word", "evidence": "none",
        "evidence_every": 10, "evidence_words": 0,
    }  # fmt: skip
    assert fields["training"] | unset == dataclasses.asdict(Training())
    json.dumps(fields)


def test_a_fingerprint_does_not_hang_on_the_order_of_keys_but_on_that_of_lists():
    assert fingerprint({"a": 1, "b": (1, 2)}) == fingerprint({"b": [1, 2], "a": 1})
    assert fingerprint([1, 2]) != fingerprint([2, 1])
    assert fingerprint("ab", "c") != fingerprint("a", "bc")


@pytest.mark.parametrize("path", OTHER)
def test_every_field_refuses_a_value_of_another_type(path):
    for wrong in (object(), None, b"bytes", {"a": 1}):
        message = refused(before(path).replaced, path, wrong)
        assert message.startswith(f"{path} is ")
        assert len(message) <= 300


@pytest.mark.parametrize("value", ["no", 0, 1, "", None])
def test_only_true_and_false_are_truth_values(value):
    assert refused(Grouping, control=value) == f"grouping.control is {value!r}: it must be True or False"


def test_numbers_are_taken_in_any_type_that_holds_them_exactly():
    np = pytest.importorskip("numpy")
    plain = Trial(heads=Heads(count=2, embed=(8, 16)), grouping=Grouping(base_coefficient=0.5, control=True), training=Training(steps=7))
    other = Trial(
        heads=Heads(count=np.int64(2), embed=[8.0, np.float32(16)]),
        grouping=Grouping(base_coefficient=np.float32(0.5), control=np.True_),
        training=Training(steps=7.0),
    )
    assert to_json(other) == to_json(plain)
    assert trial_id("s", other, "d") == trial_id("s", plain, "d")
    assert refused(Training, steps=7.5) == "training.steps is 7.5: it must be a whole number from 1"
    assert refused(Training, clip=10**400).startswith("training.clip is 1000")


def test_a_long_value_is_shortened_in_its_message():
    assert len(refused(Words, tasks=tuple("abcdefghij" * 100))) <= 300
