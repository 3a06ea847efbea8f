"""All protocols by name, each with its readers and its scorer."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.scoring.protocols import deteval, deteval_files, icdar15, mlt19, totaltext
from raygroup.scoring.results import Result
from raygroup.scoring.word_columns import WordColumns


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The readers and the scorer of one protocol.

    ``score`` also takes words built in memory (``word_columns.truth_columns``,
    ``word_columns.detection_columns``).
    """

    name: str
    title: str
    read_truths: Callable[[Path], WordColumns]
    read_detections: Callable[[Path, WordColumns], WordColumns]
    score: Callable[[WordColumns, WordColumns], Result]
    scores_texts: bool = True
    """Whether detections have a text."""


_ALL = (
    *(
        Protocol(
            name=f"mlt19-task{task}",
            title=f"MLT19 task {task}, {title}",
            read_truths=partial(mlt19.read_truths, task=task),
            read_detections=partial(mlt19.read_detections, task=task),
            score=partial(mlt19.score, task=task),
            scores_texts=task == 4,
        )
        for task, title in {1: "detection", 3: "detection and script", 4: "end to end"}.items()
    ),
    *(
        Protocol(
            name=f"{name}-{'spotting' if spotting else 'e2e'}",
            title=f"{title}, {'word spotting' if spotting else 'end to end'}",
            read_truths=module.read_truths,
            read_detections=module.read_detections,
            score=partial(module.score, spotting=spotting),
        )
        for name, title, module in (("icdar15", "ICDAR15", icdar15), ("totaltext", "Total-Text", totaltext))
        for spotting in (False, True)
    ),
    Protocol(
        name="totaltext-deteval",
        title="Total-Text, detection by DetEval",
        read_truths=deteval_files.read_truths,
        read_detections=deteval_files.read_detections,
        score=deteval.score,
        scores_texts=False,
    ),
)

PROTOCOLS = {protocol.name: protocol for protocol in _ALL}


def protocol(name: str) -> Protocol:
    """Return a protocol. Raises ConfigError for an unknown name. The message lists all names."""
    if name not in PROTOCOLS:
        raise ConfigError(f"--protocol {name}: there is no such protocol; it must be one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
