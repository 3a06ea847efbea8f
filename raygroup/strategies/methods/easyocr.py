"""The groups of EasyOCR's readers."""

from raygroup.strategies.evidence import Evidence
from raygroup.strategies.scripts import groups_by_reader
from raygroup.strategies.strategy import Strategy
from raygroup.task_groups import Groups


def _choose(evidence: Evidence, num_groups: int) -> Groups:
    return groups_by_reader(evidence.tasks, {})


STRATEGY = Strategy(
    name="easyocr", title="EasyOCR's readers", choose=_choose, fixed=True,
    source="EasyOCR 1.7: one reader for each script, Japanese apart from Chinese. It differs here: EasyOCR's all read English too",
)  # fmt: skip
