"""Reading what servers send, whatever they send."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import CapabilityError, LMError
from engine.lm.base import Choose, Message
from engine.lm.completions import Stream, alternatives, chosen, error_words
from engine.lm.retrying import TransientError
from tests.scripted_server import piece

ASK = Choose(messages=(Message(role="user", content="?"),), choices=("0", "1"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "content", "finish_reason", "usage", "prompt_tokens", "error", "logprobs", "token"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_any_event_is_read_or_refused(value):
    stream = Stream()
    try:
        assert isinstance(stream.feed(f"data: {json.dumps(value)}"), str)
        assert isinstance(stream.finished, bool)
    except (TransientError, LMError):
        pass


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["choices", "usage", "object"]), VALUES))
def test_any_answer_is_read_or_refused(body):
    with contextlib.suppress(TransientError, CapabilityError):
        chosen(body, ASK, None)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=8), max_size=8))
def test_a_text_is_put_together_from_its_pieces(texts):
    stream = Stream()
    heard = [stream.feed(f"data: {json.dumps(piece(text))}") for text in texts]
    stream.feed(": still alive")
    stream.feed("")
    stream.feed(f"data: {json.dumps(piece('', 'stop'))}")
    stream.feed("data: [DONE]")
    assert heard == texts
    assert stream.text == "".join(texts)
    assert stream.finished


def test_a_log_probability_that_is_no_number_is_no_answer():
    body = {"choices": [{"logprobs": {"content": [{"token": "0", "logprob": -1.0, "top_logprobs": []}]}}]}
    assert alternatives(body) == {"0": -1.0}
    body["choices"][0]["logprobs"]["content"][0]["top_logprobs"] = [{"token": "1", "logprob": float("nan")}]
    with pytest.raises(TransientError):
        chosen(body, ASK, None)


def test_ids_go_before_texts():
    first = {"token": "token_id:7", "logprob": -0.5, "top_logprobs": [{"token": "token_id:8", "logprob": -2.0}]}
    body = {"choices": [{"logprobs": {"content": [first]}}]}
    assert chosen(body, ASK, {"0": 8, "1": 7}).log_probabilities == {"0": -2.0, "1": -0.5}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error": {"message": "too\\nlong"}}', "too long"),
        ('{"error": "no"}', "no"),
        ('{"detail": "Not Found"}', "Not Found"),
        ("<html>busy</html>", "<html>busy</html>"),
        ("[1]", "[1]"),
        ("", ""),
        ("x" * 5000, "x" * 300 + "…"),
    ],
)
def test_an_errors_words_are_one_short_line(body, words):
    assert error_words(body) == words
