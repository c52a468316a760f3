"""What was changed in an explanation, word by word."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Fate = Literal["kept", "removed", "added"]
_WORDS = re.compile(r"\s+")
MOST = 4000
"""Words of a text that are compared; finding the longest common runs takes the square of their number."""


@dataclass(frozen=True, slots=True)
class Change:
    """Words that follow each other and share a fate."""

    fate: Fate
    text: str


def changes(before: str, after: str) -> tuple[Change, ...]:
    """How `before` became `after`. White space between words is of no account. Of texts too long to be compared, all
    is removed and all is added."""
    old, new = _words(before), _words(after)
    if max(len(old), len(new)) > MOST and old != new:
        whole: tuple[tuple[Fate, list[str]], ...] = (("removed", old), ("added", new))
        return tuple(Change(fate, " ".join(words)) for fate, words in whole if words)
    found = []
    # autojunk takes words that are frequent in a long text for noise, and shows them as changed where they are not.
    for tag, i, j, k, m in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(Change("kept", " ".join(old[i:j])))
            continue
        if j > i:
            found.append(Change("removed", " ".join(old[i:j])))
        if m > k:
            found.append(Change("added", " ".join(new[k:m])))
    return tuple(found)


def _words(text: str) -> list[str]:
    return [word for word in _WORDS.split(text) if word]
