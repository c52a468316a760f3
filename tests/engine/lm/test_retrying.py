"""When an attempt is made again, and when no more."""

import asyncio

import pytest

from data.errors import LMError
from engine.lm.retrying import Circuit, Retrying, TransientError


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


def test_a_success_closes_a_circuit_that_is_not_yet_open():
    circuit, error = Circuit(3), TransientError("gone")
    Play(error, error, "answer").run(retries=5, circuit=circuit)
    Play(error, error, "answer").run(retries=5, circuit=circuit)
    play = Play(error, error, error, "answer")
    with pytest.raises(LMError, match="not asked any more: gone"):
        play.run(retries=5, circuit=circuit)
    assert play.outcomes == ["answer"]
    late = Play("answer")
    with pytest.raises(LMError, match="not asked any more"):
        late.run(retries=5, circuit=circuit)
    assert late.outcomes == ["answer"], "an open circuit asks nothing"
