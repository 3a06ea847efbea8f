"""What tests of stage 1 share: one thread, and a training that is interrupted."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """The bits depend on the number of threads, and several would wait for each other on a busy machine.

    It holds for every test of a module that imports it, and for the processes that they start.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(threads)


class Memory:
    """Keeps every second state, and interrupts the training once, after a step."""

    def __init__(self, interrupt_after: int | None = None) -> None:
        self.states: dict[int, dict[str, torch.Tensor]] = {0: {}}
        self.interrupt_after = interrupt_after

    def restored(self) -> tuple[int, dict[str, torch.Tensor]]:
        step = max(self.states)
        return step, self.states[step]

    def is_due(self, step: int) -> bool:
        if step == self.interrupt_after:
            self.interrupt_after = None
            raise KeyboardInterrupt
        return step % 2 == 0

    def keep(self, step: int, state: dict[str, torch.Tensor]) -> None:
        self.states[step] = state
