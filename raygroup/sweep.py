"""``python -m raygroup.sweep``: run every trial of a search space that is not done yet.

The same command continues after an interruption. ``run_sweep`` is its Python twin.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from raygroup.errors import DONE, FAILED
from raygroup.files.places import Place, local_path, parse_local_path, parse_place, place
from raygroup.search_space import Sweep
from raygroup.searches.head_sizes import SizeSearch
from raygroup.terminal import Parser, command_line, console, print_json, print_line, print_words, run_command
from raygroup.values import ACCUMULATE, BAD_SHARE, MEMORY_GB, SECONDS, USD, WORKERS, add_bad_share_argument

if TYPE_CHECKING:
    from rich.console import Console

    from raygroup.files.retry import Retry
    from raygroup.runtime.planning.plan import Plan
    from raygroup.runtime.sweep_run import RunOptions
    from raygroup.tables.sweep_result import SweepResult

_OPTIONS = ("local", "address", "cluster", "calibrate", "budget", "yes", "reuse", "bad_share")
_PLACEMENT = ("device", "kernels", "device_memory_gb", "workers", "accumulate", "stall_timeout_s", "storage_patience_s")


def run_sweep(
    sweep: Sweep | str = "quickstart", *, storage_path: Place | str = "runs", words: Path | str | None = None,
    weights: Path | str | None = None, fonts: Path | str | None = None, scenes: Path | str | None = None, local: bool = False,
    address: str | None = None, device: str = "cpu", kernels: str = "auto", device_memory_gb: float | None = None,
    workers: int | tuple[int, int] = 1, accumulate: int = 1, stall_timeout_s: float = 1800.0, storage_patience_s: float = 900.0,
    cluster: Path | str | None = None, calibrate: bool = False, budget: float | None = None, yes: bool = False, reuse: bool = True,
    bad_share: float = BAD_SHARE, progress: bool = False,
) -> "SweepResult":  # fmt: skip
    """Train the trials of a sweep that are not done yet, and return the result of all of them.

    ``sweep`` is a ``Sweep``, or the name or path of a search space. The other arguments are the flags of the command; those that end in
    ``_s`` are seconds. ``scenes`` are for a sweep on scenes. ``workers=(2, 4)`` is ``--workers 2-4``. With ``progress`` it prints how
    far the trials are. Call it under ``if __name__ == "__main__":``, because it starts processes.

    A search of head sizes returns a ``SizeSearchResult``, which also has the points and their front.

    Trials that failed are in ``SweepResult.failed``. Raises ConfigError for input that cannot be used, OverBudgetError before it starts a
    sweep that would cost more than ``budget``, ClusterLostError if the Ray cluster is gone, StopRequestedError if somebody stopped the
    sweep, OSError if the storage path fails, and KeyboardInterrupt. Everything recorded is kept, and the same call continues.
    """
    from rich.console import Console

    from raygroup.runtime.placement import Placement
    from raygroup.runtime.sweep_run import RunOptions

    screen = console() if progress else Console(quiet=True)
    plan = _plan(sweep, storage_path, (words, weights, fonts, scenes), screen)
    placement = Placement(
        device=device, kernels=kernels, device_memory_gb=device_memory_gb,
        workers=(workers, workers) if isinstance(workers, int) else workers, accumulate=accumulate, stall_timeout_s=stall_timeout_s,
        storage_patience_s=storage_patience_s,
    )  # fmt: skip
    options = RunOptions(
        placement=placement, local=local, address=address, cluster=local_path(cluster) if cluster else None, calibrate=calibrate,
        budget=budget, yes=yes, reuse=reuse, bad_share=bad_share,
    )  # fmt: skip
    return _result(plan, _train(plan, options, screen))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _run(build_parser().parse_args(arguments)), resume=command_line("raygroup.sweep", arguments))


def _run(arguments: argparse.Namespace) -> int:
    from raygroup.words.rendering.font_folder import unread_font_lines

    out = console(stderr=arguments.json)
    inputs = (arguments.words, arguments.weights, arguments.fonts, arguments.scenes)
    plan = _plan(arguments.name, arguments.storage_path, inputs, out)
    options = _run_options(arguments)
    for line in unread_font_lines(arguments.fonts):
        print_line(console(stderr=True), line)
    if arguments.dry_run:
        return _dry_run(plan, options, as_json=arguments.json)
    failed = _train(plan, options, out)
    if isinstance(plan.sweep, SizeSearch):
        from raygroup.runtime.searches.search_summary import show_search

        return DONE if show_search(plan, failed, out, as_json=arguments.json) else FAILED
    _show_sweep(plan, failed, options, as_json=arguments.json)
    return FAILED if failed or plan.missing else DONE


def _train(plan: "Plan", options: "RunOptions", screen: "Console") -> dict[str, str]:
    """Train what is missing of a sweep or a search. Returns the trials that failed: id -> reason."""
    if isinstance(plan.sweep, SizeSearch):
        from raygroup.runtime.searches.search_run import train_search

        return train_search(plan, options, screen)
    from raygroup.runtime.sweep_run import train_missing

    return train_missing(plan, options, screen)


def _result(plan: "Plan", failed: Mapping[str, str]) -> "SweepResult":
    """Return the result of a sweep or a search, with the reasons of the trials that just failed."""
    if isinstance(plan.sweep, SizeSearch):
        from raygroup.tables.searches.search_result import size_search_result

        return size_search_result(plan.folder, failed)
    from raygroup.tables.sweep_result import sweep_result

    return sweep_result(plan.folder, failed)


def _show_sweep(plan: "Plan", failed: Mapping[str, str], options: "RunOptions", *, as_json: bool) -> None:
    from raygroup.runtime.summary import next_steps, print_summary
    from raygroup.runtime.sweep_run import storage_retry

    if as_json:
        print_json(_result_json(plan, failed, storage_retry(plan, options)))
        return
    out = console()
    with out.status("reading the results"):
        print_summary(plan, out, failed, storage_retry(plan, options))
    for line in next_steps(plan):
        print_words(out, line)


def _result_json(plan: "Plan", failed: Mapping[str, str], retry: "Retry") -> dict[str, object]:
    """Return the result as JSON values, with the pictures that are drawn of one trial."""
    from raygroup.runtime.shown_trial import draw_shown_trial
    from raygroup.tables.sweep_result import sweep_result

    result = sweep_result(plan.folder, failed)
    values = retry(result.to_json)
    pictures = draw_shown_trial(result, result.shown, retry)[1] if result.shown and plan.scenes is None else []
    return values | {"pictures": [str(path) for path in pictures]}


def _dry_run(plan: "Plan", options: "RunOptions", *, as_json: bool) -> int:
    from raygroup.runtime.planning.dry_run import print_dry_run
    from raygroup.runtime.planning.forecast import forecast_json
    from raygroup.runtime.planning.words_preview import plan_previews, print_previews, require_few_lost_words
    from raygroup.runtime.sweep_run import forecast_sweep, split_reusable

    if isinstance(plan.sweep, SizeSearch):
        from raygroup.runtime.searches.search_plan import stored_points
        from raygroup.runtime.searches.search_run import forecast_plan

        plan = forecast_plan(plan, stored_points(plan))
    missing, twins = (plan.missing, {}) if isinstance(plan.sweep, SizeSearch) else split_reusable(plan, options)
    packs, forecast = forecast_sweep(plan, missing, options)
    previews = plan_previews(plan, plan.jobs)
    if as_json:
        print_json(forecast_json(forecast) | ({"words": [preview.to_json() for preview in previews]} if previews else {}))
    else:
        print_previews(previews, console())
        print_dry_run(plan, packs, forecast, console(), twins)
    require_few_lost_words(plan, previews, options.bad_share)
    return DONE


def _plan(
    sweep: Sweep | str,
    storage_path: Place | str,
    inputs: "tuple[Path | str | None, Path | str | None, Path | str | None, Path | str | None]",
    screen: "Console",
) -> "Plan":
    """Plan a sweep. ``inputs`` are the paths of words, weights, fonts and scenes."""
    from raygroup.runtime.planning.plan import load_plan
    from raygroup.runtime.progress import progress_bars

    words, weights, fonts, scenes = (local_path(path) if path else None for path in inputs)
    with progress_bars(screen) as progress:
        return load_plan(sweep, place(storage_path), words, fonts, progress, str(weights) if weights else None, scenes)


def _run_options(arguments: argparse.Namespace) -> "RunOptions":
    from raygroup.runtime.placement import Placement
    from raygroup.runtime.sweep_run import RunOptions

    placement = Placement(**{name: getattr(arguments, name) for name in _PLACEMENT})
    return RunOptions(placement=placement, **{name: getattr(arguments, name) for name in _OPTIONS})


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's flags."""
    parser = Parser(
        prog="python -m raygroup.sweep",
        description="Run the trials of a search space that are not done yet. Apart from --words, --scenes, --weights and --fonts, flags "
        "say where, never what.",
        epilog="exit codes: 0 all done, 2 bad input, 3 a trial, the storage path or a worker failed, 4 over budget, 5 cluster lost, "
        "130 interrupted; after 3, 5 and 130 the same command continues",
    )  # fmt: skip
    parser.add_argument(
        "name", nargs="?", default="quickstart", help="a search space, by name or as a path ending in .py (default: quickstart)"
    )
    parser.add_argument(
        "--words",
        type=parse_local_path,
        metavar="PATH or PATH:FORMAT",
        help="your own words: a Parquet file, or a folder of images with labels.csv, .tsv or .jsonl, or with another tool's label "
        "file (docs/data.md lists the formats)",
    )
    parser.add_argument(
        "--weights", metavar="laptop|FILE", help="stage-1 weights, a file of python -m raygroup.pretrain (default: the search space's)"
    )
    parser.add_argument(
        "--scenes", type=parse_local_path, metavar="PATH", help="the scenes of a sweep on scenes: an import of raygroup.data"
    )
    parser.add_argument("--fonts", type=parse_local_path, help="a folder of fonts to render with, in addition to the installed ones")
    add_bad_share_argument(parser)
    parser.add_argument(
        "--storage-path", type=parse_place, default=Path("runs"), help="where results go: a folder, or s3://bucket/folder (default: ./runs)"
    )
    _add_placement_arguments(parser)
    _add_cost_arguments(parser)
    return parser


