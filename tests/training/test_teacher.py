"""The teaching job in this process, against a real local server: kept answers, budgets, failures, stopping."""

import json
import os

import pytest
from pydantic import SecretStr

from data.errors import LMError, SettingsError
from data.records import AssessorKind, Status, utc_now
from data.settings import Settings
from engine.lm.scripted import ScriptedLM
from engine.workbench import Workbench
from tests import synthetic, vllm_server
from tests.scripted_server import Reply, ScriptedServer, events, piece
from training import jobs, questioning, teacher, teaching
from training.budget import Budget
from training.heartbeat import STALE_SECONDS, Heartbeat
from training.stopping import Stopped
from training.teaching import TeachConfig, config_of
from training.work import Work

KEY = "sk-a-very-secret-key"
PAIRS = 24
"""Six training queries of four documents each."""


def by_marker(ask):
    """What a good teacher writes."""
    document = ask.messages[1].content
    grade, marker = next((g, m) for g, m in enumerate(synthetic.MARKERS) if m in document.split())
    return f'Explanation: It says "{marker}".\nGrade: {grade}'


async def at_once(_):
    """No wait between attempts."""


def config(server, **changes):
    return TeachConfig(**{"url": server.url, "model": "scripted", "depth": 4, "concurrency": 4, **changes})


def submitted(workbench, collection, wanted):
    return jobs.submit_teaching(workbench, collection, wanted, "ann")


def work_of(workbench, job, heartbeat=Heartbeat):
    stored = workbench.store.jobs
    claimed = stored.claim(job.job_id, pid=os.getpid(), now=utc_now(), stale_after_seconds=STALE_SECONDS)
    job = claimed or stored.get(job.job_id)
    folder = jobs.folder(workbench.settings, job.job_id)
    return Work(job=job, workbench=workbench, folder=folder, heartbeat=heartbeat(workbench.store, job.job_id))


def taught(workbench, collection, wanted):
    work = work_of(workbench, submitted(workbench, collection, wanted))
    return teacher.teach(work, wanted, teaching.teacher(workbench.settings, wanted, sleep=at_once))


def judgments(workbench, collection, name="scripted"):
    (found,) = (a for a in workbench.store.assessors.list(AssessorKind.TEACHER) if a.name == name)
    return workbench.store.judgments.current(collection.collection_id, assessor_ids=[found.assessor_id])


@pytest.fixture
def settings(workbench):
    return workbench.settings


def test_answers_become_judgments_of_a_teacher_named_for_the_model(workbench, collection, made):
    with ScriptedServer(ScriptedLM(generate=by_marker)) as server:
        told = taught(workbench, collection, config(server))
        assert len(server.chats) == PAIRS
        body = server.chats[0]
    found = judgments(workbench, collection)
    assert {(j.query_id, j.doc_id): j.grade for j in found} == {
        pair: grade for pair, grade in made.grades.items() if pair[0] < "q06"
    }
    assert all(j.status is Status.JUDGED and j.explanation.startswith("It says") for j in found)
    assert all(j.evidence[0].start_char is not None and j.guideline_version == 1 for j in found)
    assert (told["pairs"], told["asked"], told["graded"], told["requests"], told["stopped"]) == (24, 24, 24, 24, None)
    assert told["by_grade"] == {"0": 6, "1": 6, "2": 6, "3": 6}
    assert told["prompt_tokens"] > 24 * 100 and told["completion_tokens"] == 24 * 6
    assert (body["temperature"], body["max_tokens"]) == (0.0, 400)
    assert "Explanation: one or two" in body["messages"][0]["content"]


def test_nothing_is_asked_twice_and_nothing_is_stored_twice(workbench, collection):
    with ScriptedServer(ScriptedLM(generate=by_marker)) as server:
        taught(workbench, collection, config(server))
        events_before = workbench.store.judgments.event_counts(collection.collection_id)
        told = taught(workbench, collection, config(server))
        assert len(server.chats) == PAIRS
    assert (told["kept"], told["asked"], told["requests"], told["new_judgments"]) == (24, 0, 0, 0)
    assert workbench.store.judgments.event_counts(collection.collection_id) == events_before


