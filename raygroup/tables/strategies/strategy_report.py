"""The table of strategies as sheets and remarks."""

from collections.abc import Callable, Iterator
from typing import Any

from raygroup.tables.score_intervals import Interval
from raygroup.tables.sheets.sheet import NOTHING, Sheet, SheetColumn, SheetReport, text_column, whole_columns
from raygroup.tables.strategies.regime import TELLS_APART
from raygroup.tables.strategies.rows import LEARNED, StrategyRow
from raygroup.tables.strategies.strategy_table import LABELLED, StrategyTable, plan_ranks
from raygroup.task_groups import groups_text

_POINTS = 100
_NO_SIGNIFICANCE = 6
"""With fewer seeds no p by sign flips reaches 5 %."""


def strategy_report(table: StrategyTable) -> SheetReport:
    """Return the table as sheets."""
    percentiles = _matrix(table, "percentiles", "Percentile among all groupings with as many heads: 100 is the best", _percentile_text)
    regrets = _matrix(
        table, "regret", "Regret in points of 1-NED against the best grouping that other seeds and words choose", _regret_text
    )
    sheets = (percentiles, regrets, _regime_sheet(table), _rows_sheet(table))
    title = f"Strategies for grouping {len(table.cache.tasks)} tasks, sweep {table.sweep.name}"
    return SheetReport("strategies", title, sheets, tuple(_remarks(table)), table.to_json())


def interval_text(interval: Interval | None, digits: int, scale: float = 1.0) -> str:
    """Return a mean and its interval, such as ``1.2 (0.3 to 2.1)``."""
    if interval is None:
        return NOTHING
    mean = f"{scale * interval.mean:.{digits}f}"
    if interval.low is None or interval.high is None:
        return mean
    return f"{mean} ({scale * interval.low:.{digits}f} to {scale * interval.high:.{digits}f})"


def _matrix(table: StrategyTable, key: str, title: str, text: Callable[[StrategyRow], str]) -> Sheet:
    """Return one text for each strategy and number of heads."""
    counts = [regime.heads for regime in table.regimes]
    cells: dict[str, dict[int, str]] = {}
    for row in table.rows:
        cells.setdefault(row.strategy, {})[row.heads] = text(row)
    columns = (text_column("strategy", "strategy"), *(text_column(f"heads_{count}", str(count)) for count in counts))
    return Sheet(key, title, columns, tuple((name, *(of.get(count, NOTHING) for count in counts)) for name, of in cells.items()))


def _percentile_text(row: StrategyRow) -> str:
    return row.percentile.text(0)


def _regret_text(row: StrategyRow) -> str:
    return NOTHING if row.regret is None else f"{_POINTS * row.regret.mean:.1f}"


def _regime_sheet(table: StrategyTable) -> Sheet:
    columns = (
        *whole_columns(heads="heads", groupings="groupings"), SheetColumn("random_mean", "random", 1), SheetColumn("random_sd", "sd", 1),
        SheetColumn("honest_best", "best", 1), SheetColumn("flattery", "flattery", 1), text_column("over_one_head", "over one head"),
        text_column("over_one_per_task", "over one per task"), SheetColumn("icc", "ICC", 2), SheetColumn("loss_icc", "ICC loss", 2),
        text_column("best_groups", "best by loss"),
    )  # fmt: skip
    rows = tuple(
        (
            each.heads, each.groupings, _POINTS * each.mean, _POINTS * each.sd, _POINTS * each.honest.mean, _POINTS * each.flattery,
            each.over_one_head.text(1, _POINTS) if each.over_one_head else NOTHING,
            each.over_one_per_task.text(1, _POINTS) if each.over_one_per_task else NOTHING,
            each.reliability.icc if each.reliability else None, each.loss_reliability.icc if each.loss_reliability else None,
            groups_text(each.best),
        )
        for each in table.regimes
    )  # fmt: skip
    return Sheet("regime", "Does the choice matter? 1-NED in percent, mean over tasks, new and unseen words", columns, rows)


def _rows_sheet(table: StrategyTable) -> Sheet:
    columns = (
        *whole_columns(heads="heads"), text_column("strategy", "strategy"), *whole_columns(choices="choices"),
        text_column("score", "1-NED, %"), text_column("regret", "regret, points"), SheetColumn("percentile", "percentile", 0),
        SheetColumn("loss_percentile", "by loss", 0), text_column("z", "z"), SheetColumn("agreement", "Rand index", 2),
        SheetColumn("cost_s", "cost, s", 1), text_column("groups", "most frequent grouping"),
    )  # fmt: skip
    return Sheet("rows", "Every strategy", columns, tuple(map(_cells, table.rows)))


def _cells(row: StrategyRow) -> tuple[Any, ...]:
    times = f" ({row.num_most_frequent} of {len(row.choices)})" if len(row.choices) > 1 else ""
    return (
        row.heads, row.strategy, len(row.choices), interval_text(row.score, 1, _POINTS), interval_text(row.regret, 1, _POINTS),
        row.percentile, row.loss_percentile, interval_text(row.z, 1), row.agreement, row.cost_s,
        f"{groups_text(row.most_frequent)}{times}" if row.choices else NOTHING,
    )  # fmt: skip


def _remarks(table: StrategyTable) -> Iterator[str]:
    seeds = len(table.fit.seeds)
    words = min(count for count in _words_per_task(table).values())
    yield (
        f"Each head was trained on its group alone, so the scores of all groupings are sums over {2 ** len(table.cache.tasks) - 1} heads. "
        f"{seeds} seeds, at least {words} test words for each task and split, read by the head of their true task."
    )
    yield (
        "Strategies that read scores choose by the loss of other seeds on the other half of the words. Their percentiles are means over "
        "single folds, which pulls them towards 50. Intervals are Student's, over seeds of the cache, or over runs of a learned grouping."
    )
    yield (
        f"The ridge surrogate reads {LABELLED} groups. Cost is the processor time until the grouping is known, without its heads. That of "
        "cosines and TAG is what gathering them took, without the training beside it. That of a learned grouping is a whole run."
    )
    blind = [str(regime.heads) for regime in table.regimes if regime.loss_reliability and not regime.tells_apart]
    if blind:
        yield (
            f"With {' or '.join(blind)} heads the ICC by loss is below {TELLS_APART}: the data cannot tell groupings apart, and no "
            "strategy is better than another there."
        )
    yield from _plan_remark(table)
    few = [row for row in table.rows if row.kind == LEARNED and len(row.choices) < _NO_SIGNIFICANCE]
    if few:
        yield f"Learned groupings with fewer than {_NO_SIGNIFICANCE} seeds: {len(few)} rows. Nothing can be claimed of them."
    if seeds < _NO_SIGNIFICANCE:
        yield f"With {seeds} seeds no test over seeds reaches 5 %, so none is shown."
    if table.not_shown:
        yield f"Not shown. {'; '.join(table.not_shown)}."


def _words_per_task(table: StrategyTable) -> dict[tuple[str, str], int]:
    rows = table.cache.scores.to_pylist()
    return {(row["task"], row["split"]): row["words"] for row in rows}


def _plan_remark(table: StrategyTable) -> Iterator[str]:
    ranks = plan_ranks(table)
    if table.plan is None or not ranks:
        return
    groupings = next(regime.groupings for regime in table.regimes if regime.heads == len(table.plan))
    places = "; ".join(f"seed {seed}: {score:g} by 1-NED, {loss:g} by loss" for seed, score, loss in ranks)
    yield f"The plan {groups_text(table.plan)} among {groupings} groupings, 1 is the best. {places}."
