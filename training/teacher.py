"""The teaching job: ask a teacher about pairs, keep every answer, and make judgments of what can be read.

A job whose process died goes on from there, and another job with the same questions asks nothing twice.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from data import logs
from data.answers import KeptAnswer
from data.errors import LMError, NotFoundError
from data.records import Assessor, AssessorKind, Collection, Document, Judgment, Query, Status, new_id
from data.settling import Pair
from engine.explanation.evidence import find_evidence
from engine.explanation.prompt import Unreadable
from engine.lm.base import Generate
from engine.lm.openai import OpenAILM
from engine.retrieval.base import no_index, searched
from training.askers import askers
from training.folders import teach_path, write_json
from training.questioning import Questioning
from training.teaching import TeachConfig, chosen_queries, question, read, teacher
from training.work import Work

RETRIEVED, LOOKED_UP = 0.03, 0.06
"""Where the job's progress stands when it knows the pairs, and what of them was answered before."""
Told = Mapping[str, Any]
"""What a job has done and spent so far: the file of `training.folders.teach_path`, and at the end the result."""
log = logging.getLogger(__name__)


def run(work: Work) -> Told:
    """A `training.jobs.Runner`."""
    config = TeachConfig(**work.job.config)
    return teach(work, config, teacher(work.workbench.settings, config))


def teach(work: Work, config: TeachConfig, lm: OpenAILM, *, start: float = 0.0) -> Told:
    """Ask `lm`, which is the teacher of the config; the job's progress goes on from `start` (0 to 1)."""
    retrieved, looked_up = (start + share * (1.0 - start) for share in (RETRIEVED, LOOKED_UP))
    collection = work.collection
    assessor = work.workbench.store.assessors.ensure(config.assessor, AssessorKind.TEACHER)
    teaching = _Teaching(work=work, config=config, lm=lm, collection=collection, assessor=assessor)
    work.stage("retrieving", start, retrieved)
    pairs = teaching.retrieve()
    work.stage("looking up kept answers", retrieved, looked_up)
    teaching.look_up(pairs)
    work.stage(f"asking {config.model}", looked_up, 1.0)
    teaching.questions.ask_all()
    return teaching.tell(whole=True)