@pytest.mark.parametrize("change", [{"model": "other"}, {"temperature": 0.5}, {"answer_tokens": 50}])
def test_another_question_is_asked_anew(workbench, collection, change):
    with ScriptedServer(ScriptedLM(generate=by_marker), models=("scripted", "other")) as server:
        taught(workbench, collection, config(server))
        told = taught(workbench, collection, config(server, **change))
    assert (told["kept"], told["asked"]) == (0, PAIRS)


def test_new_guidelines_are_another_question_and_another_answer_replaces_the_first(workbench, collection):
    with ScriptedServer(ScriptedLM(generate=by_marker)) as server:
        taught(workbench, collection, config(server))
        workbench.store.collections.set_rules(collection.collection_id, guidelines="Be kind.", changed_by="ann")
        server.lm = ScriptedLM(generate=lambda ask: "Explanation: kind.\nGrade: 3")
        told = taught(workbench, workbench.store.collections.get(collection.collection_id), config(server))
    assert told["asked"] == PAIRS and {j.grade for j in judgments(workbench, collection)} == {3}


def test_two_documents_of_one_text_are_one_question(workbench, collection):
    first, second, *_ = workbench.store.collections.documents(collection.collection_id)
    pairs = (("q00", first.doc_id), ("q00", first.doc_id), ("q00", second.doc_id))
    with ScriptedServer(ScriptedLM(generate=by_marker)) as server:
        told = taught(workbench, collection, config(server, pairs=pairs))
        assert len(server.chats) == 2
    assert (told["queries"], told["pairs"]) == (1, 2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("It is very good, 3 of 3.", "not in the form"),
        ("Explanation: It helps.\nGrade: 7", "not on the scale"),
        ("Explanation:\nGrade: 2", "the explanation is empty"),
        ("Explanation: " + "word " * 500 + "\nGrade: 2", "cut the answer off"),
        ("Explanation: a\0b", "not in the form"),
        ("", "not in the form"),
    ],
)
def test_what_can_t_be_read_is_kept_to_the_letter_counted_and_no_grade(workbench, collection, text, reason):
    with ScriptedServer(ScriptedLM(generate=lambda ask: text)) as server:
        told = taught(workbench, collection, config(server))
    assert (told["unreadable"], told["graded"], told["by_grade"]) == (PAIRS, 0, {})
    for judgment in judgments(workbench, collection):
        assert (judgment.status, judgment.grade, judgment.explanation) == (Status.UNREADABLE, None, None)
        assert reason in judgment.note and text[:30].replace("\0", "\N{REPLACEMENT CHARACTER}") in judgment.note


def test_a_thought_before_the_answer_is_passed_over():
    text = "<think>Hm.\nGrade: 1?</think>\n\nExplanation: It helps.\nGrade: 2"
    read = teaching.read(text, finished=True, scale=synthetic.TREC_DL, form="reason-first")
    assert (read.grade, read.explanation) == (2, "It helps.")


HALF = Reply(body=events(piece("Expl"), piece("anation")))


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(Reply(drop=True), id="dropped"),
        pytest.param(Reply(status=429, headers={"retry-after": "30"}), id="429"),
        pytest.param(Reply(body=b'{"choices": ['), id="broken JSON"),
        pytest.param(HALF, id="half a stream"),
        pytest.param(Reply(body=HALF.body, content_length=5000), id="cut"),
    ],
)
def test_a_passing_failure_costs_a_request_and_no_answer(workbench, collection, failure):
    with ScriptedServer(ScriptedLM(generate=by_marker), failures=[failure, failure]) as server:
        told = taught(workbench, collection, config(server, concurrency=1))
    assert (told["graded"], told["unanswered"], told["requests"]) == (PAIRS, 0, PAIRS + 2)


