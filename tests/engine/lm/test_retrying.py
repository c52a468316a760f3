"""When an attempt is made again, and when no more."""

import asyncio

import pytest

from data.errors import LMError
from engine.lm.retrying import OPEN_SECONDS, Circuit, Retrying, TransientError


class Play:
    """Attempts that go as written: an error is raised, anything else returned."""

    def __init__(self, *outcomes: object) -> None:
        self.outcomes = list(outcomes)
        self.waits: list[float] = []

    async def attempt(self) -> object:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def run(self, *, retries: int, circuit: Circuit | None = None) -> object:
        retrying = Retrying(retries=retries, sleep=self.sleep, mend="Mend it.")
        return asyncio.run(retrying.run(self.attempt, circuit or Circuit(100)))


def test_the_first_answer_is_taken():
    play = Play("answer", "another")
    assert play.run(retries=3) == "answer"
    assert (play.outcomes, play.waits) == (["another"], [])


def test_waits_double_and_jitter_only_adds():
    play = Play(*[TransientError("busy")] * 4, "answer")
    assert play.run(retries=4) == "answer"
    for wait, least in zip(play.waits, (0.5, 1.0, 2.0, 4.0), strict=True):
        assert least <= wait <= least * 1.25


@pytest.mark.parametrize(("retries", "words"), [(0, "one attempt"), (2, "3 attempts")])
def test_an_end_says_how_often_and_why(retries, words):
    play = Play(*[TransientError("the disk is full")] * 9)
    with pytest.raises(LMError, match=f"{words}: the disk is full") as caught:
        play.run(retries=retries)
    assert caught.value.mend == "Mend it."
    assert len(play.outcomes) == 9 - retries - 1


def test_all_waits_together_are_bounded():
    play = Play(*[TransientError("busy", wait_seconds=50.0)] * 9)
    with pytest.raises(LMError, match="busy"):
        play.run(retries=9)
    assert 1 <= len(play.waits) <= 2
    assert sum(play.waits) <= 120


def test_other_errors_pass_through_at_once():
    play = Play(KeyError("x"), "answer")
    with pytest.raises(KeyError):
        play.run(retries=5)
    assert play.waits == []


def test_a_success_between_failures_keeps_the_circuit_closed():
    circuit, error = Circuit(3), TransientError("gone")
    Play(error, error, "answer").run(retries=5, circuit=circuit)
    Play(error, error, "answer").run(retries=5, circuit=circuit)
    play = Play(error, error, error, "answer")
    with pytest.raises(LMError, match="not asked any more: gone"):
        play.run(retries=5, circuit=circuit)
    assert play.outcomes == ["answer"]
    late = Play("answer")
    with pytest.raises(LMError, match="not asked any more") as caught:
        late.run(retries=5, circuit=circuit)
    assert late.outcomes == ["answer"], "an open circuit asks nothing"
    assert "Mend it. It is asked again in 30 s." in caught.value.mend


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_after_a_while_one_request_tries_and_an_answer_closes_the_circuit():
    clock = Clock()
    circuit, error = Circuit(2, clock=clock), TransientError("gone")
    with pytest.raises(LMError):
        Play(error, error).run(retries=5, circuit=circuit)
    clock.now += OPEN_SECONDS - 0.1
    assert not circuit.admits()
    clock.now += 0.1
    assert circuit.admits(), "one may try"
    assert not circuit.admits(), "and only one"
    circuit.failed(error)
    assert not circuit.admits(), "it failed: another pause"
    clock.now += OPEN_SECONDS
    assert Play("answer").run(retries=0, circuit=circuit) == "answer"
    assert circuit.admits()
    circuit.failed(error)
    assert circuit.admits(), "it counts from the beginning again"


def test_a_server_that_nobody_reached_while_a_request_gave_up_is_left_alone_at_once():
    circuit, error = Circuit(100), TransientError("refused", unreachable=True)
    with pytest.raises(LMError, match="No answer after 3 attempts"):
        Play(error, error, error).run(retries=2, circuit=circuit)
    with pytest.raises(LMError, match="not asked any more: refused"):
        Play("answer").run(retries=2, circuit=circuit)


def test_one_request_a_living_server_fails_at_does_not_stop_the_others():
    circuit = Circuit(100)
    with pytest.raises(LMError, match="No answer"):
        Play(*[TransientError("500")] * 3).run(retries=2, circuit=circuit)
    assert circuit.admits(), "it answered, if badly"
    error = TransientError("refused", unreachable=True)
    circuit.failed(error)
    circuit.succeeded()  # another request's answer, between this one's attempts
    circuit.failed(error)
    circuit.gave_up(error, 2)
    assert circuit.admits(), "others were answered in the meantime"
