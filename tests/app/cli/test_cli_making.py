"""`whyrank teach queries`, with this test in the worker's place; and once with a real job, whose teacher is a local
server."""

import json
import os

import pytest

from data.records import JobState, Split, utc_now
from engine.lm.scripted import ScriptedLM
from tests.app.cli import test_cli_training
from tests.scripted_server import ScriptedServer
from training import process

FakeWorker = test_cli_training.FakeWorker
URL = "http://127.0.0.1:1/v1"
MAKE = ("teach", "queries", "-c", "beans", "--url", URL, "--model", "gpt-x", "--depth", "3")
JUDGED = {"queries": 2, "pairs": 6, "asked": 5, "kept": 0, "graded": 4, "unreadable": 1, "unanswered": 0}
JUDGED |= {"not_asked": 1, "new_judgments": 4, "by_grade": {"0": 1, "3": 3}, "stopped": "The budget is used up."}


def told(**changes):
    found = {"assessor": "gpt-x", "documents": 5, "asked": 4, "kept": 1, "unreadable": 1, "unanswered": 0}
    found |= {"not_asked": 0, "refused": {"repeats the title": 1}, "dropped": {"near an evaluation query": 1}}
    found |= {"queries": 2, "new_queries": 1, "judged": JUDGED, "requests": 9, "prompt_tokens": 900}
    return {**found, "completion_tokens": 100, "cost": 0.0123, "stopped": None, **changes}


def test_a_job_is_written_with_what_was_asked_for(line, beans, workbench):
    result = line(
        *MAKE,
        "--documents",
        "4",
        "--seed",
        "7",
        "--no-judge",
        "--requests",
        "9",
        "--workers",
        "2",
        "--set",
        "name=X",
        "--by",
        "Ann",
        "--json",
    )
    assert result.exit_code == 0, result.stderr
    assert "4 documents, 0 pairs; at most about" in result.stderr and "No worker runs" in result.stderr
    stored = workbench.store.jobs.get(json.loads(result.stdout)["job_id"])
    assert (stored.kind, stored.created_by, stored.state) == ("make-queries", "Ann", JobState.QUEUED)
    config = stored.config
    assert (config["documents"], config["seed"], config["judge"]) == (4, 7, False)
    teaching = config["teaching"]
    assert (teaching["url"], teaching["model"], teaching["name"], teaching["depth"]) == (URL, "gpt-x", "X", 3)
    assert (teaching["budget"]["requests"], teaching["workers"]) == (9, 2)


def test_a_dry_run_only_counts(line, beans, workbench):
    found = line.json(*MAKE, "--documents", "4", "--money", "1", "--prompt-price", "1", "--dry-run", "--json")
    assert (found["documents"], found["pairs"]) == (4, 12) and found["cost"] > 0 and found["tokens"] > 0
    assert workbench.store.jobs.list() == []


def test_waiting_says_what_was_made_and_what_became_of_the_rest(line, beans, workbench):
    with FakeWorker(workbench, JobState.DONE, result=told()):
        result = line(*MAKE, "--wait", "--json")
    assert result.exit_code == 0, result.stderr
    for words in (
        "2 queries made of 5 documents, 1 of them new; 4 answers asked for, 1 kept",
        "Refused: 1 repeats the title.",
        "Dropped: 1 near an evaluation query.",
        "gpt-x: 4 of 6 pairs graded (1 of grade 0, 3 of grade 3), 1 answers unreadable.",
        "0.0123 spent",
        "Stopped: The budget is used up. 1 pairs were not asked about.",
        "Its manifest: ",
    ):
        assert words in result.stderr
    assert json.loads(result.stdout)["result"] == told()


def test_a_job_that_fails_fails_the_command(line, beans, workbench):
    with FakeWorker(workbench, JobState.FAILED, error="h refused the key (401).", mend="Set WHYRANK_TEACHER_API_KEY."):
        result = line(*MAKE, "--wait")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("Error: the job failed. h refused the key (401). Set WHYRANK")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--url", "nowhere"), "not an http address"),
        (("--model", ""), "model is not given"),
        (("--money", "2"), "give those of a million"),
        (("--set", "magic=1"), "magic"),
        (("--set", "split=all"), "split"),
        (("--set", "documents=none"), "documents"),
    ],
)
def test_what_can_t_be_asked_is_one_line(line, beans, workbench, options, words):
    result = line(*MAKE, *options)
    assert result.exit_code == 1
    said = result.stderr.splitlines()[-1]
    assert said.startswith("Error: ") and words in said
    assert workbench.store.jobs.list() == []


def test_a_whole_job_from_the_row_to_the_judgments(line, beans, workbench):
    """The job's own process is played by this one."""

    def teacher(ask):
        if not ask.messages[0].content.startswith("You write"):
            return 'Explanation: "beans".\nGrade: 2'
        about = "tomatoes in the garden" if "Tomatoes" in ask.messages[1].content else "cooking dry beans at home"
        return f"Summary: s.\nQuery: what helps with {about}"

    with ScriptedServer(ScriptedLM(generate=teacher)) as server:
        words = (*MAKE, "--url", server.url, "--model", "scripted")
        job_id = line.json(*words, "--json")["job_id"]
        stored = workbench.store.jobs
        job = stored.claim(job_id, pid=os.getpid(), now=utc_now(), stale_after_seconds=0)
        process._run(workbench, job, process.jobs.folder(workbench.settings, job_id))
    ended = stored.get(job_id)
    assert (ended.state, ended.error, ended.progress) == (JobState.DONE, None, 1.0)
    assert (ended.result["documents"], ended.result["queries"], ended.result["dropped"]) == (5, 2, {"made twice": 3})
    assert ended.result["judged"]["graded"] == ended.result["judged"]["pairs"] > 0
    made = [q for q in workbench.store.collections.queries(beans.collection_id) if q.query_id.startswith("made-")]
    assert len(made) == 2 and {query.split for query in made} == {Split.TRAIN}