def test_a_time_out_costs_a_request_and_no_answer(workbench, collection):
    with ScriptedServer(ScriptedLM(generate=by_marker), failures=[Reply(delay_seconds=5)] * 2) as server:
        told = taught(workbench, collection, config(server, timeout_seconds=2, concurrency=1))
    # On a busy machine an answer that nothing delays may be late too.
    assert (told["graded"], told["unanswered"]) == (PAIRS, 0)
    assert told["requests"] >= PAIRS + 2


def test_a_pair_that_is_refused_is_counted_and_asked_again_by_the_next_job(workbench, collection):
    filtered = Reply(body=events(piece("I can't", "content_filter")))
    with ScriptedServer(ScriptedLM(generate=by_marker), failures=[filtered] * 2) as server:
        told = taught(workbench, collection, config(server))
        assert (told["graded"], told["unanswered"]) == (PAIRS - 2, 2)
        again = taught(workbench, collection, config(server))
    assert (again["kept"], again["asked"], again["unanswered"]) == (PAIRS - 2, 2, 0)


@pytest.mark.parametrize(
    ("reply", "what", "mend"),
    [
        (Reply(status=401, body={"error": {"message": f"wrong: {KEY}"}}), "refused the key", "WHYRANK_TEACHER_API_KEY"),
        (Reply(status=404, body={"error": {"message": "no model `scripted`"}}), "no model `scripted`", "/models"),
        (Reply(status=307, headers={"location": "http://127.0.0.1:1/v1"}), "redirects", "WHYRANK_TEACHER_URL"),
    ],
)
def test_what_every_request_would_meet_ends_the_job_after_one(workbench, collection, reply, what, mend):
    with ScriptedServer(always=reply) as server:
        with pytest.raises(LMError, match=what) as caught:
            taught(workbench, collection, config(server))
        assert len(server.chats) == 1
    assert mend in caught.value.mend and KEY not in str(caught.value)


def test_a_server_that_refuses_every_pair_is_given_up(workbench, collection):
    with ScriptedServer(always=Reply(status=400, body={"error": {"message": "no chat model"}})) as server:
        with pytest.raises(LMError, match="no chat model"):
            taught(workbench, collection, config(server))
        assert len(server.chats) <= 2 * (questioning.IN_A_ROW + 4)


def test_nobody_there_is_said(workbench, collection):
    with ScriptedServer() as server:
        wanted = config(server)
    with pytest.raises(LMError, match="does not answer|No answer") as caught:
        taught(workbench, collection, wanted)
    assert "WHYRANK_TEACHER_URL" in caught.value.mend


# The budget


def test_it_stops_at_the_budget_of_requests_and_the_next_job_goes_on_from_there(workbench, collection):
    with ScriptedServer(ScriptedLM(generate=by_marker)) as server:
        told = taught(workbench, collection, config(server, budget=Budget(requests=10)))
        assert len(server.chats) == 10
        assert (told["asked"], told["not_asked"], told["requests"]) == (10, 14, 10)
        assert told["stopped"] == "The budget of 10 requests is used up."
        told = taught(workbench, collection, config(server, budget=Budget(requests=100)))
        assert len(server.chats) == PAIRS
    assert (told["kept"], told["asked"], told["stopped"]) == (10, 14, None)


def test_attempts_that_failed_count_against_the_budget(workbench, collection):
    failures = [Reply(status=503)] * 3
    with ScriptedServer(ScriptedLM(generate=by_marker), failures=failures) as server:
        told = taught(workbench, collection, config(server, budget=Budget(requests=10)))
        assert len(server.chats) == 10
    assert (told["asked"], told["not_asked"], told["unanswered"]) == (7, PAIRS - 7, 0)


