"""``python -m raygroup.features``: run the frozen trunk over a data set once, on one machine or on a cluster.

A sweep on the same words finds the features ready. ``extract_features`` is the command's Python twin.
"""

import argparse
import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.files.places import Place, parse_place, place
from raygroup.terminal import Parser, command_line, console, print_line, run_command
from raygroup.values import BAD_SHARE, SHARD_WORDS, SHARE, WORKERS, add_bad_share_argument

if TYPE_CHECKING:
    from rich.console import Console

    from raygroup.runtime.planning.jobs import WordJob
    from raygroup.runtime.planning.plan import Plan


def extract_features(
    data: Place | str, *, storage_path: Place | str = "runs", sweep: str | None = None, weights: str | None = None, local: bool = False,
    address: str | None = None, device: str = "cpu", workers: int | None = None, shard_words: int | None = None,
    bad_share: float = BAD_SHARE, progress: bool = False,
) -> list[Place]:  # fmt: skip
    """Make the word store of a data set and its features. Returns the ``features.json`` of each set of features.

    A sweep with ``words=data`` and the same storage path finds them. ``sweep`` names a search space, if it asks for other tasks or weights
    than the default ones. ``weights`` replaces the weights of the search space.

    Raises ConfigError for input that cannot be used, ClusterLostError, OSError if the storage path fails, and KeyboardInterrupt. Finished
    shards are kept, and the same call continues.
    """
    from rich.console import Console

    screen = console() if progress else Console(quiet=True)
    plan = _plan(place(data), place(storage_path), sweep, weights, screen)
    jobs = _jobs_by_features(plan)
    _make_missing(plan, jobs, screen, local, address, workers, bad_share, device=device, shard_rows=shard_words)
    return [job.features for job in jobs]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _run(build_parser().parse_args(arguments)), resume=command_line("raygroup.features", arguments))


def _run(options: argparse.Namespace) -> None:
    from raygroup.runtime.preparation.extraction_plan import require_shard_rows
    from raygroup.runtime.preparation.extraction_report import features_text, import_report, preparation_text

    out = console()
    require_shard_rows(options.shard_words)
    plan = _plan(options.data, options.storage_path, options.sweep, options.weights, out)
    jobs = _jobs_by_features(plan)
    if options.dry_run:
        for job in jobs:
            print_line(out, preparation_text(job, options.shard_words))
        return
    new = _make_missing(
        plan, jobs, out, options.local, options.address, options.workers, options.bad_share, device=options.device,
        shard_rows=options.shard_words,
    )  # fmt: skip
    for job in jobs:
        if job in new:
            print_line(out, import_report(job))
        print_line(out, f"{'made' if job in new else 'already made'}: {features_text(job)}")


def _jobs_by_features(plan: "Plan") -> "list[WordJob]":
    """Return one job for each distinct set of features."""
    from raygroup.errors import ConfigError
    from raygroup.runtime.planning.jobs import word_jobs

    jobs = [*{job.features: job for job in word_jobs(plan.jobs)}.values()]
    if not jobs:
        raise ConfigError(f"--sweep: {plan.sweep.name} trains a universal head, which needs no stored features")
    return jobs


def _make_missing(
    plan: "Plan", jobs: "Sequence[WordJob]", screen: "Console", local: bool, address: str | None, workers: int | None, bad_share: float,
    **settings: Any,
) -> "list[WordJob]":  # fmt: skip
    """Make the features that are missing. Returns their jobs."""
    from raygroup.runtime.placement import require_device
    from raygroup.runtime.preparation.extraction import local_shard_maker
    from raygroup.runtime.preparation.extraction_plan import require_shard_rows
    from raygroup.runtime.preparation.extraction_report import extraction_progress
    from raygroup.runtime.preparation.prepare import prepare_features, prepare_words
    from raygroup.runtime.processes import WorkerPool, cores
    from raygroup.runtime.worker_start import TRAINING
    from raygroup.storage.locks import require_writable
    from raygroup.words.feature_store import has_features

    require_shard_rows(settings["shard_rows"])
    SHARE.require("--bad-share", bad_share)
    if workers is not None:
        WORKERS.require("--workers", workers)
    missing = [job for job in jobs if not has_features(job.features)]
    if not missing:
        return []
    if address is None:
        require_device(settings["device"])
    if not local:
        from raygroup.runtime.on_ray.preflight import require_ray

        require_ray(address)
    require_writable(plan.storage)
    with extraction_progress(screen) as progress, WorkerPool(workers or cores(), preload=TRAINING) as processes:
        prepare_words(plan, missing, progress, processes, bad_share=bad_share)
        if local:
            processes.resize(workers or (cores() if settings["device"] == "cpu" else 1))
            make_shards = local_shard_maker(processes)
        else:
            from raygroup.runtime.on_ray.extraction import ray_shard_maker

            processes.resize(0)
            make_shards = ray_shard_maker(address, workers, notify=functools.partial(print_line, screen))
        prepare_features(missing, make_shards, progress, **settings)
    return missing


def _plan(data: Place, storage: Place, sweep: str | None, weights: str | None, screen: "Console") -> "Plan":
    from raygroup.config import Heads, Trial
    from raygroup.runtime.planning.plan import make_plan
    from raygroup.runtime.preparation.downloads import download_words
    from raygroup.runtime.preparation.extraction_report import extraction_progress
    from raygroup.search_space import Sweep, load

    space = load(sweep) if sweep else Sweep(name="features", trial=Trial(heads=Heads(start="independent")))
    if weights is not None:
        space = space.with_weights(weights)
    with extraction_progress(screen) as progress:
        return make_plan(space, "", storage, download_words(data), None, progress)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = Parser(
        prog="python -m raygroup.features", description="Run the frozen trunk over a data set, for every sweep on its words.",
        epilog="exit codes: 0 done, 2 bad input, 3 storage or a worker failed, 5 cluster lost, 130 interrupted; "
        "after the last three the same command continues with the missing shards",
    )  # fmt: skip
    parser.add_argument(
        "data", type=parse_place, metavar="DATA",
        help="the words, as for the sweep's --words: a Parquet file, a folder of them, or images with a label file; "
        "Parquet also as s3://bucket/file",
    )  # fmt: skip
    parser.add_argument("--sweep", help="a search space with tasks or weights of its own: a name or a path")
    parser.add_argument("--weights", help="laptop (in the package), or a file of python -m raygroup.pretrain (default: the sweep's)")
    parser.add_argument(
        "--storage-path", type=parse_place, default=Path("runs"), help="where the sweep's results go: a folder, or s3://bucket/folder"
    )
    parser.add_argument("--address", help="a running Ray cluster to join (default: Ray on this machine)")
    parser.add_argument("--local", action="store_true", help="work without Ray, in processes of this machine; features are the same")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the trunk computes (default: cpu)")
    parser.add_argument("--workers", type=WORKERS.parse, metavar="N", help="most processes, or GPUs, to use (default: all)")
    parser.add_argument(
        "--shard-words",
        type=SHARD_WORDS.parse,
        metavar="N",
        help="words in a shard, a multiple of 1024 (default: 16384, fewer for a small set)",
    )
    add_bad_share_argument(parser)
    parser.add_argument("--dry-run", action="store_true", help="say which features exist and which do not, then stop")
    return parser


if __name__ == "__main__":
    sys.exit(main())
