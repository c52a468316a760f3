"""The teaching job: ask a teacher about pairs, keep every answer, and make judgments of what can be read.

An answer is on disk before anything is made of it, and so is what it cost: a job whose process died goes on from there,
and another job with the same questions asks nothing twice.
"""

import json
import logging
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from data.answers import Answers, KeptAnswer
from data.errors import LMError, NotFoundError, RetrievalError
from data.records import Assessor, AssessorKind, Collection, Document, Judgment, Query, Status, new_id
from data.settling import Pair
from engine.explanation.evidence import find_evidence
from engine.explanation.prompt import Unreadable
from engine.lm.base import Generate, Generated
from engine.lm.openai import OpenAILM
from engine.retrieval.base import searched
from training.budget import Ledger, OverBudgetError, Spent
from training.folders import teach_path, write_json
from training.stopping import Stopped
from training.teaching import TeachConfig, chosen_queries, question, read, teacher
from training.work import Work

RETRIEVED, LOOKED_UP = 0.03, 0.06
"""Where the job's progress stands when it knows the pairs, and what of them was answered before."""
IN_A_ROW = 20
"""Requests that fail one after the other; then the next one would too."""
TOLD = 20
"""How often the stage's words change over the whole job."""
Told = Mapping[str, Any]
"""What a job has done and spent so far: the file of `training.folders.teach_path`, and at the end the result."""
log = logging.getLogger(__name__)


def run(work: Work) -> Told:
    """A `training.jobs.Runner`."""
    config = TeachConfig(**work.job.config)
    return teach(work, config, teacher(work.workbench.settings, config))


