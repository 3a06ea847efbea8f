"""The workers that train one pack.

Rank 0 is the leader: it alone writes to storage, and the others follow its decisions.
"""

from typing import Any

from raygroup.training.packs.sharding import SOLE_RANK, WorkerRank


class WorkerGroup:
    """A worker and the others of its pack.

    They exchange small Python objects over torch's default process group.
    """

    def __init__(self, worker: WorkerRank = SOLE_RANK) -> None:
        self.worker = worker

    @property
    def is_leader(self) -> bool:
        return self.worker.rank == 0

    def broadcast(self, value: Any) -> Any:
        """Return the leader's value on every worker. Every worker must call this."""
        if self.worker.world == 1:
            return value
        from torch import distributed

        values = [value if self.is_leader else None]
        distributed.broadcast_object_list(values, src=0)
        return values[0]

    def first(self, value: Any) -> Any:
        """Return the value of the lowest rank that has one, or None.

        Every worker must call this.
        """
        if self.worker.world == 1:
            return value
        from torch import distributed

        values_of_ranks: list[Any] = [None] * self.worker.world
        distributed.all_gather_object(values_of_ranks, value)
        return next((rank_value for rank_value in values_of_ranks if rank_value is not None), None)


SINGLE_WORKER = WorkerGroup()
