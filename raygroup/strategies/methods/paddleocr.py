"""The groups of PaddleOCR's readers."""

from raygroup.strategies.evidence import Evidence
from raygroup.strategies.scripts import groups_by_reader
from raygroup.strategies.strategy import Strategy
from raygroup.task_groups import Groups

_READERS = {"Han": "main", "Japanese": "main"}


def _choose(evidence: Evidence, num_groups: int) -> Groups:
    return groups_by_reader(evidence.tasks, _READERS)


STRATEGY = Strategy(
    name="paddleocr", title="PaddleOCR's readers", choose=_choose, fixed=True,
    source="PP-OCRv5: one reader for Chinese, Japanese and English, and one for each other script. It differs here: English counts as Latin"
    ", and Bengali, which it does not read, has a head of its own",
)  # fmt: skip