@pytest.mark.parametrize("concurrency", [1, 4, 16])
def test_tokens_and_money_never_go_over(workbench, collection, concurrency):
    with ScriptedServer(ScriptedLM(generate=by_marker)) as server:
        budget = Budget(tokens=3000)
        tokens = taught(workbench, collection, config(server, budget=budget, concurrency=concurrency))
        budget = Budget(money=0.004, prompt_price=1.0, completion_price=2.0)
        money = taught(workbench, collection, config(server, budget=budget, concurrency=concurrency, temperature=0.1))
    assert 0 < tokens["asked"] < PAIRS and tokens["tokens"] <= 3000 and "3,000 tokens" in tokens["stopped"]
    assert 0 < money["asked"] < PAIRS and money["cost"] <= 0.004 and "budget of 0.004" in money["stopped"]
    assert money["cost"] == pytest.approx((money["prompt_tokens"] + 2 * money["completion_tokens"]) / 1e6)


def test_a_server_that_counts_no_tokens_is_estimated_and_said_so(workbench, collection):
    uncounted = Reply(body=events(piece("Explanation: It helps.\nGrade: 1"), piece("", "stop")))
    with ScriptedServer(always=uncounted) as server:
        told = taught(workbench, collection, config(server))
    assert told["estimated"] == PAIRS and told["completion_tokens"] == 8 * PAIRS and told["prompt_tokens"] > 2000


# Stopping, resuming, showing


class StoppedAfter(Heartbeat):
    """Is told to stop when so many answers are on disk."""

    answers = 5

    def beat(self):
        super().beat()
        if " answers," in self.stage and int(self.stage.split(": ")[1].split(" ")[0]) >= self.answers:
            self.stop.set()


def test_stopped_and_taken_up_it_pays_for_no_answer_twice_and_knows_what_it_spent(workbench, collection):
    with ScriptedServer(ScriptedLM(generate=by_marker)) as server:
        wanted = config(server, concurrency=2, budget=Budget(requests=20))
        job = submitted(workbench, collection, wanted)
        with pytest.raises(Stopped):
            teacher.run(work_of(workbench, job, StoppedAfter))
        first = json.loads(jobs.teach_path(workbench.settings, job.job_id).read_text())
        assert 5 <= first["asked"] <= 8 and first["whole"] is False
        told = teacher.run(work_of(workbench, job))
        assert len(server.chats) == 20
    assert (told["asked"], told["kept"], told["requests"]) == (20, 0, 20)
    assert told["stopped"] and told["whole"] is True


def test_a_broken_kept_answer_is_asked_again(workbench, collection):
    with ScriptedServer(ScriptedLM(generate=by_marker)) as server:
        taught(workbench, collection, config(server))
        one, two, *_ = sorted(workbench.settings.answers_path.rglob("*.json"))
        one.write_text('{"text": "half')
        two.write_text("[]")
        told = taught(workbench, collection, config(server))
    assert (told["kept"], told["asked"]) == (PAIRS - 2, 2)


def test_answers_go_with_their_collection(workbench, collection):
    with ScriptedServer(ScriptedLM(generate=by_marker)) as server:
        taught(workbench, collection, config(server))
    assert list(workbench.settings.answers_path.rglob("*.json"))
    workbench.delete(collection)
    assert not list(workbench.settings.answers_path.rglob("*.json"))


# The key


def test_the_key_goes_to_the_settings_address_only_and_is_stored_nowhere(workbench, collection, tmp_path):
    with ScriptedServer(ScriptedLM(generate=by_marker), api_key=KEY) as server:
        with_key = Settings(
            home=workbench.settings.home, retriever="bm25s", teacher_url=f"{server.url}/", teacher_api_key=KEY
        )
        bench = Workbench(with_key, workbench.store, ScriptedLM())
        taught(bench, collection, config(server))
        assert server.received[0].authorization == f"Bearer {KEY}"
        with ScriptedServer(ScriptedLM(generate=by_marker)) as other:
            taught(bench, collection, config(other))
            assert {received.authorization for received in other.received} == {None}
            preview = teaching.preview(bench, collection, config(other))
        assert any("is not sent it" in warning for warning in preview.warnings)
        bench.close()
    files = [path for path in workbench.settings.home.rglob("*") if path.is_file()]
    assert files and not any(KEY.encode() in path.read_bytes() for path in files)


