import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.views.plain import WORD_JOINER, plain


def read(escaped: str) -> str:
    """What a CommonMark reader makes of backslash escapes, without the joiners."""
    return escaped.replace(WORD_JOINER, "").replace("\\\\", "\0").replace("\\", "").replace("\0", "\\")


@pytest.mark.parametrize(
    "word", ["![x](https://example.org/a.png)", "**b** _i_ `c` $x$", ":red[no]", "<b>", "# a", "v1.2"]
)
def test_every_mark_is_escaped_and_nothing_else_changes(word):
    escaped = plain(word)
    assert read(escaped) == word
    assert all(escaped[i - 1] == "\\" for i, c in enumerate(escaped) if c in "![]()*_`$<>#{}|~" and i)


def test_emoji_codes_icons_and_addresses_are_parted():
    assert WORD_JOINER in plain(":smile:") and "material/" not in plain(":material/delete:")
    assert plain("www.example.org").startswith("www" + WORD_JOINER)
    assert "://" not in plain("https://example.org")


def test_a_time_can_be_copied():
    assert plain("saved at 14:07:35") == r"saved at 14\:07\:35"
    assert WORD_JOINER in plain("1:100:")


def test_it_is_one_line_and_cut():
    assert plain("a\nb\t c") == "a b c"
    assert plain("x" * 300, limit=10) == "x" * 9 + "…"


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60))
def test_any_text_stays_one_line(text):
    assert "\n" not in plain(text) and "\r" not in plain(text)
