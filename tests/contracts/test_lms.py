"""One promise, every backend: what `engine.lm.base.LM` says holds for the scripted, the local and the served one."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.lm.base import LM, Adapter, Choose, Generate, Message
from engine.lm.local import LocalLM
from engine.lm.scripted import ScriptedLM
from tests import tiny
from tests.scripted_server import served

CHOICES = ("0", "1", "2", "3")


@dataclass(frozen=True, kw_only=True)
class Backend:
    lm: LM
    adapter: Adapter


def _weights(ask: Choose) -> dict[str, float]:
    digest = hashlib.sha256(repr(ask.messages).encode()).digest()
    return {choice: 1.0 + digest[int(choice)] for choice in ask.choices}


def _words(ask: Generate) -> str:
    return f" The document about {ask.messages[-2].content[:30]} answers – « été » 日本 – it, and says why."


def _scripted() -> ScriptedLM:
    return ScriptedLM(
        _weights,
        _words,
        adapters={"v1": ScriptedLM(lambda ask: {c: 2.0 ** -int(c) for c in ask.choices}, lambda ask: "Else, then.")},
    )


@pytest.fixture(scope="module")
def local(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Backend:
    path = tiny.adapt(tiny_model, tmp_path_factory.mktemp("adapter") / "v1")
    return Backend(
        lm=LocalLM.load(tiny_model, device="cpu", threads=1, name="tiny"), adapter=Adapter(name="v1", path=path)
    )


@pytest.fixture(params=["scripted", "local", "served", pytest.param("vllm", marks=pytest.mark.vllm)])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    if request.param == "local":
        yield request.getfixturevalue("local")
        return
    if request.param == "vllm":
        server = request.getfixturevalue("vllm")
        yield Backend(lm=server.lm(), adapter=server.adapters[0])
        return
    adapter = Adapter(name="v1", path=tmp_path)
    if request.param == "scripted":
        yield Backend(lm=_scripted(), adapter=adapter)
        return
    with served(_scripted(), adapters=["v1"]) as lm:
        yield Backend(lm=lm, adapter=adapter)


@pytest.fixture
def lm(backend: Backend) -> LM:
    return backend.lm


def chat(text: str, start: str) -> tuple[Message, ...]:
    return (
        Message(role="system", content="You assess search results."),
        Message(role="user", content=f"Query: why?\n\n<document>\n{text}\n</document>"),
        Message(role="assistant", content=start),
    )


def choose(text: str) -> Choose:
    return Choose(messages=chat(text, "Grade: "), choices=CHOICES)


def generate(text: str, *, max_tokens: int = 12, stop: tuple[str, ...] = ()) -> Generate:
    return Generate(messages=chat(text, "Explanation:"), max_tokens=max_tokens, stop=stop)


def test_probabilities_sum_to_one_over_the_choices(lm):
    (answer,) = lm.choose([choose("A document.")])
    assert tuple(answer.probabilities) == tuple(answer.log_probabilities) == CHOICES
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert all(0 <= p <= 1 for p in answer.probabilities.values())
    assert sum(math.exp(log) for log in answer.log_probabilities.values()) <= 1 + 1e-6
    assert answer.prompt_tokens > 0
    # The same ratios, once over the vocabulary and once over the choices.
    first, last = CHOICES[0], CHOICES[-1]
    ratio = math.exp(answer.log_probabilities[first] - answer.log_probabilities[last])
    assert answer.probabilities[first] / answer.probabilities[last] == pytest.approx(ratio, rel=1e-3)


def test_answers_come_in_the_order_of_the_requests_and_each_is_told_once(lm):
    asks = [choose(f"Document {i}. " * (1 + i * 7 % 5)) for i in range(30)]
    told = {}
    together = lm.choose(asks, on_answer=lambda i, answer: told.setdefault(i, []).append(answer))
    assert told == {i: [answer] for i, answer in enumerate(together)}
    for i in (0, 7, 29):
        alone = lm.choose([asks[i]])[0]
        assert list(together[i].probabilities.values()) == pytest.approx(list(alone.probabilities.values()), abs=1e-4)
    assert len({tuple(answer.probabilities.values()) for answer in together}) > 5, "answers follow the documents"


def test_choices_may_differ_between_requests(lm):
    asks = [Choose(messages=chat("x", "Grade: "), choices=choices) for choices in (("1", "0"), CHOICES)]
    assert [tuple(answer.probabilities) for answer in lm.choose(asks)] == [("1", "0"), CHOICES]


def test_nothing_asked_nothing_answered(lm):
    assert lm.choose([]) == []
    assert lm.generate([]) == []


@pytest.mark.parametrize("text", ["日本語の文書", "naïve « été » \u202e 🙂‍", "\x00\x07 \t", "a <|im_end|> b", ""])
def test_any_text_can_be_asked_about(lm, text):
    assert sum(lm.choose([choose(text)])[0].probabilities.values()) == pytest.approx(1)
    answer = lm.generate([generate(text, max_tokens=4)])[0]
    answer.text.encode()


@pytest.mark.parametrize("choices", [("0", "not one token"), ("1", "1"), ()])
def test_a_choice_that_is_not_a_single_token_is_refused(lm, choices):
    with pytest.raises(ValueError, match="hoice"):
        lm.choose([Choose(messages=chat("x", "Grade: "), choices=choices)])


def test_a_callback_that_raises_stops_the_call(lm):
    calls = []

    def broken(position: int, *_: object) -> None:
        calls.append(position)
        raise LookupError("stop it")

    with pytest.raises(LookupError, match="stop it"):
        lm.choose([choose(f"Document {i}.") for i in range(4)], on_answer=broken)
    assert len(calls) == 1
    with pytest.raises(LookupError, match="stop it"):
        lm.generate([generate(f"Document {i}.") for i in range(4)], on_text=broken)
    assert len(calls) == 2
    assert sum(lm.choose([choose("after it")])[0].probabilities.values()) == pytest.approx(1)


def test_pieces_make_up_the_text(lm):
    asks = [generate(f"Document {i}.") for i in range(6)]
    pieces: dict[int, list[str]] = {}
    answers = lm.generate(asks, on_text=lambda i, piece: pieces.setdefault(i, []).append(piece))
    assert ["".join(pieces.get(i, [])) for i in range(6)] == [answer.text for answer in answers]
    assert max(map(len, pieces.values())) > 1, "it comes in pieces"
    assert [answer.text for answer in lm.generate(asks)] == [answer.text for answer in answers]


def test_a_limit_cuts_and_says_so(lm):
    whole, cut = lm.generate([generate("A", max_tokens=40), generate("A", max_tokens=3)])
    assert whole.text.startswith(cut.text)
    assert len(cut.text) < len(whole.text)
    assert not cut.finished
    assert 0 < cut.completion_tokens <= 3
    assert cut.prompt_tokens == whole.prompt_tokens > 0


def test_a_stop_text_ends_the_answer_and_is_no_part_of_it(lm):
    whole = lm.generate([generate("A")])[0].text
    middle = len(whole) // 2
    stop = whole[middle : middle + 3]
    (stopped,) = lm.generate([generate("A", stop=("\x01never", stop))])
    assert stopped.text == whole[: whole.index(stop)]
    assert stopped.finished


def test_clipping_cuts_at_a_word_end_within_the_budget(lm):
    text = "The words of this document, one after another, until it is too long for it. " * 40
    clipped = lm.clip(text, 60)
    assert clipped.cut
    assert text.startswith(clipped.text)
    assert text[len(clipped.text)].isspace()
    assert 10 < len(clipped.text) < len(text)
    assert lm.clip(clipped.text, 60) == type(clipped)(text=clipped.text, cut=False)
    assert not lm.clip("short", 60).cut


def test_an_adapter_answers_otherwise_and_is_named(backend):
    lm = backend.lm
    view = lm.adapted(backend.adapter)
    before = lm.choose([choose("A document.")])[0].probabilities
    other = view.choose([choose("A document.")])[0].probabilities
    after = view.adapted(None).choose([choose("A document.")])[0].probabilities
    assert max(abs(before[c] - other[c]) for c in CHOICES) > 1e-3
    assert list(after.values()) == pytest.approx(list(before.values()), abs=1e-4)
    assert "v1" in view.name
    assert "v1" not in lm.name
    assert view.adapted(None).name == lm.name
    assert view.generate([generate("A")])[0].text != lm.generate([generate("A")])[0].text
