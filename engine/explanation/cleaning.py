"""A document without what speaks to a model rather than to its reader: chat markup, grades in the answer's own form,
comments, invisible characters, long codes. A document that honestly says `Rating: 4` loses that."""

import re

_INVISIBLE = re.compile(
    "[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
    # Joiners spell words in Persian and Hindi, and hide nothing but in English.
    "|(?<=[\\x21-\\x7e])[\u200c\u200d]+(?=[\\x21-\\x7e])"
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CHAT = re.compile(
    r"<\s*\|[^|<>\n]{1,40}\|\s*>(?:\s*(?:system|user|assistant)\b)?"
    r"|<\s*/?\s*(?:start_of_turn|end_of_turn|tool_call|tool_response|document|bos|eos|s)\b[^<>]{0,40}>"
    r"|\[\s*/?\s*INST\s*\]|<<\s*/?\s*SYS\s*>>",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"(?:^|(?<=[.!?\]>}]))[ \t#*]*(?:system|user|human|assistant|AI)[ \t*]*:", re.IGNORECASE | re.MULTILINE
)
_ANSWER = re.compile(
    r"[\"'*_]{0,2}\b(?:(?:final|correct|true)[ _])?"
    r"(?:(?:relevance|relevancy)(?:[ _](?:grade|score|label))?|grade|score|rating|label|verdict)[\"'*_]{0,2}"
    r"\s*[:=]\s*[\"'*_]{0,2}\d(?![\d.]\d)\b[\"'*_]{0,2}(?:\s*(?:/|out of|of)\s*\d+)?\.?",
    re.IGNORECASE,
)
_EXPLANATION = re.compile(r"[\"']?\bexplanation[\"']?\s*:", re.IGNORECASE)
_CODE = re.compile(
    r"(?<![\w./:%+-])(?=[a-zA-Z0-9+/]*[a-z])(?=[a-zA-Z0-9+/]*[A-Z])(?=[a-zA-Z0-9+/]*\d)"
    r"[a-zA-Z0-9+/]{24,}={0,2}(?![\w./-])"
)


def cleaned(text: str) -> str:
    """The text without them; blanks that are left over are joined, lines that are left empty are dropped. A text that
    has none of them stays as it is."""
    left = _INVISIBLE.sub("", text)
    for struck in (_COMMENT, _CHAT, _ROLE, _ANSWER, _EXPLANATION, _CODE):
        left = struck.sub(" ", left)
    if left == text:
        return text
    lines = (" ".join(line.split()) for line in left.split("\n"))
    return "\n".join(line for line in lines if line)
