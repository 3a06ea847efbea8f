"""The identity of a trial: its settings and data must give the name of its folder.

Folders change their names by a careless ``mv`` or a restored backup. Whoever went on from such a folder would train or show another trial.
"""

from dataclasses import replace
from typing import Any

from raygroup.config import Trial, Words, trial_id
from raygroup.errors import OtherTrialError
from raygroup.files.places import Place
from raygroup.search_space import AnyTrial, any_trial_from_json


def without_rendering(trial: Trial) -> Trial:
    """Return a trial with default settings for rendering.

    A trial on a user's words does not depend on them, so they must not enter its id.
    """
    words = trial.words
    return replace(trial, words=Words(source=words.source, mixture=words.mixture, mixture_weighting=words.mixture_weighting))


def same_trials(trial: AnyTrial) -> tuple[AnyTrial, ...]:
    """Return a trial, and what else it would be on a user's words."""
    return (trial, without_rendering(trial)) if isinstance(trial, Trial) else (trial,)


def require_own_settings(folder: Place, file: Place, settings: dict[str, Any], data: str) -> None:
    """Raise OtherTrialError if the settings in a file of a trial's folder are those of another trial.

    A trial of an earlier recipe has the id that this recipe gave it.
    """
    trial = any_trial_from_json(settings)
    name = folder.name.rpartition("-")[0]
    ids = [trial_id(name, variant, data, recipe) for recipe in range(trial.recipe_version, 0, -1) for variant in same_trials(trial)]
    if folder.name not in ids:
        raise OtherTrialError(
            f"{file} has the settings of trial {ids[0]}, but its folder is that of trial {folder.name}: "
            "give the folder its own name back, or delete it"
        )
