"""Words of files, people and models, made safe for the places where Streamlit renders Markdown.

Widget labels, expander titles, captions, messages and progress texts are Markdown; a collection named
`![x](https://...)` would fetch an image from there. What can be drawn by `st.text`, `st.code` or a table column needs
nothing of this.
"""

import re

WORD_JOINER = "\u2060"
"""Not visible; parts what Streamlit would still read as an emoji, an icon or an address after the escapes."""

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
# A colon of a time of day begins no shortcode, and a time that is copied should be one; it is escaped by then.
_SHORTCODES = re.compile(r"((?<!\d\\):|:(?!\d\d(?!\d))|@|www)", re.IGNORECASE)
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]+")


def plain(text: str, limit: int = 120) -> str:
    """One line of at most `limit` characters that reads as `text` where Markdown is rendered; cut ones end in …"""
    line = _SPACE.sub(" ", text).strip()
    if len(line) > limit:
        line = line[: limit - 1].rstrip() + "…"
    return _SHORTCODES.sub(rf"\1{WORD_JOINER}", _PUNCTUATION.sub(r"\\\1", line))
