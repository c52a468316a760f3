"""Made-up documents, queries, rankings and judgments, drawn from a seed: the same seed, the same of everything.

The words mean nothing; lengths, how often words and grades come, how far assessors differ and what they leave undone
are as in real collections.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from data.records import (
    Assessor,
    AssessorKind,
    Document,
    Judgment,
    Query,
    RankedDocument,
    Ranking,
    Status,
    Version,
)
from data.scales import TREC_DL
from engine.explanation.evidence import find_evidence
from engine.ranking import DEFAULT_METHOD
from engine.ranking.fusion import DEFAULT_WEIGHT

TEACHERS = ("teacher-large", "teacher-small")
_BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
_SYLLABLES = ("ba", "do", "fe", "ku", "la", "me", "ni", "ru", "te", "vi", "zu", "stra", "min")
_LONG_EVERY, _LONG_WORDS = 500, 8_000
"""One document in so many is as long as a report."""
_TEACHER_SHARE, _AGAIN, _EXPLAINED = 0.15, 0.04, 0.25
"""Of all judgments: each teacher's; people's second thoughts. Of people's: those with an explanation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is."""

    documents: int = 20_000
    queries: int = 500
    judgments: int = 100_000
    """Events of everybody, the students' in the rankings included."""
    people: int = 10
    ranked: int = 200
    """Queries that both versions ranked."""
    depth: int = 20
    pool: int = 80
    """Documents of a query that anybody judges."""


SMALL = Size(documents=600, queries=60, judgments=3_000, people=4, ranked=20, depth=10, pool=40)
"""To try things."""


def names(size: Size) -> list[str]:
    """The people's names."""
    return [f"Assessor {number:02}" for number in range(size.people)]


