"""The three pointwise methods: each judges one (query, document) pair at a time on the collection's scale.

Source: ProRank (arXiv 2506.03487) for the score from label tokens; Prism-Reranker (arXiv 2604.23734) for the verdict
before its reason; InteRank (arXiv 2504.03947) for the reason before its verdict. All order by the expected grade
`sum(g * p(g))`, which breaks the ties an integer grade leaves.
"""

import math
from collections.abc import Sequence

from data.scales import Scale
from engine.explanation import prompt
from engine.explanation.prompt import Unreadable
from engine.lm.base import Answer, Choose, Chosen, Generate, Generated, Message
from engine.ranking.base import Asking, Opinion, Task


def score(task: Task) -> Asking:
    """Choose a grade for every document; no text is made. Source: ProRank."""
    turns = _turns(task, "verdict-first")
    answers = yield [
        _choose(c.doc_id, t, prompt.GRADE, task.scale) for c, t in zip(task.candidates, turns, strict=True)
    ]
    return [_opinion(c.doc_id, a, task.scale) for c, a in zip(task.candidates, answers, strict=True)]


def verdict_first(task: Task) -> Asking:
    """Choose a grade, then explain that grade for the `explain_top` best. Source: Prism-Reranker."""
    opinions = yield from score(task)
    best = _best(opinions, task.explain_top)
    if not best:
        return opinions
    turns = _turns(task, "verdict-first")
    asks = [
        Generate(
            messages=prompt.answered(turns[i], f"{prompt.GRADE}{opinions[i].grade}\n{prompt.EXPLANATION}"),
            max_tokens=task.explanation_tokens,
            stop=prompt.VERDICT_STOPS,
            tag=opinions[i].doc_id,
        )
        for i in best
    ]
    answers = yield asks
    for i, answer in zip(best, answers, strict=True):
        opinions[i] = _explained(opinions[i], answer)
    return opinions


def reason_first(task: Task) -> Asking:
    """Explain every document, then choose the grade after the explanation. Source: InteRank."""
    turns = _turns(task, "reason-first")
    texts = yield [
        Generate(
            messages=prompt.answered(t, prompt.EXPLANATION),
            max_tokens=task.explanation_tokens,
            stop=(prompt.REASON_STOP,),
            tag=c.doc_id,
        )
        for c, t in zip(task.candidates, turns, strict=True)
    ]
    reasons = [prompt.parse_explanation(_text(a).text) for a in texts]
    readable = [i for i, reason in enumerate(reasons) if isinstance(reason, str)]
    grades = yield [
        _choose(task.candidates[i].doc_id, turns[i], f"{prompt.EXPLANATION} {reasons[i]}\n{prompt.GRADE}", task.scale)
        for i in readable
    ]
    chosen = dict(zip(readable, grades, strict=True))
    opinions = []
    for i, (candidate, reason) in enumerate(zip(task.candidates, reasons, strict=True)):
        if isinstance(reason, Unreadable):
            opinions.append(_unreadable(candidate.doc_id, reason, texts[i]))
        else:
            opinions.append(_explained(_opinion(candidate.doc_id, chosen[i], task.scale), texts[i]))
    return opinions


def expected_grade(probabilities: dict[int, float]) -> float:
    """`sum(g * p(g))`."""
    return sum(grade * p for grade, p in probabilities.items())


def _turns(task: Task, form: prompt.Form) -> list[tuple[Message, ...]]:
    system = prompt.system_text(task.scale, task.guidelines, form, task.style)
    return [
        prompt.messages(system=system, query=task.query, title=c.title, text=c.text, style=task.style)
        for c in task.candidates
    ]


def _choose(doc_id: str, turns: tuple[Message, ...], start: str, scale: Scale) -> Choose:
    return Choose(messages=prompt.answered(turns, start), choices=scale.choices, tag=doc_id)


def _opinion(doc_id: str, answer: Answer, scale: Scale) -> Opinion:
    if not isinstance(answer, Chosen):
        raise TypeError(f"a Choose was answered with {type(answer).__name__}")
    probabilities = {grade: float(answer.probabilities[str(grade)]) for grade in scale.grades}
    if not all(math.isfinite(p) for p in probabilities.values()):
        return _unreadable(doc_id, Unreadable(reason="the model's probabilities are not numbers", text=""), answer)
    return Opinion(
        doc_id=doc_id,
        score=expected_grade(probabilities),
        grade=max(probabilities, key=lambda grade: (probabilities[grade], -grade)),
        probabilities=probabilities,
        prompt_tokens=answer.prompt_tokens,
    )


def _text(answer: Answer) -> Generated:
    if not isinstance(answer, Generated):
        raise TypeError(f"a Generate was answered with {type(answer).__name__}")
    return answer


def _explained(opinion: Opinion, answer: Answer) -> Opinion:
    """The opinion with its explanation; a verdict whose explanation can't be read keeps its verdict, and says so."""
    generated = _text(answer)
    explanation = prompt.parse_explanation(generated.text)
    failed = isinstance(explanation, Unreadable)
    return Opinion(
        doc_id=opinion.doc_id,
        score=opinion.score,
        grade=opinion.grade,
        probabilities=opinion.probabilities,
        explanation=None if failed else str(explanation),
        explanation_finished=generated.finished,
        unreadable=opinion.unreadable,
        answer_text=generated.text if failed else None,
        prompt_tokens=opinion.prompt_tokens + generated.prompt_tokens,
    )


def _unreadable(doc_id: str, why: Unreadable, answer: Answer) -> Opinion:
    return Opinion(
        doc_id=doc_id,
        score=None,
        grade=None,
        probabilities=None,
        unreadable=why.reason,
        answer_text=why.text,
        prompt_tokens=answer.prompt_tokens,
    )


def _best(opinions: Sequence[Opinion], top: int) -> list[int]:
    """Positions of the `top` best readable opinions; first-stage order breaks ties (sorting is stable)."""
    readable = [i for i, opinion in enumerate(opinions) if opinion.score is not None]
    return sorted(readable, key=lambda i: -(opinions[i].score or 0.0))[:top]
