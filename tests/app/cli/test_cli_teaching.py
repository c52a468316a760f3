"""`whyrank teach`, with this test in the worker's place; and once with a real job, whose teacher is a local server."""

import json
import os

import pytest

from app.cli.session import Session
from data.records import AssessorKind, JobState, utc_now
from data.settings import Settings
from engine.lm.scripted import ScriptedLM
from tests.app.cli import test_cli_training
from tests.scripted_server import Reply, ScriptedServer
from training import process

FakeWorker = test_cli_training.FakeWorker
URL = "http://127.0.0.1:1/v1"
TEACH = ("teach", "-c", "beans", "--url", URL, "--model", "gpt-x", "--split", "all", "--depth", "3")


def told(**changes):
    found = {"assessor": "gpt-x", "pairs": 6, "graded": 4, "asked": 5, "kept": 0, "unreadable": 1, "unanswered": 0}
    found |= {"not_asked": 1, "requests": 5, "prompt_tokens": 900, "completion_tokens": 100, "estimated": 0}
    return {**found, "cost": 0.0123, "stopped": "The budget of 5 requests is used up.", **changes}


def test_a_job_is_written_with_what_was_asked_for(line, beans, workbench):
    result = line(
        *TEACH,
        "--requests",
        "5",
        "--workers",
        "3",
        "--set",
        "name=Teacher X",
        "--set",
        "answer_tokens=99",
        "--by",
        "Ann",
        "--json",
    )
    assert result.exit_code == 0, result.stderr
    job = json.loads(result.stdout)
    assert "2 queries, 6 pairs; at most about" in result.stderr and "No worker runs" in result.stderr
    stored = workbench.store.jobs.get(job["job_id"])
    assert (stored.kind, stored.created_by, stored.state) == ("teach", "Ann", JobState.QUEUED)
    config = stored.config
    assert (config["url"], config["model"], config["name"], config["depth"]) == (URL, "gpt-x", "Teacher X", 3)
    assert (config["answer_tokens"], config["budget"]["requests"], config["split"]) == (99, 5, None)
    assert config["workers"] == 3


def test_server_and_model_come_from_the_settings_and_the_key_goes_nowhere(line, beans, workbench, lm):
    settings = Settings(
        home=workbench.settings.home, retriever="bm25s", teacher_url=URL, teacher_model="gpt-y", teacher_api_key="sk-1"
    )
    result = line("teach", "-c", "beans", "--split", "all", "--json", session=Session(settings, lm))
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["config"]["model"] == "gpt-y"
    assert "sk-1" not in result.stdout + result.stderr


def test_a_dry_run_only_counts(line, beans, workbench):
    result = line(*TEACH, "--money", "1", "--prompt-price", "1", "--completion-price", "2", "--dry-run", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["queries"], found["pairs"]) == (2, 6) and found["cost"] > 0
    assert workbench.store.jobs.list() == []


def test_waiting_says_what_was_done_what_it_cost_and_where_it_stopped(line, beans, workbench):
    with FakeWorker(workbench, JobState.DONE, result=told()):
        result = line(*TEACH, "--wait")
    assert result.exit_code == 0, result.stderr
    for words in (
        "gpt-x: 4 of 6 pairs graded",
        "1 answers could not be read",
        "0.0123 spent",
        "Stopped: The budget of 5 requests is used up. 1 pairs were not asked about.",
    ):
        assert words in result.stderr


def test_a_job_that_fails_fails_the_command(line, beans, workbench):
    with FakeWorker(workbench, JobState.FAILED, error="h refused the key (401).", mend="Set WHYRANK_TEACHER_API_KEY."):
        result = line(*TEACH, "--wait")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("Error: the job failed. h refused the key (401). Set WHYRANK")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--url", "nowhere"), "not an http address"),
        (("--url", ""), "address is not given"),
        (("--model", ""), "model is not given"),
        (("--split", "magic"), "split"),
        (("--query", "q9"), "no query 'q9'"),
        (("--money", "2"), "give those of a million"),
        (("--set", "magic=1"), "magic"),
        (("--set", "api_key=sk"), "api_key"),
    ],
)
def test_what_can_t_be_asked_is_one_line(line, beans, options, words):
    result = line(*TEACH, *options)
    assert result.exit_code == 1
    said = result.stderr.splitlines()[-1]
    assert said.startswith("Error: ") and words in said


def test_teachers_are_combined_by_name(line, beans, say):
    for name, grade in (("a", 3), ("b", 2)):
        say(name, AssessorKind.TEACHER, "q1", "d1", grade)
    found = line.json("teach", "combine", "panel", "a", "b", "-c", "beans", "--how", "mean", "--json")
    assert (found["name"], found["graded"], found["new_judgments"]) == ("panel", 1, 1)
    result = line("teach", "combine", "panel", "a", "x", "-c", "beans")
    assert result.exit_code == 1 and "No teacher 'x' graded anything" in result.stderr


@pytest.mark.parametrize("status", [None, 401])
def test_a_whole_job_from_the_row_to_the_judgments(line, beans, workbench, status):
    """The job's own process is played by this one."""
    always = None if status is None else Reply(status=status)
    with ScriptedServer(ScriptedLM(generate=lambda _: 'Explanation: "beans".\nGrade: 2'), always=always) as server:
        job_id = line.json(
            "teach", "-c", "beans", "--url", server.url, "--model", "scripted", "--split", "all", "--json"
        )["job_id"]
        bench = workbench
        stored = bench.store.jobs
        job = stored.claim(job_id, pid=os.getpid(), now=utc_now(), stale_after_seconds=0)
        process._run(bench, job, process.jobs.folder(bench.settings, job_id))
    ended = stored.get(job_id)
    if status is None:
        assert (ended.state, ended.error, ended.result["graded"]) == (JobState.DONE, None, ended.result["pairs"])
        assert ended.progress == 1.0 and ended.result["graded"] > 0
    else:
        assert ended.state is JobState.FAILED and "refused the key" in ended.error
        assert "WHYRANK_TEACHER_API_KEY" in ended.mend
