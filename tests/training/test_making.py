"""Queries made of documents: what is drawn and dropped, and the job in this process against a real local server."""

import json

import pytest

from data.errors import LMError, SettingsError
from data.records import AssessorKind, Document, Query, Split
from data.scales import TREC_DL
from engine.lm.scripted import ScriptedLM
from tests import synthetic
from tests.scripted_server import Reply, ScriptedServer, events, piece
from tests.training import test_teacher
from tests.training.test_teacher import StoppedAfter, at_once, judgments, work_of
from training import asking, jobs, maker, making, teaching
from training.asking import Asked
from training.budget import Budget
from training.folders import made_path
from training.making import Dropped, MakeConfig, drawn, sift
from training.stopping import Stopped
from training.teaching import TeachConfig

QUERIES = "You write the queries"
FILTERED = Reply(body=events(piece("I can't", "content_filter")))
TEXT = "what is known of {topic} together with {marker}"


def topic_of(text):
    words = text.replace("<document>", "").replace("</document>", "").split()
    return next(word for word in words if len(word) == 4 and word[3] == "o"), next(
        word for word in words if word in synthetic.MARKERS
    )


def scripted(ask):
    """What a good teacher writes, of a document and of a pair."""
    if not ask.messages[0].content.startswith(QUERIES):
        return test_teacher.by_marker(ask)
    topic, marker = topic_of(ask.messages[1].content)
    return f"Summary: About {topic}.\nQuery: {TEXT.format(topic=topic, marker=marker)}"


def config(server, **changes):
    told = {"url": server.url, "model": "scripted", "depth": 4, "concurrency": 4}
    own = {name: changes.pop(name) for name in ("documents", "seed", "judge") if name in changes}
    return MakeConfig(**{"documents": 5, **own}, teaching=TeachConfig(**{**told, **changes}))


def submitted(workbench, collection, wanted):
    return jobs.submit_making(workbench, collection, wanted, "ann")


def made(workbench, collection, wanted, job=None):
    work = work_of(workbench, job or submitted(workbench, collection, wanted))
    lm = teaching.teacher(workbench.settings, wanted.teaching, sleep=at_once)
    return maker.make(work, wanted, lm)


def stored(workbench, collection):
    found = workbench.store.collections.queries(collection.collection_id)
    return [query for query in found if asking.is_made(query)]


def asked_for_queries(server):
    return sum(chat["messages"][0]["content"].startswith(QUERIES) for chat in server.chats)


@pytest.fixture
def other(workbench):
    """Another collection; it has an evaluation query, and a training query."""
    return workbench.store.collections.add(
        name="other",
        scale=TREC_DL,
        documents=[Document(doc_id="d", text="x")],
        queries=[
            Query(query_id="h", text="How do bees find their way home?", split=Split.HELDOUT),
            Query(query_id="t", text="how do ants carry leaves", split=Split.TRAIN),
        ],
    )


# What is drawn and what is dropped


def test_a_draw_hangs_on_ids_and_seed_and_a_larger_one_adds_to_it():
    documents = [Document(doc_id=f"d{number}", text="words") for number in range(50)]
    ten = drawn(documents, 10, 1)
    assert len(set(ten)) == 10 and ten == drawn(documents[::-1], 10, 1) == drawn(documents, 30, 1)[:10]
    assert set(ten) != set(drawn(documents, 10, 2))
    assert len(drawn(documents, 99, 1)) == 50


def test_documents_without_a_word_are_not_drawn():
    assert drawn(
        [Document(doc_id="a", text="..."), Document(doc_id="b", text="b"), Document(doc_id="c", text="")], 9, 0
    ) == ["b"]


@pytest.mark.parametrize(
    ("query", "evaluation", "present", "reason"),
    [
        ("how do bees find home", [], [], None),
        ("how do bees find home", ["How do bees find home?"], [], Dropped.EVALUATION),
        ("how do bees find home", ["how do the bees find home"], [], Dropped.EVALUATION),  # 5 of 6 words
        ("how do bees find home", ["how do ants find home"], [], None),  # 4 of 6
        ("how do bees find home", [], ["How do bees find home"], Dropped.PRESENT),
        ("how do bees find home", ["how do bees find home"], ["how do bees find home"], Dropped.EVALUATION),
    ],
)
def test_what_an_evaluation_or_the_collection_asks_already_is_dropped(query, evaluation, present, reason):
    there = [Query(query_id=f"q{number}", text=text) for number, text in enumerate(present)]
    found = sift([("d", Asked(summary="s", query=query))], evaluation=evaluation, present=there)
    assert [each.text for each in found.made] == ([] if reason else [query])
    assert found.dropped == ({reason: 1} if reason else {})


