"""Quotes and where they stand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.explanation.evidence import find_evidence, locate, quotes

TEXT = "Air scatters short waves most.  Red light\npasses through."


def test_quotes_are_the_spans_in_double_quotes_once_each():
    assert quotes('It says "short waves" and “red light”, again "short waves".') == ["short waves", "red light"]
    assert quotes('nothing here, "" nor "..."') == []


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("short waves", "short waves"),
        ("SHORT waves", "short waves"),
        ("red light passes", "Red light\npasses"),
        ("waves most...", "waves most"),
        ("long waves", None),
        ("...", None),
    ],
)
def test_a_quote_is_found_to_the_letter_or_nearly(quote, found):
    evidence = locate(quote, TEXT)
    assert evidence.quote == quote
    if found is None:
        assert evidence.start_char is None
        assert evidence.end_char is None
    else:
        assert TEXT[evidence.start_char : evidence.end_char] == found


@given(st.text(max_size=60), st.integers(0, 60), st.integers(0, 60))
@settings(max_examples=150, deadline=None)
def test_any_piece_of_a_text_is_found_in_it(text, a, b):
    piece = text[min(a, b) : max(a, b)]
    if piece:
        evidence = locate(piece, text)
        assert text[evidence.start_char : evidence.end_char] == piece


def test_quotes_that_are_not_in_the_text_are_kept_and_say_so():
    first, second = find_evidence('"short waves" but "green cheese"', TEXT)
    assert first.start_char == 13
    assert second.start_char is None
