"""Words of a text as Lucene's English analysis sees them, so that bm25s indexes the same words as Lucene does.

The chain is Anserini's DefaultEnglishAnalyzer: word breaks after Unicode's UAX #29, possessive 's removed, lower case,
33 stop words left out, Porter stems.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from engine.retrieval.porter import stem

_STOP_WORDS = (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this "
    "to was will with"
)
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Lucene's own list for English."""
MAX_TOKEN_LENGTH = 255
"""Lucene cuts longer runs of letters into pieces of this length."""

# One word each: Chinese characters and Hiragana (UAX #29 has no dictionary for them), and pictures, which are Unicode's
# Emoji of the basic plane, with variation, skin tone and joiners.
_SINGLE = "\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_EMOJI = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa\u24c2"
    "\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u2604\u260e\u2611\u2614\u2615\u2618\u261d\u2620\u2622\u2623\u2626"
    "\u262a\u262e\u262f\u2638-\u263a\u2640\u2642\u2648-\u2653\u265f\u2660\u2663\u2665\u2666\u2668\u267b\u267e\u267f"
    "\u2692-\u2697\u2699\u269b\u269c\u26a0\u26a1\u26aa\u26ab\u26b0\u26b1\u26bd\u26be\u26c4\u26c5\u26c8\u26ce\u26cf\u26d1"
    "\u26d3\u26d4\u26e9\u26ea\u26f0-\u26f5\u26f7-\u26fa\u26fd\u2702\u2705\u2708-\u270d\u270f\u2712\u2714\u2716\u271d\u2721"
    "\u2728\u2733\u2734\u2744\u2747\u274c\u274e\u2753-\u2755\u2757\u2763\u2764\u2795-\u2797\u27a1\u27b0\u27bf\u2934\u2935"
    "\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]\ufe0f?[\U0001f3fb-\U0001f3ff]?"
)
_PICTURE = f"{_EMOJI}(?:\u200d{_EMOJI})*"
_MID_LETTER = ":\u00b7\u0387\u055f\u05f4\u2027\ufe13\ufe55\uff1a"
_MID_NUMBER = ",;\u037e\u0589\u060c\u060d\u066c\u07f8\u2044\ufe10\ufe14\ufe50\ufe54\uff0c\uff1b"
_MID_BOTH = ".'\u2018\u2019\u2024\ufe52\uff07\uff0e"
_POSSESSIVE = re.compile("['\u2019\uff07][sS]$")
_STEMS_KEPT = 200_000


def tokens(text: str) -> list[str]:
    """The words of `text`, in order, with repetitions."""
    words = []
    for run in _pattern().findall(text):
        for word in _pieces(run):
            lowered = _lower(_POSSESSIVE.sub("", word))
            if lowered not in STOP_WORDS and lowered:
                words.append(_stem(lowered))
    return words


def _pieces(run: str) -> Iterator[str]:
    for start in range(0, len(run), MAX_TOKEN_LENGTH):
        yield run[start : start + MAX_TOKEN_LENGTH]


def _lower(word: str) -> str:
    """Letter by letter as Java does it, without the rules that look at neighbours (Greek final sigma)."""
    return word.lower() if word.isascii() else "".join(letter.lower()[0] for letter in word)


_stem = lru_cache(maxsize=_STEMS_KEPT)(stem)


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    # Marks (accents, vowel signs) and formats (soft hyphen) belong to the letter before them; `\w` leaves them out,
    # and takes in numbers that are no digits (superscripts, fractions), which end a word.
    plane = range(0x80, 0x10000)
    kinds = {code: unicodedata.category(chr(code)) for code in plane}
    marks = "".join(chr(code) for code in plane if kinds[code] in ("Mn", "Mc", "Me") or code in (0xAD, 0x200D))
    numbers = "".join(chr(code) for code in plane if kinds[code] == "No")
    letter = f"[^\\W\\d_{_SINGLE}{numbers}]"
    anything = f"[^\\W{_SINGLE}{numbers}]"
    inner = (
        f"(?:{anything}|[{marks}]"
        f"|(?<={letter})[{_MID_LETTER}{_MID_BOTH}](?={letter})"
        f"|(?<=\\d)[{_MID_NUMBER}{_MID_BOTH}](?=\\d))"
    )
    # A run of underscores alone is no word.
    word = f"(?=_*{letter}|_*\\d){anything}{inner}*"
    return re.compile(f"{_PICTURE}|[{_SINGLE}][{marks}]*|{word}")
