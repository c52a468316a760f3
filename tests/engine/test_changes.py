from hypothesis import given
from hypothesis import strategies as st

from engine.explanation.changes import MOST, Change, changes


def test_words_are_kept_removed_and_added():
    assert changes("It says hard water.", "It never says  hard water") == (
        Change("kept", "It"),
        Change("added", "never"),
        Change("kept", "says hard"),
        Change("removed", "water."),
        Change("added", "water"),
    )
    assert changes("", "new") == (Change("added", "new"),)
    assert changes("old", " ") == (Change("removed", "old"),)
    assert changes("same words", "same\nwords") == (Change("kept", "same words"),)
    assert changes("", "") == ()


def test_texts_too_long_to_be_compared_are_replaced_whole():
    long = "word " * (MOST + 1)
    assert [change.fate for change in changes(long, "word")] == ["removed", "added"]
    assert [change.fate for change in changes(long, long + " ")] == ["kept"]


@given(st.text("ab \n", max_size=30), st.text("ab \n", max_size=30))
def test_both_texts_can_be_read_off(before, after):
    found = changes(before, after)
    assert " ".join(c.text for c in found if c.fate != "added") == " ".join(before.split())
    assert " ".join(c.text for c in found if c.fate != "removed") == " ".join(after.split())
