"""The line at the start of a run."""

import pytest
from tiny_sweep import space

from raygroup.runtime.placement import ON_CPU
from raygroup.runtime.planning.forecast import forecast
from raygroup.runtime.planning.outlook import outlook_text
from raygroup.runtime.planning.packs import make_packs
from raygroup.runtime.planning.plan import load_plan


def outlook(path, storage, *, here=True):
    plan = load_plan(path, storage)
    return outlook_text(plan, plan.missing, forecast(plan, make_packs(plan.missing, ON_CPU), ON_CPU), here=here)


def test_without_a_cache_words_are_made_first_and_times_are_estimated(tmp_path):
    line = outlook(space(tmp_path), tmp_path / "runs")
    assert line.startswith("tiny: 2 of 2 trials to train; words and features are made first, in a few seconds; training takes ")
    assert line.endswith("by estimated step times")


def test_with_a_cache_and_finished_trials_times_are_measured(finished, tmp_path):
    line = outlook(space(tmp_path, seeds="(0, 1)"), finished)
    assert line.startswith("tiny: 2 of 4 trials to train; words and features are cached; training takes ")
    assert line.endswith("by measured step times")


@pytest.mark.parametrize(("here", "unit"), [(True, " on "), (False, " of core time, ")])
def test_only_on_this_machine_the_line_gives_wall_time(here, unit, tmp_path):
    assert unit in outlook(space(tmp_path, steps=20_000), tmp_path / "runs", here=here)
