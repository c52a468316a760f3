"""Grade the clean documents, the attacked ones and the controls of a set, as `pointwise-score` does it."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.injection.attacks import SCALE, Suite, Trial
from data.records import Document, Query
from engine.explanation.style import Style
from engine.lm.base import LM, Answer, Ask, Chosen, Message
from engine.ranking import method_named
from engine.ranking.base import Candidate, Task
from engine.ranking.driver import drive

METHOD = "pointwise-score"
OnProgress = Callable[[int, int], None]
"""Documents graded, documents in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """What the model says of a document. No expected grade: the answer was unreadable."""

    expected: float | None
    grade: int | None
    mass: float
    """Probability of all grades together at the answer's place, 0 to 1: little where the model would not grade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a measurement reads."""

    prompts: int
    tokens: int
    """Shared beginnings of a query's prompts counted once, as the prefix cache reads them."""
    tokens_without_cache: int


def graded(
    suite: Suite,
    lm: LM,
    style: Style,
    *,
    document_tokens: int,
    open_queries: int = 1,
    on_progress: OnProgress = lambda done, total: None,
) -> dict[tuple[str, str], Graded]:
    """(query_id, doc_id) -> what the model says, for every document of `suite` and both twins of every attack."""
    tasks = [_task(suite, query, lm, style, document_tokens) for query in suite.queries]
    total = sum(len(task.candidates) for task in tasks)
    masses: dict[tuple[int, str], float] = {}

    def heard(position: int, ask: Ask, answer: Answer) -> None:
        if isinstance(answer, Chosen):
            masses[position, ask.tag] = sum(math.exp(log) for log in answer.log_probabilities.values())
            on_progress(len(masses), total)

    method = method_named(METHOD)
    found = drive((method.rank(task) for task in tasks), lm, open_queries=open_queries, on_answer=heard)
    return {
        (query.query_id, opinion.doc_id): Graded(
            expected=opinion.score, grade=opinion.grade, mass=masses[position, opinion.doc_id]
        )
        for position, (query, opinions) in enumerate(zip(suite.queries, found, strict=True))
        for opinion in opinions
    }


def cost(
    suite: Suite, lm: LM, style: Style, *, document_tokens: int, ids: Callable[[Sequence[Message]], Sequence[int]]
) -> Cost:
    """What `graded` would have the model read; `lm` only clips, `ids` are a prompt's tokens."""
    prompts = tokens = whole = 0
    for query in suite.queries:
        asks = next(method_named(METHOD).rank(_task(suite, query, lm, style, document_tokens)))
        read = [list(ids(ask.messages)) for ask in asks]
        shared = _shared(read)
        prompts += len(read)
        whole += sum(map(len, read))
        tokens += sum(map(len, read)) - shared * (len(read) - 1)
    return Cost(prompts=prompts, tokens=tokens, tokens_without_cache=whole)


def _task(suite: Suite, query: Query, lm: LM, style: Style, document_tokens: int) -> Task:
    clean = [suite.documents[doc_id] for doc_id in suite.grades[query.query_id]]
    twins = _twins(suite.trials(query.query_id))
    candidates = [
        Candidate(doc_id=d.doc_id, title=d.title, text=clipped.text, cut=clipped.cut, rank=rank, score=0.0)
        for rank, d in enumerate((*clean, *twins), start=1)
        if (clipped := lm.clip(d.text, document_tokens))
    ]
    return Task(query=query.text, candidates=tuple(candidates), scale=SCALE, style=style)


def _twins(trials: Iterable[Trial]) -> list[Document]:
    return [document for trial in trials for document in (trial.attacked, trial.filled)]


def _shared(read: Sequence[Sequence[int]]) -> int:
    """Tokens all prompts begin with."""
    shared = 0
    for column in zip(*read, strict=False):
        if len(set(column)) > 1:
            break
        shared += 1
    return shared