def teach(work: Work, config: TeachConfig, lm: OpenAILM) -> Told:
    """Ask `lm`, which is the teacher of the config."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line for every request
    collection = work.collection
    assessor = work.workbench.store.assessors.ensure(config.assessor, AssessorKind.TEACHER)
    teaching = _Teaching(work=work, config=config, lm=lm, collection=collection, assessor=assessor)
    work.stage("retrieving", 0.0, RETRIEVED)
    pairs = teaching.retrieve()
    work.stage("looking up kept answers", RETRIEVED, LOOKED_UP)
    teaching.look_up(pairs)
    work.stage(f"asking {config.model}", LOOKED_UP, 1.0)
    teaching.ask_all()
    return teaching.tell(whole=True)


@dataclass(slots=True, kw_only=True)
class _Teaching:
    """A job under way."""

    work: Work
    config: TeachConfig
    lm: OpenAILM
    collection: Collection
    assessor: Assessor
    answers: Answers = field(init=False)
    ledger: Ledger = field(init=False)
    present: dict[Pair, Judgment] = field(init=False)
    """What the assessor says now."""
    waiting: dict[str, list[tuple[Query, str]]] = field(default_factory=dict)
    """Question -> the pairs (query, doc_id) it is about: documents of one text make one question."""
    queue: deque[str] = field(default_factory=deque)
    counts: Counter[str] = field(default_factory=Counter)
    grades: Counter[int] = field(default_factory=Counter)
    stopped: str | None = None
    """Why not everything was asked."""
    failed_in_a_row: int = 0
    last_error: LMError | None = None
    words_told: int = -1

    def __post_init__(self) -> None:
        workbench, job_id = self.work.workbench, self.work.job.job_id
        self.answers = workbench.answers(self.collection)
        self.ledger = Ledger(budget=self.config.budget, spent=_spent(self.work))
        said = workbench.store.judgments.current(
            self.collection.collection_id, assessor_ids=[self.assessor.assessor_id]
        )
        self.present = {(judgment.query_id, judgment.doc_id): judgment for judgment in said}
        log.info("Job %s asks %s; spent before: %s.", job_id, self.lm.name, self.ledger.spent)

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
            raise RetrievalError(
                f"The collection {self.collection.name} has no index.",
                mend=f"Build it: whyrank collection rebuild {self.collection.name}",
            )
        found = []
        for done, query in enumerate(queries):
            self._check_stop()
            found.append((query, [hit.doc_id for hit in searched(retriever, query, self.config.depth)]))
            self.work.progress(done / len(queries))
        return found

    def look_up(self, pairs: Sequence[tuple[Query, Sequence[str]]]) -> None:
        """Take what was answered before; the rest waits to be asked."""
        for done, (query, doc_ids) in enumerate(pairs):
            self._check_stop()
            documents = self._documents(doc_ids)
            judgments = []
            for doc_id in doc_ids:
                ask = question(self.collection, query, documents[doc_id], self.config)
                kept = self.answers.get(ask.tag)
                if kept is None:
                    self.waiting.setdefault(ask.tag, []).append((query, doc_id))
                else:
                    self.counts["asked" if kept.job_id == self.work.job.job_id else "kept"] += 1
                    judgments.append(self._judgment(query, documents[doc_id], kept))
            self._store(judgments)
            self.counts["pairs"] += len(doc_ids)
            self.work.progress(done / len(pairs))
        self.queue.extend(self.waiting)
        self.tell()

    def ask_all(self) -> None:
        """Ask until nothing waits, or the budget has no room for another request."""
        try:
            while self.queue and self.stopped is None:
                # Ends before the queue does where only what is under way keeps the next request from fitting.
                self.lm.each(
                    self._drawn(),
                    on_answer=self._heard,
                    on_request=self.ledger.attempt,
                    should_stop=self.work.should_stop,
                )
                self._check_stop()
        finally:
            self.tell()
        if self.last_error is not None and not self.counts["asked"]:
            raise self.last_error

    def tell(self, *, whole: bool = False) -> Told:
        """Write down what was done and spent, and return it."""
        spent = self.ledger.spent
        told: dict[str, Any] = {
            "assessor": self.assessor.name,
            "model": self.lm.name,
            **{name: self.counts[name] for name in ("queries", "pairs", "asked", "kept", "graded", "unreadable")},
            "unanswered": self.counts["unanswered"],
            "not_asked": sum(len(self.waiting[key]) for key in self.queue),
            "new_judgments": self.counts["new_judgments"],
            "by_grade": {str(grade): count for grade, count in sorted(self.grades.items())},
            **asdict(spent),
            "tokens": spent.tokens,
            "cost": self.ledger.cost,
            "stopped": self.stopped,
            "whole": whole,
        }
        write_json(teach_path(self.work.workbench.settings, self.work.job.job_id), told)
        return told

    def _drawn(self) -> Iterator[Generate]:
        """Questions, as long as the budget has room for them."""
        while self.queue and not self.work.should_stop():
            ask = self._question(self.queue[0])
            refusal = self.ledger.refusal(ask)
            if refusal is not None:
                if self.ledger.idle:
                    self.stopped = refusal
                return
            self.queue.popleft()
            self.ledger.begin(ask)
            yield ask

    def _question(self, key: str) -> Generate:
        query, doc_id = self.waiting[key][0]
        return question(self.collection, query, self._documents([doc_id])[doc_id], self.config)

    def _heard(self, ask: Generate, answer: Generated | LMError) -> None:
        """An answer, or why there is none."""
        if isinstance(answer, LMError):
            self.ledger.end(ask)
            self._not_answered(ask, answer)
        else:
            text = _storable(answer.text)
            self.ledger.end(
                ask, prompt_tokens=answer.prompt_tokens, completion_tokens=answer.completion_tokens, text=text
            )
            self.failed_in_a_row = 0
            self.tell()  # before the answer: killed in between, its cost is known, and it is asked again
            kept = KeptAnswer(
                text=text,
                finished=answer.finished,
                prompt_tokens=answer.prompt_tokens,
                completion_tokens=answer.completion_tokens,
                job_id=self.work.job.job_id,
            )
            self.answers.put(ask.tag, kept)
            pairs = self.waiting[ask.tag]
            documents = self._documents([doc_id for _, doc_id in pairs])
            self._store([self._judgment(query, documents[doc_id], kept) for query, doc_id in pairs])
            self.counts["asked"] += len(pairs)
        self.tell()
        self._say()

    def _not_answered(self, ask: Generate, error: LMError) -> None:
        if isinstance(error, OverBudgetError):
            self.queue.appendleft(ask.tag)
            return
        pairs = self.waiting[ask.tag]
        self.counts["unanswered"] += len(pairs)
        self.failed_in_a_row += 1
        query, doc_id = pairs[0]
        log.warning("No answer about query %s, document %s: %s", query.query_id, doc_id, error.what)
        self.last_error = error
        if self.failed_in_a_row >= IN_A_ROW:
            raise error

    def _say(self) -> None:
        """How far it is, in words that change now and then."""
        keys = len(self.waiting)
        done = (keys - len(self.queue)) / keys
        self.work.progress(done)
        if int(done * TOLD) != self.words_told:
            self.words_told = int(done * TOLD)
            spent, budget = self.ledger.spent, self.config.budget
            money = f", {self.ledger.cost:.4f} spent" if budget.prompt_price or budget.completion_price else ""
            self.work.detail(
                f"{self.counts['asked']:,} answers, {self.counts['unreadable']:,} unreadable, {spent.requests:,} "
                f"requests, {spent.tokens:,} tokens{money}"
            )

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

    def _check_stop(self) -> None:
        if self.work.should_stop():
            raise Stopped


def _spent(work: Work) -> Spent:
    """What the job's processes before this one spent."""
    try:
        told = json.loads(teach_path(work.workbench.settings, work.job.job_id).read_text(encoding="utf-8"))
        return Spent(**{name: int(told[name]) for name in Spent.__dataclass_fields__})
    except (OSError, ValueError, TypeError, KeyError):
        return Spent()


def _storable(text: str) -> str:
    """Without half characters and NULs, which JSON can carry and a database can't."""
    return text.encode("utf-8", errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _same(present: Judgment | None, made: Judgment) -> bool:
    """Does the assessor say this already?"""
    if present is None or (present.status, present.grade) != (made.status, made.grade):
        return False
    return present.explanation == made.explanation if made.grade is not None else present.note == made.note