def test_of_queries_that_ask_nearly_the_same_the_first_is_kept_and_the_same_again_gives_the_same():
    texts = ["how do bees find home", "How do the bees find home", "why is honey sweet", "why is honey sweet"]
    asked = [(f"d{number}", Asked(summary="s", query=text)) for number, text in enumerate(texts)]
    first = sift(asked, evaluation=(), present=())
    assert [(each.doc_id, each.text) for each in first.made] == [("d0", texts[0]), ("d2", texts[2])]
    assert first.dropped == {Dropped.TWICE: 2}
    there = [Query(query_id=each.query_id, text=each.text, split=Split.TRAIN) for each in first.made]
    assert sift(asked, evaluation=(), present=there) == first


# The job


def test_queries_are_made_stored_for_training_and_judged(workbench, collection):
    with ScriptedServer(ScriptedLM(generate=scripted)) as server:
        job = submitted(workbench, collection, config(server))
        told = made(workbench, collection, config(server), job)
        assert len(server.chats) == told["requests"] == 5 + told["judged"]["asked"]
    queries = stored(workbench, collection)
    assert len(queries) == told["queries"] == told["new_queries"] == 5 and told["documents"] == told["asked"] == 5
    assert all(query.split is Split.TRAIN and query.query_id.startswith("made-") for query in queries)
    judged = judgments(workbench, collection)
    assert {judgment.query_id for judgment in judged} == {query.query_id for query in queries}
    assert told["judged"]["graded"] == len(judged) == sum(told["judged"]["by_grade"].values()) == 5 * 4
    assert told["prompt_sha256"] == asking.prompt_sha256() and (told["assessor"], told["seed"]) == ("scripted", 0)
    assert (told["refused"], told["dropped"], told["whole"], told["stopped"]) == ({}, {}, True, None)
    manifest = json.loads(made_path(workbench.settings, job.job_id).read_text())
    assert {each["query_id"]: each["text"] for each in manifest.pop("made")} == {q.query_id: q.text for q in queries}
    assert manifest == told


def test_without_judging_nothing_is_judged(workbench, collection):
    with ScriptedServer(ScriptedLM(generate=scripted)) as server:
        told = made(workbench, collection, config(server, judge=False))
        assert len(server.chats) == 5
    assert (
        told["judged"] is None and told["queries"] == 5 and workbench.store.assessors.list(AssessorKind.TEACHER) == []
    )


def test_again_nothing_is_asked_and_nothing_is_stored_twice(workbench, collection):
    with ScriptedServer(ScriptedLM(generate=scripted)) as server:
        first = made(workbench, collection, config(server))
        chats = len(server.chats)
        again = made(workbench, collection, config(server))
        assert len(server.chats) == chats
        more = made(workbench, collection, config(server, documents=8))
        assert asked_for_queries(server) == 8
    assert (again["queries"], again["new_queries"], again["kept"], again["asked"]) == (5, 0, 5, 0)
    assert again["judged"]["graded"] == first["judged"]["graded"] and again["judged"]["new_judgments"] == 0
    assert (more["queries"], more["new_queries"], more["kept"], more["asked"]) == (8, 3, 5, 3)


def test_what_stands_in_an_evaluation_of_any_collection_is_dropped(workbench, collection, other):
    heldout = next(q for q in workbench.store.collections.queries(collection.collection_id) if q.split is Split.HELDOUT)
    texts = [
        "how do bees find their way home",
        "How do the bees find their way home?",
        f"{heldout.text}?",
        "how do ants carry leaves",
        "how do ants carry the leaves",
    ]
    left = list(texts)
    script = ScriptedLM(generate=lambda ask: f"Summary: s.\nQuery: {left.pop(0)}")
    with ScriptedServer(script) as server:
        told = made(workbench, collection, config(server, judge=False, concurrency=1))
    assert told["dropped"] == {"made twice": 1, "near an evaluation query": 3}
    # Another collection's training query is in no evaluation.
    assert [query.text for query in stored(workbench, collection)] in (["how do ants carry leaves"], [texts[-1]])


def test_what_can_t_be_taken_is_counted_by_its_reason_and_nothing_is_judged_then(workbench, collection):
    left = [
        "nothing",
        "Summary: s.\nQuery: a\nb",
        "Summary: s.\nQuery:",
        "Summary: " + "word " * 500,
        "Summary: s.\nQuery: \0",
    ]
    with ScriptedServer(ScriptedLM(generate=lambda ask: left.pop(0))) as server:
        told = made(workbench, collection, config(server, concurrency=1))
        assert len(server.chats) == 5
    assert told["unreadable"] == 2 and told["refused"] == {"empty": 2, "not one line": 1}
    assert (told["queries"], told["judged"], told["whole"]) == (0, None, True)
    assert stored(workbench, collection) == [] and workbench.store.assessors.list(AssessorKind.TEACHER) == []


