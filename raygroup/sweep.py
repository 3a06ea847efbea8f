"""``python -m raygroup.sweep``: runs every trial of a search space that is not done yet; the same command goes on after anything."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.errors import ConfigError
from raygroup.files.places import Place, place_named
from raygroup.terminal import end_on_sigterm, refuse, same_command

if TYPE_CHECKING:
    from rich.console import Console

    from raygroup.runtime.planning.forecast import Forecast
    from raygroup.runtime.planning.packs import PackedJobs, Placement
    from raygroup.runtime.planning.plan import Job, Plan

DONE, BAD_INPUT, SOME_FAILED, OVER_BUDGET, CLUSTER_LOST, INTERRUPTED = 0, 2, 3, 4, 5, 130


def run(
    name: str = "quickstart", *, storage_path: Place = Path("runs"), words: Path | None = None, fonts: Path | None = None,
    local: bool = False, address: str | None = None, cluster: Path | None = None, calibrate: bool = False,
    budget: float | None = None, yes: bool = False, **placement: Any,
) -> int:  # fmt: skip
    """Trains what is missing of the search space and prints what was found; the exit code (0 done, 3 some trial failed, 4 dearer than
    ``budget`` dollars and not begun). ``placement`` are fields of ``raygroup.runtime.planning.packs.Placement``, such as ``device="cuda"``.

    Raises ConfigError for input that cannot be used, ClusterLostError where the Ray cluster is gone, KeyboardInterrupt when stopped: all
    that was recorded stays, the same call goes on.
    """
    from raygroup.runtime.planning.packs import Placement
    from raygroup.runtime.planning.plan import plan_of
    from raygroup.runtime.summary import next_steps, summarise
    from raygroup.storage.locks import STOP, held, writable
    from raygroup.terminal import console

    screen, where = console(), Placement(**placement)
    plan = plan_of(name, storage_path, words, fonts)
    failed: dict[str, str] = {}
    missing = plan.missing
    if missing:
        _require_able(where, local, address)
        dear = None if budget is None else _over_budget(plan, missing, where, cluster, calibrate, budget)
        if dear and not yes:
            print(f"raygroup: {dear}", file=sys.stderr)
            return OVER_BUDGET
        writable(plan.storage)
        with held(plan.folder, "sweep"):
            failed = _trained(plan, missing, screen, local, address, where)
        missing = plan.missing
    summarise(plan, screen, failed)
    for line in next_steps(plan):
        screen.print(line, soft_wrap=True, markup=False)
    if missing and (plan.folder / STOP).is_file():
        raise KeyboardInterrupt("stopped on request")
    return SOME_FAILED if failed or missing else DONE


def main(arguments: Sequence[str] | None = None) -> int:
    asked = flags().parse_args(arguments)
    end_on_sigterm()
    same = same_command("raygroup.sweep", arguments)
    try:
        if asked.dry_run:
            return _dry_run(asked)
        names = ("storage_path", "words", "fonts", "local", "address", "cluster", "calibrate", "budget", "yes")
        return run(asked.name, **{name: getattr(asked, name) for name in names}, **_placement(asked))
    except ConfigError as error:
        return refuse(error)
    except OSError as error:
        print(f"raygroup: {error}; what was recorded is kept. To go on: {same}", file=sys.stderr)
        return SOME_FAILED
    except KeyboardInterrupt as stopped:
        print(f"\n{str(stopped) or 'interrupted'}; nothing recorded is lost. To go on: {same}", file=sys.stderr)
        return INTERRUPTED
    except RuntimeError as error:
        from raygroup.errors import ClusterLostError

        if not isinstance(error, ClusterLostError):
            raise
        print(f"raygroup: {error}; what was recorded is kept. To go on: {same}", file=sys.stderr)
        return CLUSTER_LOST


def _require_able(placement: "Placement", local: bool, address: str | None) -> None:
    """Raises ConfigError for what this machine or its Ray could never run, before any work."""
    from raygroup.runtime.local import require_device
    from raygroup.runtime.planning.packs import require_device_memory, require_kernels, require_workers

    if address is None:
        require_device(placement.device)
    require_kernels(placement)
    require_workers(placement, local)
    require_device_memory(placement)


def _trained(
    plan: "Plan", missing: "Sequence[Job]", screen: "Console", local: bool, address: str | None, placement: "Placement"
) -> dict[str, str]:
    from raygroup.runtime.planning.mixtures import show_mixtures
    from raygroup.runtime.planning.packs import packs_of
    from raygroup.runtime.planning.plan import declare
    from raygroup.runtime.preparation.prepare import prepare
    from raygroup.runtime.progress import preparing, watching

    declare(plan)
    with preparing(screen) as progress:
        prepare(plan, missing, progress)
    show_mixtures(missing, plan.words, screen)
    packs = packs_of(missing, placement)
    with watching(screen, missing, plan.sweep.name) as board:
        if local:
            from raygroup.runtime.local import run_packs

            return run_packs(packs, plan.storage, board, placement)
        from raygroup.runtime.on_ray.launcher import run_packs as run_on_ray

        return run_on_ray(packs, plan.storage, board, address, placement)


def _dry_run(asked: argparse.Namespace) -> int:
    from raygroup.runtime.planning.dry_run import dry_run
    from raygroup.runtime.planning.forecast import as_json
    from raygroup.runtime.planning.packs import Placement
    from raygroup.runtime.planning.plan import plan_of
    from raygroup.terminal import console

    plan = plan_of(asked.name, asked.storage_path, asked.words, asked.fonts)
    packs, found = _foretold(plan, plan.missing, Placement(**_placement(asked)), asked.cluster, asked.calibrate)
    if asked.json:
        print(json.dumps(as_json(found)))
    else:
        dry_run(plan, packs, found, console())
    return DONE


def _foretold(
    plan: "Plan", missing: "Sequence[Job]", placement: "Placement", cluster: Path | None, calibrate: bool
) -> "tuple[list[PackedJobs], Forecast]":
    from raygroup.runtime.planning.cluster_file import read_cluster
    from raygroup.runtime.planning.forecast import forecast
    from raygroup.runtime.planning.packs import packs_of

    packs = packs_of(missing, placement)
    return packs, forecast(plan, packs, placement, read_cluster(cluster) if cluster else None, calibrate)


def _over_budget(
    plan: "Plan", missing: "Sequence[Job]", placement: "Placement", cluster: Path | None, calibrate: bool, budget: float
) -> str | None:
    from raygroup.runtime.planning.forecast import over_budget

    return over_budget(_foretold(plan, missing, placement, cluster, calibrate)[1], budget)


def _placement(asked: argparse.Namespace) -> dict[str, Any]:
    """The flags that are fields of a Placement."""
    names = ("device", "kernels", "device_memory_gb", "workers", "accumulate", "stall_timeout_s", "storage_patience_s")
    return {name: getattr(asked, name) for name in names}


def _workers(text: str) -> tuple[int, int]:
    """``N`` or ``N-M``."""
    fewest, _, most = text.partition("-")
    asked = int(fewest), int(most or fewest)
    if not 1 <= asked[0] <= asked[1]:
        raise ValueError(text)
    return asked


def flags() -> argparse.ArgumentParser:
    """The flags of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m raygroup.sweep", description="Run the trials of a search space that are not done yet. Flags say where, never what.",
        epilog="exit codes: 0 all done, 2 bad input, 3 some trial failed for good, 4 over budget, 5 cluster lost, 130 interrupted; "
        "after the last two the same command goes on",
    )  # fmt: skip
    parser.add_argument(
        "name", nargs="?", default="quickstart", help="a search space, by name or as a path ending in .py (default: quickstart)"
    )
    parser.add_argument("--words", type=Path, help="your own words: a Parquet file, or a folder of images with labels.csv, .tsv or .jsonl")
    parser.add_argument("--fonts", type=Path, help="a folder of fonts to render with, beside the installed ones")
    parser.add_argument(
        "--storage-path",
        type=place_named,
        default=Path("runs"),
        help="where results go: a folder, or s3://bucket/folder (default: ./runs)",
    )
    parser.add_argument("--address", help="a running Ray cluster to join (default: Ray on this machine)")
    parser.add_argument("--local", action="store_true", help="without Ray, in processes of this machine; the histories are the same")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where a trial computes (default: cpu)")
    parser.add_argument(
        "--kernels",
        default="auto",
        help="the form heads are computed in: auto, plain (the reference), factored, winograd, compiled, bf16, graphs",
    )
    parser.add_argument(
        "--device-memory-gb", type=float, help="memory of one GPU, which decides how many trials train together (default: ask it)"
    )
    parser.add_argument(
        "--workers", type=_workers, default=(1, 1), metavar="N or N-M",
        help="how many workers train a pack together, on Ray: 2, or 2-4 for as many as there is room for (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--accumulate", type=int, default=1, metavar="PARTS", help="read the words of a step in so many parts, where memory is short"
    )
    parser.add_argument(
        "--stall-timeout", type=float, default=1800.0, dest="stall_timeout_s", metavar="SECONDS",
        help="a worker without a step for so long is ended and its trials go on in another (default: 1800; 0: never)",
    )  # fmt: skip
    parser.add_argument(
        "--storage-patience", type=float, default=900.0, dest="storage_patience_s", metavar="SECONDS",
        help="how long to wait for storage that is full or fails (default: 900)",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="list the trials, their packs and their cost, and stop")
    parser.add_argument("--json", action="store_true", help="with --dry-run: one JSON object (trials, packs, device_hours, usd)")
    parser.add_argument("--calibrate", action="store_true", help="time a few steps here first, for --dry-run and --budget")
    parser.add_argument("--cluster", type=Path, metavar="FILE", help="a cluster file, whose metadata holds prices (usd_per_hour)")
    parser.add_argument("--budget", type=float, metavar="USD", help="do not begin a sweep that would cost more")
    parser.add_argument("--yes", action="store_true", help="begin it all the same")
    return parser


if __name__ == "__main__":
    sys.exit(main())
