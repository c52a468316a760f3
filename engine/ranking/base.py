"""What a ranking method is: a generator without I/O.

It yields a batch of requests, is sent the answers in the same order, and returns one `Opinion` per candidate. One
driver (`engine.ranking.driver`) runs any number of these at once, so the same lines serve a page, a thousand-query
evaluation and a unit test. A method never sorts: `engine.ranking.fusion` turns opinions into an order.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data.scales import Scale
from engine.explanation.prompt import Form
from engine.explanation.style import DEFAULT, Style
from engine.lm.base import Answer, Ask, Clipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A document the first stage brought. `text` is what the model sees of it, cut to the token budget."""

    doc_id: str
    title: str
    text: str
    cut: bool
    rank: int
    """First-stage rank, from 1."""
    score: float
    """First-stage score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One query's work: what to judge, and by which rules."""

    query: str
    candidates: tuple[Candidate, ...]
    scale: Scale
    guidelines: str = ""
    explanation_tokens: int = 96
    explain_top: int = 0
    """How many of the best documents get an explanation; reason-first needs and makes one for every document."""
    style: Style = DEFAULT
    """How documents are put before the model; versions are trained with the plain one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What the model says of one candidate. Either probabilities and score, or the reason why it is unreadable."""

    doc_id: str
    score: float | None
    """Expected grade, 0 to the scale's highest; None where unreadable."""
    grade: int | None
    probabilities: Mapping[int, float] | None
    explanation: str | None = None
    explanation_finished: bool = True
    """False where the token limit cut the explanation off."""
    unreadable: str | None = None
    answer_text: str | None = None
    prompt_tokens: int = 0
    """Tokens the model was given about this document, of all its questions together; what several documents' prompts
    have in common counts every time."""


Asking = Generator[Sequence[Ask], Sequence[Answer], list[Opinion]]
"""Yields requests, receives their answers, returns opinions in the order of the candidates."""

MethodFunction = Callable[[Task], Asking]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A member of `METHODS`."""

    name: str
    rank: MethodFunction
    form: Form
    """The answer form of its prompt: versions are trained for one form."""
    summary: str
    """One line for people choosing a method."""
    source: str
    """The paper or model it follows."""
    explains: bool
    """Does it make explanations?"""
    parameters: Mapping[str, Any]


Clip = Callable[[str, int], Clipped]
"""`LM.clip`: text and a token budget to the text that fits."""
