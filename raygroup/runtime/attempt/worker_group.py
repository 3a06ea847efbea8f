"""Workers that train one pack together: the first leads, which means that it alone writes, and what it finds all of them do."""

from typing import Any

from raygroup.training.packs.sharding import ALONE, Shard


class Team:
    """This worker among those of its pack; messages are small and between processes of one run."""

    def __init__(self, shard: Shard = ALONE) -> None:
        self.shard = shard

    @property
    def leads(self) -> bool:
        return self.shard.rank == 0

    def told(self, value: Any) -> Any:
        """What the leader gives here; every worker must ask."""
        if self.shard.world == 1:
            return value
        from torch import distributed

        said = [value if self.leads else None]
        distributed.broadcast_object_list(said, src=0)
        return said[0]

    def first_of(self, value: Any) -> Any:
        """What the first worker gives that gives anything but None; every worker must ask."""
        if self.shard.world == 1:
            return value
        from torch import distributed

        given: list[Any] = [None] * self.shard.world
        distributed.all_gather_object(given, value)
        return next((each for each in given if each is not None), None)


ONE = Team()