class Made:
    """What the seed says, in the order in which it is drawn."""

    def __init__(self, size: Size, seed: int) -> None:
        self._size = size
        self._rng = random.Random(seed)
        self._words = [self._word() for _ in range(4_000)]
        # Zipf: the n-th most frequent word comes 1/n as often as the first.
        self._weights = list(accumulate(1 / (n + 1) for n in range(len(self._words))))
        self._texts: dict[str, str] = {}
        self.collection_id = self.new_id()
        self.people = [self._assessor(name, AssessorKind.HUMAN) for name in names(size)]
        self.teachers = [self._assessor(name, AssessorKind.TEACHER) for name in TEACHERS]
        self.queries = [
            Query(query_id=f"q{n:04}", text=f"{self.text(self._rng.randint(3, 12))}?") for n in range(size.queries)
        ]
        self._pools = {query.query_id: self._pool() for query in self.queries}

    def new_id(self) -> str:
        """As `data.records.new_id`, from the seed."""
        return f"{self._rng.getrandbits(128):032x}"

    def text(self, words: int) -> str:
        """So many words."""
        return " ".join(self._rng.choices(self._words, cum_weights=self._weights, k=words))

    def documents(self) -> Iterator[Document]:
        """One after the other; their beginnings stay here, to be quoted."""
        for n in range(self._size.documents):
            words = _LONG_WORDS if n % _LONG_EVERY == _LONG_EVERY - 1 else max(20, int(self._rng.gauss(120, 50)))
            document = Document(doc_id=_doc_id(n), title=self.text(5), text=self.text(words))
            self._texts[document.doc_id] = document.text[:200]
            yield document

    def judgments(self) -> Iterator[Judgment]:
        """Teachers', then people's, in the order in which they came."""
        students = 2 * self._size.ranked * self._size.depth
        teachers = int(_TEACHER_SHARE * self._size.judgments)
        for teacher in self.teachers:
            for query_id, doc_id in self._pairs(teachers):
                yield self._said(teacher, query_id, doc_id, self._graded(query_id, doc_id, 0.6), 25)
        people = self._size.judgments - students - teachers * len(self.teachers)
        again = int(_AGAIN * people)
        for count in (people - again, again):
            for person, share in zip(self.people, _shares(count, len(self.people)), strict=True):
                for query_id, doc_id in self._pairs(share):
                    yield self._by_person(person, query_id, doc_id)

    def ranking(self, query: Query, version: Version, sureness: float) -> Ranking:
        """The first documents of a query's pool, re-ranked."""
        pool = self._pools[query.query_id][: self._size.depth]
        scored = []
        for place, doc_id in enumerate(pool, start=1):
            probabilities = self._probabilities(_true_grade(query.query_id, doc_id), sureness)
            expected = sum(grade * p for grade, p in probabilities.items())
            scored.append((expected, place, doc_id, probabilities))
        scored.sort(key=lambda row: (-row[0], row[1]))
        documents = []
        for rank, (expected, place, doc_id, probabilities) in enumerate(scored, start=1):
            explanation = self._explanation(doc_id, 20) if rank <= 3 else None
            documents.append(
                RankedDocument(
                    doc_id=doc_id,
                    rank=rank,
                    score=expected,
                    raw_score=expected,
                    first_stage_rank=place,
                    first_stage_score=20.0 / place,
                    grade=max(probabilities, key=probabilities.__getitem__),
                    probabilities=probabilities,
                    explanation=explanation,
                    evidence=find_evidence(explanation or "", self._texts[doc_id]),
                )
            )
        return Ranking(
            ranking_id=self.new_id(),
            collection_id=self.collection_id,
            query_id=query.query_id,
            query_text=query.text,
            method=DEFAULT_METHOD,
            version_id=version.version_id,
            base_model=version.base_model,
            prompt_sha256="made up",
            scale_name=TREC_DL.name,
            retriever="lucene",
            depth=self._size.depth,
            fusion_weight=DEFAULT_WEIGHT,
            parameters={},
            seconds={"retrieve": 0.003, "rank": 30.0},
            documents=tuple(documents),
        )

    def _by_person(self, person: Assessor, query_id: str, doc_id: str) -> Judgment:
        status = self._rng.choices(
            (Status.JUDGED, Status.SKIPPED, Status.LATER, Status.CANT_JUDGE), weights=(94, 3, 2, 1)
        )[0]
        grade = self._graded(query_id, doc_id, 0.7) if status is Status.JUDGED else None
        words = 15 if grade is not None and self._rng.random() < _EXPLAINED else 0
        return self._said(person, query_id, doc_id, grade, words, status)

    def _said(
        self, who: Assessor, query_id: str, doc_id: str, grade: int | None, words: int, status: Status = Status.JUDGED
    ) -> Judgment:
        explanation = self._explanation(doc_id, words) if words else None
        human = who.kind is AssessorKind.HUMAN
        return Judgment(
            event_id=self.new_id(),
            collection_id=self.collection_id,
            query_id=query_id,
            doc_id=doc_id,
            assessor_id=who.assessor_id,
            status=status,
            grade=grade,
            explanation=explanation,
            evidence=find_evidence(explanation, self._texts[doc_id]) if explanation else (),
            seconds_spent=round(self._rng.lognormvariate(2.3, 0.7), 1) if human else None,
            guideline_version=1,
            created_at=_BEGIN + timedelta(days=self._rng.randrange(90), seconds=self._rng.randrange(8 * 3600)),
        )

    def _explanation(self, doc_id: str, words: int) -> str:
        quote = " ".join(self._texts[doc_id].split()[2:6])
        return f'It says "{quote}". {self.text(words)}.'

    def _graded(self, query_id: str, doc_id: str, share: float) -> int:
        """The true grade for this share, else one beside it."""
        grade = _true_grade(query_id, doc_id)
        if self._rng.random() >= share:
            grade += self._rng.choice((-1, 1))
        return min(max(grade, 0), TREC_DL.highest)

    def _probabilities(self, grade: int, sureness: float) -> dict[int, float]:
        """Of each grade; they sum to 1."""
        weights = {g: math.exp(-sureness * abs(g - grade) + self._rng.gauss(0, 0.7)) for g in TREC_DL.grades}
        return {g: weight / sum(weights.values()) for g, weight in weights.items()}

    def _pairs(self, count: int) -> list[tuple[str, str]]:
        """Drawn from all pools, none twice."""
        deep = self._size.pool
        places = self._rng.sample(range(len(self.queries) * deep), count)
        return [
            (query_id := self.queries[place // deep].query_id, self._pools[query_id][place % deep]) for place in places
        ]

    def _pool(self) -> list[str]:
        return [_doc_id(n) for n in self._rng.sample(range(self._size.documents), self._size.pool)]

    def _assessor(self, name: str, kind: AssessorKind) -> Assessor:
        return Assessor(assessor_id=self.new_id(), name=name, kind=kind)

    def _word(self) -> str:
        return "".join(self._rng.choices(_SYLLABLES, k=self._rng.randint(1, 4)))


def _true_grade(query_id: str, doc_id: str) -> int:
    """What a pair is worth: most are worth nothing."""
    place = random.Random(f"{query_id} {doc_id}").random()
    return sum(place > share for share in (0.55, 0.8, 0.93))


def _doc_id(number: int) -> str:
    return f"d{number:06}"


def _shares(count: int, parts: int) -> list[int]:
    """A whole number in parts as even as can be."""
    return [count // parts + (n < count % parts) for n in range(parts)]
