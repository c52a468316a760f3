"""Examples for tests of training, made without a store."""

from collections.abc import Sequence

from data.records import AssessorKind
from data.scales import TREC_DL
from engine.explanation import prompt
from engine.explanation.prompt import Form
from engine.lm.base import Message
from training.examples import Example

SYSTEM = {form: prompt.system_text(TREC_DL, "", form) for form in ("verdict-first", "reason-first")}


def example(
    number: int,
    *,
    grade: int = 0,
    explanation: str | None = None,
    text: str = "some words",
    form: Form = "verdict-first",
) -> Example:
    """One example; `number` tells it from others."""
    turns: Sequence[Message] = prompt.messages(
        system=SYSTEM[form], query=f"query {number % 5}", title="", text=f"{text} {number}"
    )
    start = prompt.GRADE if form == "verdict-first" else prompt.EXPLANATION
    completion = str(grade)
    if explanation is not None:
        completion = prompt.completion(grade=grade, explanation=explanation, form=form).removeprefix(start)
    return Example(
        query_id=str(number % 5),
        doc_id=str(number),
        grade=grade,
        choices=("0", "1", "2", "3"),
        target=grade / 3,
        messages=prompt.answered(tuple(turns), start),
        completion=completion,
        closed=explanation is not None,
        source=AssessorKind.HUMAN,
        explanation_source=AssessorKind.HUMAN if explanation else None,
        assessor_id="ann",
    )


def examples(count: int) -> list[Example]:
    """Examples of all grades, half of them with an explanation."""
    return [
        example(
            i, grade=i % 4, explanation=f'It says "some words {i}".' if i % 2 else None, text="some words " * (i % 3)
        )
        for i in range(count)
    ]