@dataclass(slots=True, kw_only=True)
class _Teaching:
    """A job under way."""

    work: Work
    config: TeachConfig
    lm: OpenAILM
    collection: Collection
    assessor: Assessor
    questions: Questioning = field(init=False)
    present: dict[Pair, Judgment] = field(init=False)
    """What the assessor says now."""
    waiting: dict[str, list[tuple[Query, str]]] = field(default_factory=dict)
    """Question -> the pairs (query, doc_id) it is about: documents of one text make one question."""
    counts: Counter[str] = field(default_factory=Counter)
    grades: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.questions = Questioning(
            work=self.work,
            lm=self.lm,
            askers=askers(self.config, self.work.workbench.settings),
            budget=self.config.budget,
            make=self._question,
            on_answer=self._answered,
            on_failure=self._not_answered,
            on_change=self.tell,
            counts=self.counts,
        )
        said = self.work.workbench.store.judgments.current(
            self.collection.collection_id, assessor_ids=[self.assessor.assessor_id]
        )
        self.present = {(judgment.query_id, judgment.doc_id): judgment for judgment in said}
        spent = self.questions.ledger.spent
        log.info("Asking the teacher.", extra=logs.about(model=self.lm.name, spent_before=asdict(spent)))

    def retrieve(self) -> list[tuple[Query, list[str]]]:
        """Each query with the documents the teacher is asked about."""
        queries = chosen_queries(self.work.workbench, self.collection, self.config)
        self.counts["queries"] = len(queries)
        if self.config.pairs:
            given: dict[str, list[str]] = {}
            for query_id, doc_id in dict.fromkeys(self.config.pairs):
                given.setdefault(query_id, []).append(doc_id)
            return [(query, given[query.query_id]) for query in queries]
        retriever = self.work.workbench.retriever(self.collection)
        if retriever is None:
            raise no_index(self.collection.name)
        found = []
        for done, query in enumerate(queries):
            self.questions.check_stop()
            found.append((query, [hit.doc_id for hit in searched(retriever, query, self.config.depth)]))
            self.work.progress(done / len(queries))
        return found

    def look_up(self, pairs: Sequence[tuple[Query, Sequence[str]]]) -> None:
        """Take what was answered before; the rest waits to be asked."""
        for done, (query, doc_ids) in enumerate(pairs):
            self.questions.check_stop()
            documents = self._documents(doc_ids)
            judgments = []
            for doc_id in doc_ids:
                ask = question(self.collection, query, documents[doc_id], self.config)
                kept = self.questions.kept(ask.tag)
                if kept is None:
                    self.waiting.setdefault(ask.tag, []).append((query, doc_id))
                else:
                    judgments.append(self._judgment(query, documents[doc_id], kept))
            self._store(judgments)
            self.counts["pairs"] += len(doc_ids)
            self.work.progress(done / len(pairs))
        self.questions.queue.extend(self.waiting)
        self.tell()

    def tell(self, *, whole: bool = False) -> Told:
        """Write down what was done and spent, and return it."""
        ledger = self.questions.ledger
        spent = ledger.spent
        told: dict[str, Any] = {
            "assessor": self.assessor.name,
            "model": self.lm.name,
            **{name: self.counts[name] for name in ("queries", "pairs", "asked", "kept", "graded", "unreadable")},
            "unanswered": self.counts["unanswered"],
            "not_asked": sum(len(self.waiting[key]) for key in self.questions.queue),
            "new_judgments": self.counts["new_judgments"],
            "by_grade": {str(grade): count for grade, count in sorted(self.grades.items())},
            **asdict(spent),
            "tokens": spent.tokens,
            "cost": ledger.cost,
            "stopped": self.questions.stopped,
            "whole": whole,
        }
        write_json(teach_path(self.work.workbench.settings, self.work.job.job_id), told)
        return told

    def _question(self, key: str) -> Generate:
        query, doc_id = self.waiting[key][0]
        return question(self.collection, query, self._documents([doc_id])[doc_id], self.config)

    def _answered(self, key: str, kept: KeptAnswer) -> None:
        pairs = self.waiting[key]
        documents = self._documents([doc_id for _, doc_id in pairs])
        self._store([self._judgment(query, documents[doc_id], kept) for query, doc_id in pairs])
        self.counts["asked"] += len(pairs)

    def _not_answered(self, key: str, error: LMError) -> None:
        pairs = self.waiting[key]
        self.counts["unanswered"] += len(pairs)
        query, doc_id = pairs[0]
        # Without its words: a server that refuses a request may send it back.
        facts = logs.about(query_id=query.query_id, doc_id=doc_id, error=type(error).__name__)
        log.warning("No answer about a document.", extra=facts)

    def _judgment(self, query: Query, document: Document, kept: KeptAnswer) -> Judgment:
        """What an answer says; unreadable ones are kept to the letter, and are no grade."""
        read_as = read(kept.text, finished=kept.finished, scale=self.collection.scale, form=self.config.form)
        said = Judgment(
            event_id=new_id(),
            collection_id=self.collection.collection_id,
            query_id=query.query_id,
            doc_id=document.doc_id,
            assessor_id=self.assessor.assessor_id,
            status=Status.UNREADABLE,
            guideline_version=self.collection.guideline_version,
        )
        if isinstance(read_as, Unreadable):
            self.counts["unreadable"] += 1
            return replace(said, note=f"{read_as.reason}; the answer: {kept.text}")
        self.counts["graded"] += 1
        self.grades[read_as.grade] += 1
        return replace(
            said,
            status=Status.JUDGED,
            grade=read_as.grade,
            explanation=read_as.explanation,
            evidence=find_evidence(read_as.explanation, document.text),
            note=f"asked of {self.lm.name}",
        )

    def _store(self, judgments: Sequence[Judgment]) -> None:
        """Store what the assessor does not say already."""
        fresh = [made for made in judgments if not _same(self.present.get((made.query_id, made.doc_id)), made)]
        self.counts["new_judgments"] += self.work.workbench.store.judgments.add_many(fresh) if fresh else 0

    def _documents(self, doc_ids: Sequence[str]) -> Mapping[str, Document]:
        found = self.work.workbench.store.collections.documents_by_id(self.collection.collection_id, doc_ids)
        if missing := [doc_id for doc_id in doc_ids if doc_id not in found]:
            raise NotFoundError(
                f"BM25 names document {missing[0]!r}, which is not in {self.collection.name}.",
                mend=f"Rebuild the index: whyrank collection rebuild {self.collection.name}",
            )
        return found


def _same(present: Judgment | None, made: Judgment) -> bool:
    """Does the assessor say this already?"""
    if present is None or (present.status, present.grade) != (made.status, made.grade):
        return False
    return present.explanation == made.explanation if made.grade is not None else present.note == made.note
