"""The process of one job that runs on a Ray cluster: `python -m training.on_ray JOB_ID`.

It stands where `training.process` stands and takes the same arguments: the worker starts it, waits for its end and asks
it to stop. It submits `training.process` as a Ray job, writes what that prints into its own output, and ends as that
ended. Whatever the job needs lies in WHYRANK_HOME, which the cluster's nodes must have at the same path, as they must
have WhyRank itself.

No secret is handed over: Ray keeps a job's variables and shows them. A node that needs WHYRANK_DATABASE_URL,
WHYRANK_LM_API_KEY or WHYRANK_TEACHER_API_KEY has it set.
"""

import logging
import shlex
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

from data.errors import SettingsError, WhyRankError
from data.records import new_id
from data.settings import Settings
from training import environment
from training.parent import begin

LOOK_SECONDS = 1.0
SILENT_SECONDS = 120.0
"""How long the cluster may not answer while a job runs there; it goes on meanwhile."""
STOP_SECONDS = 25
"""What a job gets to save where it is; less than the worker gives this process."""
log = logging.getLogger(__name__)


def main(job_id: str, settings: Settings, *, takeover: bool = False) -> int:
    """Run the job on the cluster to its end; returns the exit code. SIGTERM stops it there."""
    client = connect(settings.ray_address)
    if takeover:
        end_earlier(client, job_id)
    stopping = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    submission_id = client.submit_job(
        entrypoint=entrypoint(job_id, settings, takeover=takeover),
        submission_id=f"whyrank-{job_id}-{new_id()[:8]}",
        runtime_env={"env_vars": variables(settings)},
        entrypoint_num_gpus=settings.ray_gpus or None,
        metadata={"whyrank_job": job_id},
    )
    log.info("Ray job %s on %s.", submission_id, settings.ray_address)
    return follow(client, submission_id, stopping)


def connect(address: str) -> Any:
    """A client of the cluster; raises SettingsError where Ray is not installed or does not answer."""
    try:
        from ray.job_submission import JobSubmissionClient
    except ImportError as error:
        raise SettingsError(
            "WHYRANK_RAY_ADDRESS is set, and Ray is not installed.",
            mend="Install it (pip install --no-deps -r requirements-ray.lock), or unset that variable.",
        ) from error
    try:
        return JobSubmissionClient(address)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise SettingsError(
            f"The Ray cluster at {address} does not answer: {str(error).strip().splitlines()[0]}",
            mend="Start one (ray start --head), or correct WHYRANK_RAY_ADDRESS; then submit the job again.",
        ) from error


def end_earlier(client: Any, job_id: str) -> None:
    """Stop what still runs of this job on the cluster: the process that followed it is dead, and it is not."""
    mine = [job for job in client.list_jobs() if (job.metadata or {}).get("whyrank_job") == job_id]
    for job in mine:
        if job.status.is_terminal() or job.submission_id is None:
            continue
        log.info("Stopping Ray job %s, which nobody follows any more.", job.submission_id)
        client.stop_job(job.submission_id)
        give_up = time.monotonic() + 2 * STOP_SECONDS
        while not client.get_job_status(job.submission_id).is_terminal() and time.monotonic() < give_up:
            time.sleep(LOOK_SECONDS)


def entrypoint(job_id: str, settings: Settings, *, takeover: bool) -> str:
    """The command line that Ray runs."""
    command = [sys.executable, "-P", "-m", "training.process", job_id, *(["--takeover"] if takeover else [])]
    # A node without the URL would look for the job in a new SQLite file, not find it, and end as if all were well.
    command += ["--needs-database-url"] if settings.database_url else []
    return "exec " + shlex.join(command)


def variables(settings: Settings) -> dict[str, str]:
    """What the job's process reads its settings from, without secrets. What the worker works without, a node works
    without too, whatever is set there: it is the same database and the same model that are meant."""
    without = {"WHYRANK_DATABASE_URL": settings.database_url, "WHYRANK_LM_URL": settings.lm_url}
    return {
        **{name: "" for name, value in without.items() if value is None},
        **environment.variables(settings, secrets=False),
        **environment.THREADS,
        # Ray's own is three seconds: too few for a checkpoint.
        "RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS),
    }


def follow(client: Any, submission_id: str, stopping: threading.Event) -> int:
    """Pass on what the job prints until it has ended; 0 if it ended well, or because it was asked to stop here."""
    told = 0
    asked = False
    heard = time.monotonic()
    while True:
        try:
            status = client.get_job_status(submission_id)
            printed = client.get_job_logs(submission_id)
        except (OSError, RuntimeError):  # what Ray's client raises where its server does not answer
            if time.monotonic() - heard > SILENT_SECONDS:
                raise
            time.sleep(LOOK_SECONDS)
            continue
        heard = time.monotonic()
        sys.stdout.write(printed[told:])
        sys.stdout.flush()
        told = len(printed)
        if status.is_terminal():
            return 0 if asked or status.value == "SUCCEEDED" else 1
        if stopping.is_set() and not asked:
            asked = True
            client.stop_job(submission_id)
        if asked:
            time.sleep(LOOK_SECONDS)  # the event is set and no longer waits
        else:
            stopping.wait(LOOK_SECONDS)


if __name__ == "__main__":
    task = begin("Run one job on a Ray cluster.")
    try:
        sys.exit(main(task.job_id, task.settings, takeover=task.takeover))
    except WhyRankError as error:
        sys.exit(str(error))
