"""The driver: batches joined, order kept, memory bounded."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.lm.base import Choose, Generate, Message
from engine.lm.scripted import ScriptedLM
from engine.ranking.driver import drive

USER = (Message(role="user", content="x"),)


def echo(name, rounds):
    """Asks `rounds` batches of growing size and returns all answers it was sent."""

    def asking():
        heard = []
        for size in range(1, rounds + 1):
            asks = [
                Choose(messages=(Message(role="user", content=f"{name}.{size}.{i}"),), choices=("a", "b"), tag=str(i))
                if i % 2 == 0
                else Generate(messages=(Message(role="user", content=f"{name}.{size}.{i}"),), max_tokens=5)
                for i in range(size)
            ]
            answers = yield asks
            assert len(answers) == size
            heard += [(ask, answer) for ask, answer in zip(asks, answers, strict=True)]
        return heard

    return asking()


class CountingLM(ScriptedLM):
    calls = 0

    def choose(self, asks, *, on_answer=None):
        self.calls += 1
        return super().choose(asks, on_answer=on_answer)


def model():
    return CountingLM(
        choose=lambda ask: {"a": len(ask.messages[0].content), "b": 1}, generate=lambda ask: ask.messages[0].content
    )


@given(rounds=st.lists(st.integers(0, 5), max_size=8), open_queries=st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_each_generator_gets_its_own_answers_in_order(rounds, open_queries):
    results = drive((echo(f"q{i}", n) for i, n in enumerate(rounds)), model(), open_queries=open_queries)
    assert len(results) == len(rounds)
    for i, (n, heard) in enumerate(zip(rounds, results, strict=True)):
        assert len(heard) == n * (n + 1) // 2
        for ask, answer in heard:
            content = ask.messages[0].content
            assert content.startswith(f"q{i}.")
            if isinstance(ask, Generate):
                assert answer.text == content
            else:
                assert answer.probabilities["a"] == len(content) / (len(content) + 1)


def test_waiting_requests_are_joined_into_one_call():
    lm = model()
    drive((echo(f"q{i}", 3) for i in range(7)), lm, open_queries=7)
    assert lm.calls == 3


def test_no_more_queries_are_opened_than_allowed():
    opened = []

    def watched(i):
        opened.append(i)
        yield [Generate(messages=USER, max_tokens=1)]
        assert max(opened) < i + 2
        return []

    assert drive((watched(i) for i in range(6)), model(), open_queries=2) == [[]] * 6


def test_listeners_hear_every_answer_with_its_request():
    heard, pieces, done = [], [], []
    drive(
        (echo(f"q{i}", 2) for i in range(3)),
        model(),
        on_answer=lambda i, ask, answer: heard.append((i, ask.tag)),
        on_piece=lambda i, ask, piece: pieces.append((i, piece)),
        on_done=lambda i, result: done.append(i),
    )
    assert sorted(heard) == [(i, "0") for i in range(3) for _ in range(2)]
    assert sorted(pieces) == [(i, f"q{i}.2.1") for i in range(3)]
    assert done == [0, 1, 2]
