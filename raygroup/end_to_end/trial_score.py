"""The end-to-end score of one trial: its heads read the words that a detector found."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from raygroup.end_to_end.found_words import FoundScenes
from raygroup.end_to_end.score_interval import hmean_interval
from raygroup.errors import ConfigError
from raygroup.reading.package import Package
from raygroup.scoring.results import Result
from raygroup.spotting.spotter import SpottingThresholds
from raygroup.spotting.threshold_choice import IGNORED, SubmittedScene, choose_thresholds, score_scenes
from raygroup.tasks import by_paper_order
from raygroup.words.labels import normalise

PROTOCOL = "mlt19-task4"


@dataclass(frozen=True, kw_only=True, eq=False)
class TrialScore:
    """The score of a whole spotter whose words one trial reads."""

    thresholds: Mapping[str, SpottingThresholds]
    """For each purpose, chosen on scenes that do not score."""
    num_choosing: int
    """Number of these scenes."""
    task1: Result
    """With the thresholds for detection."""
    task4: Result
    """With the thresholds for reading end to end."""
    interval: tuple[float, float]
    """95 % interval of H of task 4, over images."""
    num_spellable: int
    """Words of the scenes that score whose characters the heads all know."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        end_to_end, counts = self.task4.scores, self.task4.counts
        low, high = self.interval
        recalls = {name: {"words": each.words, "recall": each.recall} for name, each in self.task4.scripts.items()}
        return {
            "images": counts.images, "words": counts.words, "spellable_words": self.num_spellable, "protocol": PROTOCOL,
            "thresholds": {
                "images": self.num_choosing,
                **{purpose: {"detection": each.detection, "reading": each.reading} for purpose, each in self.thresholds.items()},
            },
            "precision": end_to_end.precision, "recall": end_to_end.recall, "f": end_to_end.hmean,
            "one_minus_ned": end_to_end.one_minus_ned, "low": low, "high": high, "task1": _detection_json(self.task1),
            "by_task": {task: recalls[task] for task in by_paper_order(set(recalls))},
        }  # fmt: skip


def score_trial(package: Package, found: FoundScenes) -> TrialScore:
    """Read the found words with a trial and score them by tasks 1 and 4 of MLT19.

    The trial's classifier routes each word to a head. Raises ConfigError if the scenes have words of a task that the trial lacks.
    """
    _require_tasks(package, found)
    characters = {character for head in package.record.heads for character in head.characters}
    return score_readings(*_read(package, found), found.labelled.fingerprint[:16], characters)


def score_readings(
    choosing: Sequence[SubmittedScene], scoring: Sequence[SubmittedScene], chosen_on: str, characters: Collection[str]
) -> TrialScore:
    """Choose thresholds on some scenes as the export of a spotter does, and score others.

    ``chosen_on`` is the name of the scenes. ``characters`` are those that the heads know.
    """
    thresholds = choose_thresholds(choosing, chosen_on)
    task4 = score_scenes(scoring, 4, thresholds["end-to-end"])
    return TrialScore(
        thresholds=thresholds, num_choosing=len(choosing), task1=score_scenes(scoring, 1, thresholds["detection"]), task4=task4,
        interval=hmean_interval(task4), num_spellable=_num_spellable(characters, scoring),
    )  # fmt: skip


def _require_tasks(package: Package, found: FoundScenes) -> None:
    if missing := found.labelled.tasks - set(package.tasks):
        tasks, command = ", ".join(package.tasks), f"python -m raygroup.data render --tasks {','.join(package.tasks)}"
        raise ConfigError(
            f"{found.labelled.path} has words of {', '.join(by_paper_order(set(missing)))}, but the trial reads {tasks}: name scenes of "
            f"these tasks ('{command}' draws some)"
        )


def _read(package: Package, found: FoundScenes) -> tuple[list[SubmittedScene], list[SubmittedScene]]:
    """Return the scenes that choose thresholds and those that score, with all words as they are read."""
    readings = iter(package.read([crop for scene in found.scenes for crop in scene.found.crops]))
    parts: dict[bool, list[SubmittedScene]] = {True: [], False: []}
    for scene in found.scenes:
        parts[scene.labels.chooses].append(scene.with_readings([next(readings) for _ in scene.found.crops]))
    return parts[True], parts[False]


def _num_spellable(characters: Collection[str], scenes: Sequence[SubmittedScene]) -> int:
    """Count the words that some reading could match. Upper and lower case are the same for MLT19."""
    known = {character.upper() for character in characters}
    texts = [normalise(word.text) for scene in scenes for word in scene.truths if word.text != IGNORED]
    return sum(known.issuperset(character.upper() for character in text) for text in texts)


def _detection_json(result: Result) -> dict[str, Any]:
    scores = asdict(result.scores)
    return {"precision": scores["precision"], "recall": scores["recall"], "f": scores["hmean"]}
