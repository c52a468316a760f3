"""The model in process against plain forward passes of whole prompts."""

import threading
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from data.errors import LMError, ModelError
from engine.lm.base import Choose, Generate, Message
from engine.lm.decoding import Decoding
from engine.lm.forward import Reading
from engine.lm.local import LocalLM
from engine.lm.tokens import Tokens

CHOICES = ("0", "1", "2", "3")
SYSTEM = "You assess search results: the grade of a document that answers the query. " * 3
LENGTHS = (7, 30, 1, 60, 9, 9, 40, 3)


@pytest.fixture(scope="module")
def lm(tiny_model: Path) -> LocalLM:
    return LocalLM.load(tiny_model, device="cpu", threads=1, name="tiny")


@pytest.fixture
def fresh(tiny_model: Path) -> LocalLM:
    return LocalLM.load(tiny_model, device="cpu", threads=1, name="tiny")


class Plain:
    """One forward pass of the whole prompt at a time."""

    def __init__(self, path: Path) -> None:
        self.tokens = Tokens(AutoTokenizer.from_pretrained(path))
        self.model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()

    @torch.inference_mode()
    def logs(self, ids: Sequence[int]) -> torch.Tensor:
        return self.model(input_ids=torch.tensor([list(ids)])).logits[0, -1].log_softmax(-1)

    def choose(self, ask: Choose) -> list[float]:
        logs = self.logs(self.tokens.prompt(ask.messages))
        return [float(logs[token]) for token in self.tokens.choices(ask).values()]

    def greedy(self, ask: Generate) -> list[int]:
        """Token by token, everything read anew each time."""
        prompt, made = self.tokens.prompt(ask.messages), []
        while len(made) < ask.max_tokens:
            token = int(self.logs([*prompt, *made]).argmax())
            if token in self.tokens.ends:
                break
            made.append(token)
        return made


@pytest.fixture(scope="module")
def plain(tiny_model: Path) -> Plain:
    return Plain(tiny_model)


def chat(document: str, *, query: str = "why?", start: str = "Grade: ") -> tuple[Message, ...]:
    return (
        Message(role="system", content=SYSTEM),
        Message(role="user", content=f"Query: {query}\n\n{document}"),
        Message(role="assistant", content=start),
    )


def choose(document: str, **options: str) -> Choose:
    return Choose(messages=chat(document, **options), choices=CHOICES)


def documents(count: int) -> list[str]:
    return [f"{i} " + "The words of this document. " * LENGTHS[i] for i in range(count)]


def check(answers, asks, plain) -> None:
    assert len(answers) == len(asks)
    for answer, ask in zip(answers, asks, strict=True):
        expected = plain.choose(ask)
        assert list(answer.log_probabilities) == list(CHOICES)
        assert list(answer.log_probabilities.values()) == pytest.approx(expected, abs=1e-4)
        whole = torch.tensor(expected).softmax(-1).tolist()
        assert list(answer.probabilities.values()) == pytest.approx(whole, abs=1e-4)
        assert answer.prompt_tokens == len(plain.tokens.prompt(ask.messages))


@pytest.mark.parametrize("count", range(1, 9))
def test_choosing_agrees_with_a_plain_pass_however_many_are_asked(fresh, plain, count):
    asks = [choose(text) for text in documents(count)]
    check(fresh.choose(asks), asks, plain)
    check(fresh.choose(asks), asks, plain)  # now with everything kept


@pytest.mark.parametrize("batch_tokens", [256, 700, 100_000])
def test_the_token_budget_changes_nothing(tiny_model, plain, batch_tokens):
    asks = [choose(text) for text in documents(8)]
    check(LocalLM.load(tiny_model, device="cpu", threads=1, batch_tokens=batch_tokens).choose(asks), asks, plain)


def test_a_second_query_reuses_the_first_ones_beginning(fresh, plain):
    first, second = ([choose(text, query=query) for text in documents(4)] for query in ("why?", "how, then?"))
    check(fresh.choose(first), first, plain)
    check(fresh.choose(second), second, plain)
    check(fresh.choose(first[::-1] + second), first[::-1] + second, plain)


