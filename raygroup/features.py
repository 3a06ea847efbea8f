"""``python -m raygroup.features``: the frozen trunk over a data set, once, on any number of nodes; a sweep on these words finds it done."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.errors import ConfigError
from raygroup.files.places import Place, place_named
from raygroup.terminal import end_on_sigterm, refuse, same_command

if TYPE_CHECKING:
    from rich.console import Console

    from raygroup.runtime.planning.plan import Job, Plan

DONE, BAD_INPUT, FAILED, CLUSTER_LOST, INTERRUPTED = 0, 2, 3, 5, 130


def run(
    data: Place, *, storage_path: Place = Path("runs"), sweep: str | None = None, weights: str | None = None, local: bool = False,
    address: str | None = None, device: str = "cpu", workers: int | None = None, shard_words: int | None = None, dry_run: bool = False,
) -> int:  # fmt: skip
    """Makes the word store of a data set and its features, where a sweep with ``words=data`` and this storage path looks for them.

    ``sweep`` is the search space they are for, where it asks for other tasks or weights than the usual ones; ``weights`` take the place
    of its own. Raises ConfigError for input that cannot be used, ClusterLostError, OSError where storage fails, KeyboardInterrupt when
    stopped: shards that were written stay, the same call goes on.
    """
    from raygroup.runtime.preparation.extraction import require_shard_rows
    from raygroup.runtime.preparation.extraction_report import intake, size, state
    from raygroup.terminal import console, say

    screen = console()
    require_shard_rows(shard_words)
    plan = _plan(data, storage_path, sweep, weights)
    jobs = [*{job.features: job for job in plan.jobs}.values()]
    if dry_run:
        for job in jobs:
            say(screen, state(job, shard_words))
        return DONE
    missing = [job for job in jobs if not job.features.exists()]
    if missing:
        _make(plan, missing, screen, local, address, workers, device=device, shard_rows=shard_words)
    for job in jobs:
        if job in missing:
            say(screen, intake(job))
        say(screen, f"{'made' if job in missing else 'made already'}: {size(job)}")
    return DONE


def _make(
    plan: "Plan", jobs: "Sequence[Job]", screen: "Console", local: bool, address: str | None, workers: int | None, **settings: Any
) -> None:
    from raygroup.runtime.local import require_device
    from raygroup.runtime.preparation.extraction import on_this_machine
    from raygroup.runtime.preparation.extraction_report import telling
    from raygroup.runtime.preparation.prepare import prepare_features, prepare_words
    from raygroup.runtime.processes import cores
    from raygroup.storage.locks import writable

    if address is None:
        require_device(settings["device"])
    if local:
        work = on_this_machine(workers or (cores() if settings["device"] == "cpu" else 1))
    else:
        from raygroup.runtime.on_ray.extraction import on_ray

        work = on_ray(address, workers)
    writable(plan.storage)
    with telling(screen) as progress:
        prepare_words(plan, jobs, progress)
        prepare_features(jobs, work, progress, **settings)


def _plan(data: Place, storage: Place, sweep: str | None, weights: str | None) -> "Plan":
    from raygroup.config import Heads, Trial
    from raygroup.runtime.planning.plan import make_plan
    from raygroup.runtime.preparation.downloads import brought_here
    from raygroup.search_space import Sweep, load

    space = load(sweep) if sweep else Sweep(name="features", trial=Trial(heads=Heads(start="independent")))
    if weights is not None:
        if "weights.file" in space.grid:
            raise ConfigError(f"--weights {weights}: {sweep} says itself which weights, several of them: leave it out")
        space = Sweep(name=space.name, trial=space.trial.replaced("weights.file", weights), grid=space.grid, seeds=space.seeds)
    return make_plan(space, "", storage, brought_here(data), None)


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    end_on_sigterm()
    same = same_command("raygroup.features", arguments)
    try:
        return run(**vars(asked))
    except ConfigError as error:
        return refuse(error)
    except KeyboardInterrupt as stopped:
        print(f"\n{str(stopped) or 'interrupted'}; the shards that are made are kept. To go on: {same}", file=sys.stderr)
        return INTERRUPTED
    except (OSError, RuntimeError) as error:
        codes = {"ClusterLostError": CLUSTER_LOST, "BrokenProcessPool": FAILED}
        if not isinstance(error, OSError) and type(error).__name__ not in codes:
            raise
        print(f"raygroup: {error}; the shards that are made are kept. To go on: {same}", file=sys.stderr)
        return codes.get(type(error).__name__, FAILED)


def _count(text: str) -> int:
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m raygroup.features", description="Run the frozen trunk over a data set, for every sweep on its words.",
        epilog="exit codes: 0 done, 2 bad input, 3 storage or a worker failed, 5 cluster lost, 130 interrupted; after the last three the "
        "same command goes on with the shards that are missing",
    )  # fmt: skip
    parser.add_argument(
        "data", type=place_named, metavar="DATA",
        help="what the sweep's --words takes: a Parquet file or a folder of them, or a folder of images with labels.csv, .tsv or .jsonl; "
        "Parquet also as s3://bucket/file",
    )  # fmt: skip
    parser.add_argument("--sweep", help="the search space they are for, where it has tasks or weights of its own: a name, or a path")
    parser.add_argument("--weights", help="laptop (in the package), or a file of python -m raygroup.pretrain (default: the sweep's)")
    parser.add_argument(
        "--storage-path", type=place_named, default=Path("runs"), help="where the sweep's results go: a folder, or s3://bucket/folder"
    )
    parser.add_argument("--address", help="a running Ray cluster to join (default: Ray on this machine)")
    parser.add_argument("--local", action="store_true", help="without Ray, in processes of this machine; the features are the same")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the trunk computes (default: cpu)")
    parser.add_argument("--workers", type=_count, metavar="N", help="at most so many processes, or GPUs (default: all there are)")
    parser.add_argument(
        "--shard-words", type=_count, metavar="N", help="words a shard, a multiple of 1024 (default: 16384, fewer for a small data set)"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what is made and what is not, and stop")
    return parser


if __name__ == "__main__":
    sys.exit(main())
