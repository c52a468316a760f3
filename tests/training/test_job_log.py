"""The log of a worker and of its job's process, both started as people start them."""

import json
import os
import signal
import subprocess
import sys

import pytest

from app.actions.jobs import log_tail
from data.records import Job, JobState, new_id
from data.settings import Settings
from data.store import Store
from tests.training.working import ended, until
from training.environment import variables
from training.folders import log_path

SECRET = "a secret kind of job"


@pytest.mark.parametrize("form", ["json", None])
def test_every_line_of_a_job_has_its_id_and_no_line_an_errors_words(tmp_path, form):
    settings = Settings(home=tmp_path / "home", model="nowhere", log=form)
    with Store.open(settings.database_path) as store:
        # A kind that nobody knows: what nobody foresaw, as soon as the process has claimed it.
        job = Job(job_id=new_id(), kind=SECRET, collection_id=None, config={})
        store.jobs.add(job)
        log = tmp_path / "worker.log"
        with log.open("wb") as output:
            worker = subprocess.Popen(
                [sys.executable, "-P", "-m", "app.cli", "worker"],
                env={**os.environ, **variables(settings, secrets=True)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            done = ended(store, settings, job)
            until(lambda: "The process ended by" in log.read_text(), "the worker's word of it")
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(60)
    assert (done.state, SECRET in done.error) == (JobState.FAILED, True)
    of_worker = log.read_text().splitlines()
    of_job = log_path(settings, job.job_id).read_text().splitlines()
    # The error's words are its key in quotes; the kind alone stands in the line of the job's start.
    assert not any(repr(SECRET) in line for line in [*of_worker, *of_job])
    # People read words on the page, whatever the form of the file.
    shown = log_tail(log_path(settings, job.job_id)).splitlines()
    assert any("The job starts." in line and f'job_id="{job.job_id}"' in line for line in shown)
    assert any('error="KeyError" at="process.py:' in line for line in shown)
    assert not any(line.startswith("{") for line in shown)
    if form is None:
        assert of_job == shown
        return
    told = [json.loads(line) for line in of_job]
    assert {line["job_id"] for line in told} == {job.job_id}
    assert [line["level"] for line in told] == ["info", "error"]
    events = [json.loads(line) for line in of_worker]
    assert [line["event"] for line in events if line.get("job_id") == job.job_id][0] == "The job's process runs."