def test_prompts_asked_one_by_one_are_the_same(fresh, plain):
    for text in documents(6):
        check(fresh.choose([choose(text)]), [choose(text)], plain)
    answer = fresh.generate([Generate(messages=chat("0 again", start="Grade: 1"), max_tokens=4)])[0]
    expected = plain.greedy(Generate(messages=chat("0 again", start="Grade: 1"), max_tokens=4))
    assert answer.text == plain.tokens.decode(expected).rstrip("\N{REPLACEMENT CHARACTER}")


def test_identical_prompts_and_one_that_begins_another(fresh, plain):
    end = Choose(
        messages=(Message(role="user", content="a"), Message(role="assistant", content="Grade: ")), choices=CHOICES
    )
    longer = Choose(messages=(end.messages[0], Message(role="assistant", content="Grade: 1 Grade: ")), choices=CHOICES)
    asks = [end, longer, end, choose("x"), choose("x"), end]
    check(fresh.choose(asks), asks, plain)


def test_prompts_that_share_nothing(fresh, plain):
    asks = [
        Choose(
            messages=(Message(role="user", content=text * 9), Message(role="assistant", content="")), choices=CHOICES
        )
        for text in ("abc ", "The document ", "日本語")
    ]
    check(fresh.choose(asks), asks, plain)


def test_first_answers_come_before_the_last_pass(lm):
    seen: list[int] = []
    asks = [choose(text) for text in documents(8)]
    with pytest.raises(KeyError):
        lm.choose(asks, on_answer=lambda i, answer: seen.append(i) or {}["stop"])
    assert seen == [2], "the shortest document's answer came, and nothing after it"


def texts(count: int, **options) -> list[Generate]:
    return [Generate(messages=chat(text, start="Explanation:"), max_tokens=16, **options) for text in documents(count)]


def test_texts_written_side_by_side_are_those_written_alone(fresh, plain):
    asks = texts(4)
    together = fresh.generate(asks)
    for ask, answer in zip(asks, together, strict=True):
        expected = plain.greedy(ask)
        assert answer.text == plain.tokens.decode(expected).rstrip("\N{REPLACEMENT CHARACTER}")
        assert answer.completion_tokens == len(expected)
        assert answer.finished == (len(expected) < ask.max_tokens)


def test_going_on_after_a_choice_is_the_same_text(fresh, plain):
    fresh.choose([choose(text) for text in documents(5)])
    asks = [Generate(messages=chat(t, start="Grade: 2\nExplanation:"), max_tokens=10) for t in documents(6)]
    for ask, answer in zip(asks, fresh.generate(asks), strict=True):
        assert answer.text == plain.tokens.decode(plain.greedy(ask)).rstrip("\N{REPLACEMENT CHARACTER}")


def test_a_sampled_text_depends_on_its_seed_alone(lm):
    asks = [
        Generate(messages=chat(text), max_tokens=20, temperature=1.0, seed=seed)
        for seed, text in enumerate(documents(5))
    ]
    together = [answer.text for answer in lm.generate(asks)]
    assert together == [lm.generate([ask])[0].text for ask in asks]
    other = Generate(messages=asks[1].messages, max_tokens=20, temperature=1.0, seed=99)
    assert lm.generate([other])[0].text != together[1]
    unseeded = Generate(messages=asks[1].messages, max_tokens=20, temperature=1.0)
    assert lm.generate([unseeded])[0].text != lm.generate([unseeded])[0].text


def test_pieces_hold_nothing_of_a_stop_text(lm):
    asks = texts(4)
    whole = [answer.text for answer in lm.generate(asks)]
    stop = next(text[5:8] for text in whole if len(text) > 8)
    pieces: dict[int, str] = {}

    def on_text(i: int, piece: str) -> None:
        pieces[i] = pieces.get(i, "") + piece

    stopped = lm.generate(texts(4, stop=(stop, "never said")), on_text=on_text)
    for i, (before, after) in enumerate(zip(whole, stopped, strict=True)):
        assert after.text == before.split(stop)[0]
        assert pieces.get(i, "") == after.text
        if stop in before:
            assert after.finished


