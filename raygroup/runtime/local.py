"""Without Ray: the same packs in processes of this machine; a single one runs in this process, for a debugger."""

import functools
from collections.abc import Sequence

from raygroup.errors import ConfigError, WorkerDiedError
from raygroup.files.places import Place
from raygroup.runtime.pack_queue import Following, PackQueue
from raygroup.runtime.planning.packs import ON_CPU, PackedJobs, Placement
from raygroup.runtime.planning.plan import at_once
from raygroup.runtime.processes import Crew, cores

_LOOK_S = 5.0


def run_packs(packs: Sequence[PackedJobs], storage: Place, follow: Following, placement: Placement = ON_CPU) -> dict[str, str]:
    """Trains the packs; the reason of each trial that failed, by id."""
    queue = PackQueue(packs, storage, follow, placement.storage_patience_s)
    work = functools.partial(_run_one, storage=storage, placement=placement)
    if len(packs) == 1:
        pack = queue.next()
        if pack:
            queue.ended(pack, work(pack))
        return queue.failed
    on_gpu = placement.device != "cpu"
    with Crew(1 if on_gpu else at_once(len(packs), cores()), work, fresh=on_gpu) as crew:
        while not queue.over:
            while not crew.full and (pack := queue.next()):
                crew.give(pack)
            for pack, result in crew.taken(_LOOK_S):
                if isinstance(result, WorkerDiedError):
                    queue.broke(pack, str(result))
                else:
                    queue.ended(pack, result)
    return queue.failed


def require_device(device: str) -> None:
    """Raises ConfigError for a device this machine lacks."""
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise ConfigError("--device cuda: torch sees no GPU on this machine; leave the flag out, or name a cluster with --address")


def _run_one(pack: PackedJobs, storage: Place, placement: Placement) -> dict[str, str]:
    from raygroup.runtime.attempt.worker import run_pack

    return run_pack([job.folder for job in pack.jobs], storage, placement)
