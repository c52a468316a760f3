"""Requests drawn one by one: what fails for one of them, what fails for all, and being told to stop."""

import threading

import pytest

from data.errors import LMError
from engine.lm.base import Generate, Message
from engine.lm.openai import OpenAILM
from engine.lm.scripted import ScriptedLM
from tests.scripted_server import Reply, ScriptedServer, events, piece

REFUSED = Reply(status=400, body={"error": {"message": "too long"}})


def ask(name):
    return Generate(messages=(Message(role="user", content=name),), max_tokens=9, tag=name)


def echo():
    return ScriptedLM(generate=lambda ask: ask.messages[0].content)


async def at_once(_):
    """No wait between attempts."""


def model(server, **options):
    given = {"timeout_seconds": 5.0, "sleep": at_once, "max_concurrent": 4, **options}
    return OpenAILM(server.url, "scripted", **given)


def heard(lm, asks, **options):
    found = {}
    lm.each(iter(asks), on_answer=lambda ask, answer: found.update({ask.tag: answer}), **options)
    return found


def test_every_request_is_answered_a_few_at_a_time():
    with ScriptedServer(echo(), work_seconds=0.01) as server:
        found = heard(model(server), [ask(f"n{i}") for i in range(20)])
        assert server.most_at_once == 4
    assert {tag: answer.text for tag, answer in found.items()} == {f"n{i}": f"n{i}" for i in range(20)}


def test_requests_are_drawn_when_there_is_room_and_not_before():
    drawn = []

    def source():
        for i in range(12):
            drawn.append((i, len(server.chats)))
            yield ask(f"n{i}")

    with ScriptedServer(echo()) as server:
        heard(model(server, max_concurrent=2), source())
    assert all(i <= answered + 2 for i, answered in drawn)


def test_a_request_that_is_refused_is_told_and_the_others_go_on():
    filtered = Reply(body=events(piece("no", "content_filter")))
    with ScriptedServer(echo(), failures=[filtered, REFUSED, REFUSED]) as server:
        found = heard(model(server, max_concurrent=1), [ask(f"n{i}") for i in range(4)])
    assert isinstance(found["n0"], LMError) and "content_filter" in found["n0"].what
    assert isinstance(found["n1"], LMError) and "too long" in found["n1"].what
    assert [found[f"n{i}"].text for i in (2, 3)] == ["n2", "n3"]


@pytest.mark.parametrize("status", [301, 401, 402, 403, 404])
def test_what_would_refuse_them_all_is_asked_once_and_raised(status):
    refusal = Reply(status=status, body={"error": {"message": "no"}}, headers={"location": "http://127.0.0.1:1/v1"})
    with ScriptedServer(always=refusal) as server:
        with pytest.raises(LMError, match=str(status)) as caught:
            heard(model(server, variables="WHYRANK_TEACHER"), [ask(f"n{i}") for i in range(40)])
        assert len(server.chats) == 1
    assert "WHYRANK_LM" not in caught.value.mend


def test_a_dead_server_is_given_up():
    with ScriptedServer(always=Reply(drop=True)) as server:
        with pytest.raises(LMError, match="not asked any more"):
            heard(model(server, retries=50), [ask(f"n{i}") for i in range(40)])
        assert len(server.chats) <= 16


def test_every_attempt_is_counted_and_may_be_refused():
    counted = []

    def count():
        if len(counted) == 3:
            raise LMError("no more", mend="-")
        counted.append(1)

    with ScriptedServer(echo(), failures=[Reply(status=503), Reply(status=503)]) as server:
        found = heard(model(server, max_concurrent=1), [ask("n0"), ask("n1")], on_request=count)
        assert len(server.chats) == 3
    assert found["n0"].text == "n0" and found["n1"].what == "no more"


def test_told_to_stop_it_draws_no_more_and_keeps_what_is_under_way():
    stop = threading.Event()
    found = {}

    def on_answer(ask, answer):
        found[ask.tag] = answer
        stop.set()

    with ScriptedServer(echo(), work_seconds=0.02) as server:
        lm = model(server, max_concurrent=2)
        lm.each((ask(f"n{i}") for i in range(50)), on_answer=on_answer, should_stop=stop.is_set)
        assert len(found) == len(server.chats) <= 4


def test_an_exception_of_who_listens_stops_the_rest():
    def broken(*_):
        raise ZeroDivisionError

    with ScriptedServer(echo(), work_seconds=0.01) as server:
        with pytest.raises(ZeroDivisionError):
            model(server).each((ask(f"n{i}") for i in range(50)), on_answer=broken)
        assert len(server.chats) <= 5
