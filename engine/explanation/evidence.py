"""Finding the quotes of an explanation in its document. A quote that isn't there is kept and says so."""

import re

from data.records import Evidence

_QUOTED = re.compile(r"\"([^\"\n]{0,400})\"|“([^”\n]{0,400})”")
_SPACE = re.compile(r"\s+")


def quotes(explanation: str) -> list[str]:
    """The spans in double quotes, straight or curly, in order and without repeats."""
    found = [(straight or curly).strip() for straight, curly in _QUOTED.findall(explanation)]
    return list(dict.fromkeys(quote for quote in found if len(quote) >= 3 and re.search(r"\w", quote)))


def locate(quote: str, text: str) -> Evidence:
    """Where a quote stands in a text: to the letter, else with case, white space and closing dots put aside."""
    start = text.find(quote)
    if start >= 0:
        return Evidence(quote=quote, start_char=start, end_char=start + len(quote))
    loose = _SPACE.sub(" ", quote).strip().rstrip(".…").strip()
    if not loose:
        return Evidence(quote=quote)
    pattern = r"\s+".join(re.escape(word) for word in loose.split(" "))
    found = re.search(pattern, text, re.IGNORECASE)
    if found is None:
        return Evidence(quote=quote)
    return Evidence(quote=quote, start_char=found.start(), end_char=found.end())


def find_evidence(explanation: str, text: str) -> tuple[Evidence, ...]:
    """Every quote of the explanation, with its place in `text` where it has one."""
    return tuple(locate(quote, text) for quote in quotes(explanation))
