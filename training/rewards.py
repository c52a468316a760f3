"""Rewards: how good an answer is that the model wrote itself. Pure functions of its text, each from 0 to 1.

None: the answer can't be read, so there is nothing to measure. Only `form` and `grade_line` say 0 there, because
being readable is what they measure: were they None too, an unreadable answer would not lose against a readable one,
and the form would never be learnt.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.explanation import evidence as quoted
from engine.explanation import prompt
from engine.explanation.prompt import Form, Unreadable
from training.examples import Example

LEAST_WORDS = 4
"""An explanation of fewer words is no sentence. Without this limit the shortest explanation would be the best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an answer is measured against."""

    form: Form
    choices: tuple[str, ...]
    """The scale's grades as the model writes them, rising."""
    grade: int
    """The one that was given."""
    document: str
    """As the model saw it."""


def asked(example: Example) -> Asked:
    """What the answer to an example's prompt is measured against."""
    return Asked(
        form="verdict-first" if example.messages[-1].content == prompt.GRADE else "reason-first",
        choices=example.choices,
        grade=example.grade,
        document=prompt.document_of(example.messages),
    )


def form(text: str, given: Asked) -> float:
    """Is the whole answer in its declared form? 1 or 0."""
    return 0.0 if _read(text, given) is None else 1.0


def grade(text: str, given: Asked) -> float | None:
    """1 for the grade that was given, less by the distance to it: 1 - |g - wanted| / (highest - lowest)."""
    answer = _read(text, given)
    if answer is None:
        return None
    span = int(given.choices[-1]) - int(given.choices[0])
    return 1.0 - abs(answer.grade - given.grade) / span


def evidence(text: str, given: Asked) -> float | None:
    """Share of the explanation's quotes that stand in the document; 0 without any, since the prompt asks for one."""
    answer = _read(text, given)
    if answer is None:
        return None
    found = quoted.find_evidence(answer.explanation, given.document)
    return sum(one.start_char is not None for one in found) / len(found) if found else 0.0


def length(text: str, given: Asked, *, most_words: int) -> float | None:
    """1 for an explanation of `LEAST_WORDS` to `most_words` words; below it falls to 0 at none, above to 0 at twice as
    many."""
    answer = _read(text, given)
    if answer is None:
        return None
    words = len(answer.explanation.split())
    return max(0.0, min(1.0, words / LEAST_WORDS, 2 - words / most_words))


def grade_line(text: str, given: Asked) -> float:
    """Is the answer the grade's line and nothing else? 1 or 0."""
    return 0.0 if isinstance(prompt.read_grade(text, choices=given.choices), Unreadable) else 1.0


def exact_grade(text: str, given: Asked) -> float | None:
    """Of an answer that is the grade's line alone: 1 for the grade that was given, else 0."""
    found = prompt.read_grade(text, choices=given.choices)
    return None if isinstance(found, Unreadable) else float(found == given.grade)


def combined(rewards: Mapping[str, float | None], weights: Mapping[str, float]) -> float | None:
    """Weighted mean of the rewards that have a weight; None where one of them is None: an answer is measured whole."""
    total = 0.0
    for name, weight in weights.items():
        reward = rewards[name]
        if reward is None:
            return None
        total += weight * reward
    return total / sum(weights.values())


def _read(text: str, given: Asked) -> prompt.Answer | None:
    answer = prompt.read(text, choices=given.choices, form=given.form)
    return None if isinstance(answer, Unreadable) else answer
