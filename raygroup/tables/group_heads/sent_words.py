"""How a grouping reads words that a task classifier sends to its heads, from a group cache."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raygroup.tables.group_heads.group_cache import GroupCache
from raygroup.task_groups import Groups, group_text


@dataclass(frozen=True)
class SentScore:
    """The words of one task and split, each read by the head that the classifier sends it to. Means over words and seeds."""

    words: int
    wrong_head: float
    """Share of the words that were sent to a head whose group lacks their task."""
    accuracy: float
    one_minus_ned: float


def sent_scores(cache: GroupCache, groups: Groups) -> Mapping[tuple[str, str], SentScore]:
    """Return the scores of a grouping by task and split, over the seeds that have all its heads. Empty without a classifier or a seed.

    The grouping's score is then a sum over its heads too, but over the words that were sent to them (DESIGN decision 10).
    """
    names = sorted(map(group_text, groups))
    seeds = [seed for seed in cache.seeds if not set(names) & set(cache.missing[seed])]
    by_seed = pc.is_in(cache.sent["seed"], pa.array(np.array(seeds, np.int64)))
    by_group = pc.is_in(cache.sent["group"], pa.array(np.array(names, object), pa.string()))
    rows = cache.sent.filter(pc.and_(by_seed, by_group))
    own_group = {task: group_text(group) for group in groups for task in group}
    found = {}
    for (task, split), table in _by_task(rows).items():
        wrong = pc.not_equal(table["group"], own_group[task])
        exact, similar, lost = (
            float(pc.mean(pc.cast(values, pa.float64())).as_py()) for values in (table["exact"], table["one_minus_ned"], wrong)
        )
        found[task, split] = SentScore(len(table) // len(seeds), lost, exact, similar)
    return found


def mean_sent_score(cache: GroupCache, groups: Groups) -> float | None:
    """Return the mean 1-NED over tasks and splits of ``sent_scores``, or None if there is none."""
    scores = [score.one_minus_ned for score in sent_scores(cache, groups).values()]
    return float(np.mean(scores)) if scores else None


def _by_task(rows: pa.Table) -> dict[tuple[str, str], pa.Table]:
    pairs = rows.group_by(["task", "split"], use_threads=False).aggregate([]).to_pylist()
    return {
        (pair["task"], pair["split"]): rows.filter(pc.and_(pc.equal(rows["task"], pair["task"]), pc.equal(rows["split"], pair["split"])))
        for pair in pairs
    }
