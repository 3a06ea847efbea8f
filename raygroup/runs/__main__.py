"""``python -m raygroup.runs``: list, show, draw, compare, stop, retry, copy and clean sweeps."""

import argparse
from collections.abc import Sequence

from rich.console import Console

from raygroup.runs.arguments import build_parser, retry_arguments, storage_paths
from raygroup.terminal import command_line, console, run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _run(build_parser().parse_args(arguments), console()), resume=command_line("raygroup.runs", arguments))


def _run(options: argparse.Namespace, out: Console) -> None:
    if options.command == "list":
        from raygroup.runs.listing import list_sweeps

        list_sweeps(storage_paths(options), out, as_json=options.json)
    elif options.command == "show":
        from raygroup.runs.find import find_sweep
        from raygroup.runs.show import show_sweep

        show_sweep(find_sweep(options.sweep, storage_paths(options)), out, trial=options.trial, as_json=options.json)
    elif options.command == "pictures":
        from raygroup.runs.pictures import show_pictures

        show_pictures(options.sweep, storage_paths(options), out, as_json=options.json)
    elif options.command == "status":
        from raygroup.runs.status import show_status

        show_status(storage_paths(options), options.sweep, out, as_json=options.json, watch=options.watch)
    elif options.command == "logs":
        from raygroup.runs.find import find_trial
        from raygroup.runs.logs import show_logs

        sweep, trial = find_trial(options.trial, storage_paths(options))
        show_logs(sweep, trial, out, all_stalls=options.all, as_json=options.json)
    elif options.command == "compare":
        from raygroup.runs.compare import compare, show_comparison

        show_comparison(compare(options.one, options.other, storage_paths(options)), out, as_json=options.json)
    elif options.command == "pull":
        from raygroup.runs.pull import pull_sweeps

        pull_sweeps(options, out)
    elif options.command == "clean":
        from raygroup.runs.clean import clean

        clean(
            storage_paths(options), out, include_caches=options.cache, include_heads=options.heads, dry_run=options.dry_run,
            as_json=options.json,
        )  # fmt: skip
    else:
        _request(options, out)


def _request(options: argparse.Namespace, out: Console) -> None:
    from raygroup.runs.find import find_sweep
    from raygroup.runs.requests import request_stop, retry_trials

    if options.command == "stop":
        request_stop(find_sweep(options.sweep, storage_paths(options)), out)
    else:
        names, storages = retry_arguments(options)
        retry_trials(find_sweep(options.sweep, storages), names, out)


if __name__ == "__main__":
    raise SystemExit(main())