class Dictated:
    """A forward pass that dictates what comes next."""

    def __init__(self, ids: list[int], size: int) -> None:
        self.ids = ids
        self.size = size

    def step(self, reading: Reading, ids: Sequence[int]) -> None:
        at = int(reading.positions[0]) + 1
        reading.positions = torch.tensor([at])
        reading.logits = torch.nn.functional.one_hot(torch.tensor([self.ids[at]]), self.size).float()


def test_no_piece_holds_half_a_character(plain):
    text = "é日本🙂z"
    ids = plain.tokens._encode(text)
    assert len(ids) > len(text), "characters of several tokens"
    start = torch.nn.functional.one_hot(torch.tensor([ids[0]]), 400).float()
    for limit in range(1, len(ids) + 1):
        pieces: list[str] = []
        decoding = Decoding(
            tokens=plain.tokens,
            forward=Dictated(ids, 400),
            turn=lambda: nullcontext("base"),
            asks={0: Generate(messages=(), max_tokens=limit)},
            on_text=lambda i, piece, pieces=pieces: pieces.append(piece),
        )
        reading = Reading(logits=start, cache=None, mask=torch.ones(1, 1), positions=torch.tensor([0]))
        made, finished, count = decoding.run(reading)[0]
        assert text.startswith(made)
        assert "".join(pieces) == made
        assert (finished, count) == (False, limit)
    assert made == text


def test_a_prompt_beyond_the_context_is_refused(lm):
    with pytest.raises(LMError, match="context of 2048") as caught:
        lm.choose([choose("word " * 3000)])
    assert "WHYRANK_DOCUMENT_TOKENS" in caught.value.mend
    with pytest.raises(LMError, match="context"):
        lm.generate([Generate(messages=chat("a"), max_tokens=5000)])


def test_running_out_of_memory_is_said_with_the_mend(lm):
    with pytest.raises(LMError, match="out of memory") as caught, lm._forward.guarded():
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
    assert "WHYRANK_BATCH_TOKENS" in caught.value.mend
    with pytest.raises(LMError, match="out of memory"), lm._forward.guarded():
        raise MemoryError
    with pytest.raises(RuntimeError, match="something else"), lm._forward.guarded():
        raise RuntimeError("something else")


def test_many_threads_get_their_own_answers(lm, plain):
    asks = [choose(text) for text in documents(6)]
    got: dict[int, list] = {}

    def work(i: int) -> None:
        got[i] = lm.choose(asks[i : i + 2])
        lm.generate([Generate(messages=asks[i].messages, max_tokens=3)])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(5):
        check(got[i], asks[i : i + 2], plain)


def test_a_callback_may_ask_the_model_itself(lm):
    answers = []
    lm.choose([choose("a")], on_answer=lambda i, a: answers.append(lm.generate([texts(1)[0]])[0]))
    assert len(answers) == 1


@pytest.mark.parametrize("missing", ["model.safetensors", "config.json"])
def test_a_folder_without_a_model_is_refused(tiny_model, tmp_path, missing):
    for path in tiny_model.iterdir():
        if path.name != missing:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ModelError, match="can't be loaded"):
        LocalLM.load(tmp_path, device="cpu")


def test_damaged_weights_are_refused(tiny_model, tmp_path):
    for path in tiny_model.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0not a header....")
    with pytest.raises(ModelError, match="can't be loaded"):
        LocalLM.load(tmp_path, device="cpu")


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("shard", ["5GB", "50KB"])
def test_weights_are_read_as_the_library_reads_them(tiny_model, tmp_path, tied, shard):
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.bfloat16, tie_word_embeddings=tied)
    model.save_pretrained(tmp_path, max_shard_size=shard)
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(tmp_path)
    expected = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).state_dict()
    loaded = LocalLM.load(tmp_path, device="cpu")._forward._model.state_dict()
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(loaded[name], expected[name]) for name in expected)
    assert len(list(tmp_path.glob("*.safetensors"))) == (
        1 if shard == "5GB" else len(list(tmp_path.glob("*-of-*.safetensors")))
    )