def _add_placement_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say where and how trials run."""
    parser.add_argument("--address", help="a running Ray cluster to join (default: Ray on this machine)")
    parser.add_argument("--local", action="store_true", help="train without Ray, in processes of this machine; histories are the same")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where a trial computes (default: cpu)")
    parser.add_argument(
        "--kernels", default="auto",
        help="the form in which heads are computed: auto, plain (the reference), factored, winograd, compiled, bf16, graphs",
    )  # fmt: skip
    parser.add_argument(
        "--device-memory-gb", type=MEMORY_GB.parse,
        help="memory of one GPU, which decides how many trials train together (default: ask the GPU)",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=WORKERS.parse_pair("-", single=True), default=(1, 1), metavar="N or N-M",
        help="workers that train one pack together, on Ray: 2, or 2-4 for as many as fit (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--accumulate", type=ACCUMULATE.parse, default=1, metavar="PARTS",
        help="read the words of a step in this many parts, to save memory",
    )  # fmt: skip
    parser.add_argument(
        "--stall-timeout", type=SECONDS.parse, default=1800.0, dest="stall_timeout_s", metavar="SECONDS",
        help="end a worker that finishes no step for this many seconds; its trials continue in another (default: 1800; 0: never)",
    )  # fmt: skip
    parser.add_argument(
        "--storage-patience", type=SECONDS.parse, default=900.0, dest="storage_patience_s", metavar="SECONDS",
        help="how long to wait for a storage path that is full or fails (default: 900)",
    )  # fmt: skip


def _add_cost_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that forecast a sweep or limit what it does."""
    parser.add_argument("--dry-run", action="store_true", help="list the trials, their packs and their cost, then stop")
    parser.add_argument("--json", action="store_true", help="print the result, or with --dry-run the forecast, as one JSON object")
    parser.add_argument("--calibrate", action="store_true", help="time a few steps here first, for --dry-run and --budget")
    parser.add_argument("--cluster", type=parse_local_path, metavar="FILE", help="a cluster file with prices (metadata: usd_per_hour)")
    parser.add_argument("--budget", type=USD.parse, metavar="USD", help="refuse a sweep that is forecast to cost more")
    parser.add_argument(
        "--no-reuse", action="store_false", dest="reuse", help="train also trials that another sweep on this storage path has finished"
    )
    parser.add_argument("--yes", action="store_true", help="run it even if it costs more than --budget")


if __name__ == "__main__":
    sys.exit(main())
