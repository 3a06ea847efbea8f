"""Stop the Ray job that this process belongs to."""

import json
import os

from raygroup.runtime.on_ray.settings import set_environment


def own_job_id() -> str | None:
    """Return the submission id of the Ray job whose entrypoint runs this process, or None outside of jobs."""
    set_environment()
    from ray._private.runtime_env.constants import RAY_JOB_CONFIG_JSON_ENV_VAR
    from ray.dashboard.modules.job.common import JOB_ID_METADATA_KEY

    config = json.loads(os.environ.get(RAY_JOB_CONFIG_JSON_ENV_VAR) or "{}")
    job_id = (config.get("metadata") or {}).get(JOB_ID_METADATA_KEY)
    return None if job_id is None else str(job_id)


def stop_job(job_id: str) -> None:
    """Ask Ray to stop a job of this process's cluster. Raises ConnectionError or RuntimeError if it does not."""
    set_environment()
    from ray.job_submission import JobSubmissionClient

    JobSubmissionClient().stop_job(job_id)
