"""Run a command as the entrypoint of a Ray job, and end the job if its input is bad.

KubeRay retries a RayJob that failed, on a new cluster. Bad input would fail there again. It does
not retry a job that was stopped, so a command that ends with exit code 2 stops its own job.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence

from raygroup.errors import BAD_INPUT, ConfigError

_STOP_S = 60.0
"""Most time that Ray takes to end a job."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``job`` to its parser."""
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND", help="the command, such as: python -m raygroup.sweep NAME")


def run_job(options: argparse.Namespace) -> int:
    """Run the command and return its exit code.

    If that is 2 and this is a Ray job, stop the job first. Raises ConfigError if the command cannot be started.
    """
    exit_code = _run(options.words)
    if exit_code == BAD_INPUT:
        _stop_own_job()
    return exit_code


def _stop_own_job() -> None:
    from raygroup.runtime.on_ray.own_job import own_job_id, stop_job

    job_id = own_job_id()
    if job_id is None:
        return
    _report(f"bad input, which a retry cannot mend: Ray job {job_id} is stopped, and its status becomes STOPPED")
    try:
        stop_job(job_id)
    except (ConnectionError, RuntimeError) as error:
        _report(f"Ray job {job_id} could not be stopped: {str(error).splitlines()[0]}")
    else:
        # Ray now ends this process. An exit before that would count as a failure of the job.
        time.sleep(_STOP_S)


def _report(line: str) -> None:
    print(f"raygroup: {line}", file=sys.stderr, flush=True)


def _run(words: Sequence[str]) -> int:
    if not words:
        raise ConfigError("job: no command is given: write it after 'job', such as: job python -m raygroup.sweep quickstart")
    try:
        with subprocess.Popen(words) as process:
            try:
                return process.wait()
            except KeyboardInterrupt:
                process.terminate()  # its own checkpoint comes first: the block waits for its end
                raise
    except OSError as error:
        raise ConfigError(f"job: {words[0]!r} cannot be started: {error.strerror}") from error
