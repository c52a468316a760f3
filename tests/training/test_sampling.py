import pytest

from engine.lm.scripted import ScriptedLM
from tests.training.making import examples
from training.sampling import Sampling, sample
from training.stopping import Stopped, never

SAMPLING = Sampling(answers=3, temperature=1.0, max_tokens=20, seed=0)
GIVEN = examples(4)


def by_seed(ask):
    return f"{ask.seed % 4}\nExplanation: so."


def sampled(lm, path, *, told=None, should_stop=never):
    told = [] if told is None else told
    return sample(
        lm, GIVEN, path, SAMPLING, on_sampled=lambda position, _: told.append(position), should_stop=should_stop
    )


def test_every_example_gets_answers_with_seeds_of_their_own(tmp_path):
    lm, told = ScriptedLM(generate=by_seed), []
    found = sampled(lm, tmp_path / "samples.jsonl", told=told)
    assert told == [0, 1, 2, 3]
    assert len({ask.seed for ask in lm.asks}) == 12
    assert {(ask.temperature, ask.max_tokens) for ask in lm.asks} == {(1.0, 20)}
    for one, answers in zip(GIVEN, found, strict=True):
        assert all(answer.text.startswith(one.messages[-1].content) for answer in answers)
        assert all(answer.finished and answer.tokens == 3 for answer in answers)


def test_an_answer_that_is_cut_off_says_so(tmp_path):
    lm = ScriptedLM(generate=lambda _: "word " * 30)
    (first, *_), *_ = sampled(lm, tmp_path / "samples.jsonl")
    assert (first.finished, first.tokens) == (False, 20)


def test_a_stopped_sampling_goes_on_where_it_was(tmp_path):
    whole = sampled(ScriptedLM(generate=by_seed), tmp_path / "whole.jsonl")
    path, told = tmp_path / "samples.jsonl", []
    with pytest.raises(Stopped):
        sampled(ScriptedLM(generate=by_seed), path, told=told, should_stop=lambda: len(told) == 2)
    lm, again = ScriptedLM(generate=by_seed), []
    assert sampled(lm, path, told=again) == whole
    assert len(lm.asks) == 2 * SAMPLING.answers
    assert again == [0, 1, 2, 3]
    assert path.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_it_stops_in_the_middle_of_an_answer(tmp_path):
    words = iter([False] * 5 + [True] * 99)
    with pytest.raises(Stopped):
        sampled(ScriptedLM(generate=by_seed), tmp_path / "samples.jsonl", should_stop=lambda: next(words))
    assert (tmp_path / "samples.jsonl").read_text() == ""


def test_a_line_that_a_kill_cut_short_is_sampled_again(tmp_path):
    path = tmp_path / "samples.jsonl"
    whole = sampled(ScriptedLM(generate=by_seed), path)
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    lm = ScriptedLM(generate=by_seed)
    assert sampled(lm, path) == whole
    assert len(lm.asks) == SAMPLING.answers
    assert path.read_bytes() == content
