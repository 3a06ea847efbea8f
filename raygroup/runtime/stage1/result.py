"""The result of a stage-1 training: scores and convergence of each task."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from raygroup.terminal import Column, fitted_table, print_line, size_text, titled

if TYPE_CHECKING:
    from raygroup.training.held_out import Convergence

_COLUMNS = (
    Column("task", shortest=8), Column("words", right=True, rank=1), Column("unseen exact", right=True), Column("95 %", rank=3),
    Column("1-NED", right=True), Column("new exact", right=True, rank=2), Column("converged"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PretrainingResult:
    """The weights file of a training, with the scores of its universal head."""

    out: Path
    scores: dict[str, Any]
    """Split (``new``: other images of training words, ``unseen``) -> ``mean`` or task -> values, as ``score_universal`` returns them."""
    convergence: "tuple[Convergence, ...]"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        verdicts = {
            one.task: {
                "held_out_loss": one.loss,
                "fall_in_last_quarter": None if one.fall != one.fall else one.fall,
                "converged": one.converged,
            }
            for one in self.convergence
        }
        return {"out": str(self.out), "bytes": self.out.stat().st_size, "scores": self.scores, "convergence": verdicts}


def print_result(result: PretrainingResult, out: Console) -> None:
    """Print a row for each task, then the tasks that have not converged, and how to go on."""
    verdicts = {one.task: one for one in result.convergence}
    tasks = [*dict.fromkeys(task for rows in result.scores.values() for task in rows if task != "mean")]
    cells = [[Text(cell) for cell in _cells(result, task, verdicts.get(task))] for task in tasks]
    if cells:
        out.print(titled("accuracy of the universal head", fitted_table(_COLUMNS, cells, out.width)))
    for one in result.convergence:
        if not one.converged:
            print_line(out, f"{one.task}: {one.text}")
    print_line(out, f"weights: {result.out} ({size_text(result.out.stat().st_size)})")
    print_line(out, f"to train on them: python -m raygroup.sweep --weights {result.out}, with the same --words")


def _cells(result: PretrainingResult, task: str, verdict: "Convergence | None") -> list[str]:
    unseen, new = (result.scores.get(split, {}).get(task) for split in ("unseen", "new"))
    first = unseen or new or {}
    return [
        task, str(first.get("words", 0)), f"{unseen['exact']:.3f}" if unseen else "-", _interval(unseen, "exact_interval"),
        f"{unseen['one_minus_ned']:.3f}" if unseen else "-", f"{new['exact']:.3f}" if new else "-",
        "-" if verdict is None else "yes" if verdict.converged else "no",
    ]  # fmt: skip


def _interval(values: dict[str, Any] | None, name: str) -> str:
    return "-" if values is None else f"{values[name][0]:.2f}-{values[name][1]:.2f}"
