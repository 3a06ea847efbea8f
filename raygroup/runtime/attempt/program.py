"""The interface between an attempt and what it trains.

The files of a trial, its leases, checkpoints and failures are the same for every kind of trial. A
program knows the rest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from raygroup.files.places import Place
from raygroup.history.writer import RowWriter
from raygroup.search_space import AnyTrial
from raygroup.storage.leases import Lease


@dataclass(frozen=True)
class StepRow:
    """The record of one step of a trial."""

    step: int
    values: tuple[ArrayLike, ...]
    """The history's columns between the step and the speed."""
    losses: dict[str, float]
    """Name -> loss."""
    scalars: Callable[[], Mapping[str, float]]
    """Returns the curves of TensorBoard at this step: name -> value."""
    evidence: tuple[ArrayLike, ...] | None = None
    """The columns after the step of the evidence on tasks, if the step has any."""


class Program(Protocol):
    """Trials in training, and what their files hold. ``number`` counts the trials."""

    @property
    def step(self) -> int:
        """Steps done."""

    @property
    def steps(self) -> int:
        """Steps of the whole training."""

    @property
    def batch(self) -> int:
        """Words or samples of one step."""

    @property
    def checkpoint_every(self) -> int:
        """Steps between two checkpoints."""

    @property
    def speed_name(self) -> str:
        """The history's column of words or samples in a second."""

    def advance(self) -> Tensor:
        """Take one optimizer step and return its record, on the device. All workers return the same bits."""

    def state(self, number: int) -> dict[str, Tensor]:
        """Return the tensors that a trial's later steps depend on."""

    def restore(self, step: int, states: Sequence[dict[str, Tensor]]) -> None:
        """Set the training to the point after ``step``. There is one state for each trial."""

    def without(self, numbers: Sequence[int]) -> "Program":
        """Return the other trials as a new program in their current state."""

    def split_records(self, records: Sequence[Tensor]) -> list[NDArray[np.float32]]:
        """Bring records of ``advance`` from the device in one copy. Returns the rows of each trial."""

    def step_rows(self, number: int, rows: NDArray[np.float32], first_step: int) -> Iterator[StepRow]:
        """Yield the steps of a trial. Raises NotFiniteError at the first one that is not finite."""

    def checkpoint_facts(self) -> dict[str, Any]:
        """Return the facts that a checkpoint stores as JSON."""

    def progress(self, number: int) -> dict[str, Any]:
        """Return a trial's own facts for its progress file."""

    def write_results(self, number: int) -> Callable[[Place], None]:
        """Compute a trial's results. Returns a function that writes them into its folder."""

    def write_final_scalars(self, number: int, folder: Place, attempt: int) -> None:
        """Write the settings and the scores of a trial for TensorBoard. Its results are written already."""

    def outcome(self, number: int) -> dict[str, Any]:
        """Return a trial's own facts for its DONE.json."""


class ProgramInputs(Protocol):
    """The loaded inputs of a program."""

    @property
    def history_facts(self) -> dict[str, Any]:
        """The facts that the metadata of every history holds."""

    def open_history(self, lease: Lease, trial: AnyTrial, metadata: dict[str, Any]) -> RowWriter:
        """Begin the history of an attempt at a trial."""

    def start(self, trials: Sequence[AnyTrial], starts: Sequence[str | None]) -> Program:
        """Return the trials at their first step.

        ``starts`` are the folders of the trials of an earlier stage from which they start, on the
        storage path.
        """
