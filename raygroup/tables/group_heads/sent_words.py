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
    places = pc.index_in(rows["task"], pa.array(np.array([*own_group], object), pa.string()))
    is_wrong = pc.not_equal(rows["group"], pa.array(np.array([*own_group.values()], object), pa.string()).take(places))
    values = {"exact": rows["exact"], "one_minus_ned": rows["one_minus_ned"], "wrong_head": is_wrong}
    columns = {"task": rows["task"], "split": rows["split"], **{name: pc.cast(each, pa.float64()) for name, each in values.items()}}
    means = [("exact", "count"), *((name, "mean") for name in values)]
    by_task = pa.table(columns).group_by(["task", "split"], use_threads=False).aggregate(means).to_pylist()
    return {
        (row["task"], row["split"]): SentScore(
            row["exact_count"] // len(seeds), row["wrong_head_mean"], row["exact_mean"], row["one_minus_ned_mean"]
        )
        for row in by_task
    }


def mean_sent_score(cache: GroupCache, groups: Groups) -> float | None:
    """Return the mean 1-NED over tasks and splits of ``sent_scores``, or None if there is none."""
    scores = [score.one_minus_ned for score in sent_scores(cache, groups).values()]
    return float(np.mean(scores)) if scores else None