def test_the_budget_is_one_for_queries_and_judgments_and_the_next_job_goes_on(workbench, collection):
    with ScriptedServer(ScriptedLM(generate=scripted)) as server:
        told = made(workbench, collection, config(server, budget=Budget(requests=3)))
        assert len(server.chats) == 3 == told["requests"]
        assert (told["queries"], told["not_asked"]) == (3, 2) and "3 requests" in told["stopped"]
        assert told["judged"]["asked"] == 0 and "3 requests" in told["judged"]["stopped"]
        told = made(workbench, collection, config(server, budget=Budget(requests=7)))
        assert len(server.chats) == 10 and (told["kept"], told["asked"], told["stopped"]) == (3, 2, None)
        assert told["judged"]["asked"] == 5 and told["judged"]["not_asked"] == 15
        budget = Budget(requests=None, prompt_price=1.0, completion_price=2.0)
        told = made(workbench, collection, config(server, budget=budget))
        assert asked_for_queries(server) == 5 and len(server.chats) == 25
    assert told["judged"]["graded"] == 20
    assert told["cost"] == pytest.approx((told["prompt_tokens"] + 2 * told["completion_tokens"]) / 1e6)


@pytest.mark.parametrize("answers", [2, 5])
def test_stopped_and_taken_up_it_asks_nothing_twice(workbench, collection, answers):
    """Stopped while it makes queries, or while they are judged."""

    class Stop(StoppedAfter):
        pass

    Stop.answers = answers
    with ScriptedServer(ScriptedLM(generate=scripted)) as server:
        wanted = config(server, documents=4, concurrency=1, depth=3)
        job = submitted(workbench, collection, wanted)
        with pytest.raises(Stopped):
            maker.run(work_of(workbench, job, Stop))
        half = json.loads(made_path(workbench.settings, job.job_id).read_text())
        assert half["whole"] is False and half["queries"] == (0 if answers == 2 else 4)
        assert half["requests"] == len(server.chats) < 16
        told = maker.run(work_of(workbench, job))
        assert len(server.chats) == 16 == told["requests"]
    assert (told["asked"], told["queries"], told["new_queries"], told["whole"]) == (4, 4, 4, True)
    assert told["judged"]["asked"] == told["judged"]["graded"] == 12
    assert len(judgments(workbench, collection)) == 12


def test_a_refused_document_is_counted_and_a_refused_key_ends_it(workbench, collection):
    with ScriptedServer(ScriptedLM(generate=scripted), failures=[FILTERED]) as server:
        told = made(workbench, collection, config(server, judge=False))
    assert (told["unanswered"], told["queries"]) == (1, 4)
    with ScriptedServer(always=Reply(status=401)) as server:
        with pytest.raises(LMError, match="refused the key"):
            made(workbench, collection, config(server))
        assert len(server.chats) == 1


# What stands against it


def test_what_would_be_asked_is_said_before(workbench, collection):
    with ScriptedServer() as server:
        seen = making.preview(workbench, collection, config(server, documents=1000, depth=3))
        alone = making.preview(workbench, collection, config(server, documents=7, judge=False))
    assert (seen.problem, seen.queries, seen.pairs) == (None, 72, 216)
    assert (alone.problem, alone.queries, alone.pairs) == (None, 7, 0) and 0 < alone.tokens < seen.tokens


def test_a_collection_without_documents_or_index_is_refused_before_anything_starts(workbench, other):
    empty = workbench.store.collections.add(name="empty", scale=TREC_DL, documents=[])
    with ScriptedServer() as server:
        assert "no document" in making.preview(workbench, empty, config(server)).problem.what
        assert "no index" in making.preview(workbench, other, config(server)).problem.what
        assert making.preview(workbench, other, config(server, judge=False)).problem is None
        with pytest.raises(type(making.preview(workbench, other, config(server)).problem)):
            submitted(workbench, other, config(server))
    assert workbench.store.jobs.list() == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"documents": "0"}, "documents"),
        ({"depth": "0"}, "depth"),
        ({"split": "train"}, "split"),
        ({"query_ids": "q1"}, "query_ids"),
        ({"magic": "1"}, "magic"),
        ({"teaching": "x"}, "teaching"),
        ({"money": "1"}, "give those of a million"),
    ],
)
def test_an_option_that_does_not_fit_is_named(values, words):
    with pytest.raises(SettingsError, match=words):
        making.config_of({"url": "http://host/v1", "model": "m", **values})


def test_options_find_their_place():
    told = making.config_of({"url": "http://host/v1", "model": "m", "seed": "3", "depth": "5", "requests": 9})
    assert (told.seed, told.teaching.depth, told.teaching.budget.requests, told.judge) == (3, 5, 9, True)