# What is asked about, and what stands against it


@pytest.mark.parametrize(
    ("change", "queries"),
    [
        ({}, 6),
        ({"split": None}, 18),
        ({"split": "heldout"}, 12),
        ({"queries": 3}, 3),
        ({"query_ids": ("q01", "q15", "q01")}, 2),
    ],
)
def test_which_queries_are_asked_about(workbench, collection, change, queries):
    with ScriptedServer() as server:
        preview = teaching.preview(workbench, collection, config(server, **change))
    assert preview.problem is None
    assert (preview.queries, preview.pairs) == (queries, 4 * queries)
    trains_only = queries in (6, 3)
    assert trains_only == (not preview.warnings)


def test_a_sample_is_the_same_for_the_same_seed(workbench, collection):
    with ScriptedServer() as server:
        samples = [
            [q.query_id for q in teaching.chosen_queries(workbench, collection, config(server, queries=3, seed=seed))]
            for seed in (1, 1, 2)
        ]
    assert samples[0] == samples[1] != samples[2]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"query_ids": ("nope",)}, "no query 'nope'"),
        ({"pairs": (("q00", "nope"),)}, "no document 'nope'"),
        ({"split": "development"}, "no query of the split development"),
        ({"url": "http://me:pw@host/v1"}, "has a name, a password"),
        ({"url": "nowhere"}, "not an http address"),
        ({"name": "  "}, None),
    ],
)
def test_what_can_t_be_asked_is_said_before_anything_starts(workbench, collection, change, what):
    with ScriptedServer() as server:
        wanted = config(server, **change)
        if what is None:
            assert teaching.preview(workbench, collection, wanted).problem is None
            return
        preview = teaching.preview(workbench, collection, wanted)
        assert what in preview.problem.what and "pw" not in str(preview.problem)
        with pytest.raises(type(preview.problem)):
            submitted(workbench, collection, wanted)
    assert workbench.store.jobs.list() == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"money": "1"}, "give those of a million"),
        ({"depth": "0"}, "depth"),
        ({"requests": "-1"}, "budget.requests"),
        ({"api_key": "sk"}, "api_key"),
    ],
)
def test_an_option_that_does_not_fit_is_named(values, words):
    with pytest.raises(SettingsError, match=words):
        config_of({"url": "http://host/v1", "model": "m", **values})


@pytest.mark.vllm
def test_a_real_vllm_is_asked_once_a_pair_and_what_can_not_be_read_is_kept(vllm, workbench, collection):
    """The tiny model writes at random: every answer is one that a teacher should not have given."""
    key = SecretStr(vllm_server.KEY)
    served = workbench.settings.model_copy(update={"teacher_url": vllm.plan.url, "teacher_api_key": key})
    bench = Workbench(served, workbench.store)
    wanted = config(vllm.plan, model=vllm.plan.model, answer_tokens=16, concurrency=8)
    told = taught(bench, collection, wanted)
    assert (told["asked"], told["unreadable"], told["graded"], told["unanswered"]) == (PAIRS, PAIRS, 0, 0)
    assert told["completion_tokens"] > PAIRS and told["prompt_tokens"] > 100 * PAIRS, "counted by the server"
    assert {j.status for j in judgments(bench, collection, vllm.plan.model)} == {Status.UNREADABLE}
    again = taught(bench, collection, wanted)
    assert (again["kept"], again["asked"], again["requests"]) == (PAIRS, 0, 0)
