"""The line at the start of a run: what it has to do, what is cached, and how long it takes."""

from collections import Counter
from collections.abc import Sequence

from raygroup.costs import features_cpu_s, rendering_cpu_s
from raygroup.runtime.planning.forecast import Forecast, basis_text
from raygroup.runtime.planning.jobs import Job, word_jobs
from raygroup.runtime.planning.plan import Plan
from raygroup.runtime.processes import cores
from raygroup.runtime.stage1.job import stage1_jobs
from raygroup.terminal import seconds_text

_FEW_SECONDS = 10.0


def outlook_text(plan: Plan, missing: Sequence[Job], forecast: Forecast, *, here: bool) -> str:
    """Return one line on the trials to train, the cached inputs, and the time.

    ``here`` says that the trials run on this machine. The size of another cluster is not known, so
    the line then gives the processor time.
    """
    return f"{missing_text(plan, missing)}; {_inputs_text(plan, missing)}; training takes {_training_text(forecast, here=here)}"


def missing_text(plan: Plan, missing: Sequence[Job]) -> str:
    """Return how many trials are to train, such as ``table5: 2 of 8 trials to train, after 2 of table5_groupings``."""
    folders = {stage.folder: stage.sweep.name for stage in plan.stages}
    counts = Counter(folders[job.folder.parent] for job in missing)
    text = f"{plan.sweep.name}: {counts.pop(plan.sweep.name, 0)} of {len(plan.jobs)} trials to train"
    return text + (f", after {' and '.join(f'{count} of {name}' for name, count in counts.items())}" if counts else "")


def _inputs_text(plan: Plan, missing: Sequence[Job]) -> str:
    if plan.scenes is not None:
        return "scenes are cached" if all(path.exists() for job in missing for path in job.caches) else "scenes are copied first"
    jobs = word_jobs(missing)
    if not jobs:
        return "words are cached" if all(job.store.exists() for job in stage1_jobs(missing)) else "words are made first"
    stores = list({job.store: job for job in jobs if not job.store.exists()}.values())
    features = list({job.features: job for job in jobs if not job.features.exists()}.values())
    if not features:
        return "words and features are cached"
    subject = "words and features are made first" if stores else "words are cached, features are made first"
    if plan.words is not None:
        return subject  # nobody has counted the user's words yet
    cpu_s = sum(rendering_cpu_s(job.trial.words) for job in stores) + sum(features_cpu_s(job.trial.words) for job in features)
    return f"{subject}, in {_about(cpu_s / cores())}"


def _training_text(forecast: Forecast, *, here: bool) -> str:
    times = f"by {basis_text(forecast)} step times"
    unit = "core" if forecast.device == "cpu" else "GPU"
    if not here:
        return f"{_about(3600 * forecast.device_hours)} of {unit} time, {times}"
    return f"{_about(3600 * forecast.wall_hours)} on {forecast.devices} {unit}{'s' if forecast.devices > 1 else ''}, {times}"


def _about(seconds: float) -> str:
    return f"about {seconds_text(seconds)}" if seconds >= _FEW_SECONDS else "a few seconds"
