"""The job that makes queries: a teacher sums up documents and asks what their readers would, what stands in an
evaluation or asks the same again is dropped, and the teaching job goes on with the rest.
"""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from data import logs
from data.answers import KeptAnswer
from data.errors import LMError
from data.records import Collection, Document, Query, Split
from engine.explanation.prompt import Unreadable
from engine.lm.base import Generate
from engine.lm.openai import OpenAILM
from training import asking, teacher
from training.askers import askers
from training.asking import Asked, Refused
from training.folders import made_path, teach_path, write_json
from training.making import Made, MakeConfig, drawn, evaluation_queries, question, read, sift
from training.questioning import Questioning, spent_before
from training.teacher import Told
from training.teaching import teacher as teacher_of
from training.work import Work

DRAWN, ASKED, STORED = 0.02, 0.3, 0.32
"""Where the job's progress stands when it knows the documents, their queries, and which of these are kept."""
BATCH = 200
"""Documents read at once."""
JUDGED = ("queries", "pairs", "asked", "kept", "graded", "unreadable", "unanswered", "not_asked", "new_judgments")
"""Counts of the teaching that the manifest tells."""
log = logging.getLogger(__name__)


def run(work: Work) -> Told:
    """A `training.jobs.Runner`."""
    config = MakeConfig(**work.job.config)
    return make(work, config, teacher_of(work.workbench.settings, config.teaching))


def make(work: Work, config: MakeConfig, lm: OpenAILM) -> Told:
    """Ask `lm`, which is the teacher of the config; the result is the manifest."""
    making = _Making(work=work, config=config, lm=lm, collection=work.collection)
    work.stage("drawing documents", 0.0, DRAWN)
    making.look_up()
    work.stage(f"asking {config.teaching.model} for queries", DRAWN, ASKED)
    making.questions.ask_all()
    work.stage("dropping and storing queries", ASKED, STORED)
    making.store()
    if config.judge and making.made:
        wanted = config.teaching.model_copy(update={"query_ids": tuple(each.query_id for each in making.made)})
        try:
            teacher.teach(work, wanted, lm, start=STORED)
        finally:
            making.tell()
    return making.tell(whole=True)


@dataclass(slots=True, kw_only=True)
class _Making:
    """A job under way."""

    work: Work
    config: MakeConfig
    lm: OpenAILM
    collection: Collection
    questions: Questioning = field(init=False)
    doc_ids: Sequence[str] = ()
    """The draw."""
    waiting: dict[str, list[str]] = field(default_factory=dict)
    """Question -> its documents: those of one text make one question."""
    asked: dict[str, Asked] = field(default_factory=dict)
    """doc_id -> what can be taken."""
    refused: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    made: tuple[Made, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.questions = Questioning(
            work=self.work,
            lm=self.lm,
            askers=askers(self.config.teaching, self.work.workbench.settings),
            budget=self.config.teaching.budget,
            make=lambda key: self._question(self.waiting[key][0]),
            on_answer=self._answered,
            on_failure=self._not_answered,
            on_change=self.tell,
            counts=self.counts,
        )
        self.counts["new_queries"] = self._stored_before()

    def look_up(self) -> None:
        """Draw the documents and take what was answered about them before; the rest waits to be asked."""
        stored = self.work.workbench.store.collections
        documents = stored.documents(self.collection.collection_id)
        self.doc_ids = drawn(documents, self.config.documents, self.config.seed)
        self.counts["documents"] = len(self.doc_ids)
        for start in range(0, len(self.doc_ids), BATCH):
            self.questions.check_stop()
            for document in self._documents(self.doc_ids[start : start + BATCH]):
                key = question(document, self.config.teaching).tag
                kept = self.questions.kept(key)
                if kept is None:
                    self.waiting.setdefault(key, []).append(document.doc_id)
                else:
                    self._read(document, kept)
            self.work.progress(start / len(self.doc_ids))
        self.questions.queue.extend(self.waiting)
        self.tell()

    def store(self) -> None:
        """Drop what may not be trained on or asks the same again, and store the rest as training queries."""
        stored = self.work.workbench.store.collections
        collection_id = self.collection.collection_id
        asked = [(doc_id, self.asked[doc_id]) for doc_id in self.doc_ids if doc_id in self.asked]
        evaluation = evaluation_queries(self.work.workbench.store)
        sifted = sift(asked, evaluation=evaluation, present=stored.queries(collection_id))
        self.made, self.dropped = sifted.made, Counter(sifted.dropped)
        self.questions.check_stop()
        queries = [Query(query_id=each.query_id, text=each.text, split=Split.TRAIN) for each in self.made]
        self.counts["new_queries"] += stored.add_queries(collection_id, queries)
        self.tell()

    def tell(self, *, whole: bool = False) -> Told:
        """Write the manifest as it is so far, and return it without the queries one by one."""
        told, spent = self.config.teaching, spent_before(self.work)
        manifest: dict[str, Any] = {
            "collection": self.collection.name,
            "model": self.lm.name,
            "assessor": told.assessor,
            "seed": self.config.seed,
            "prompt_sha256": asking.prompt_sha256(),
            **{name: self.counts[name] for name in ("documents", "asked", "kept", "unreadable", "unanswered")},
            "not_asked": sum(len(self.waiting[key]) for key in self.questions.queue),
            "refused": dict(sorted(self.refused.items())),
            "dropped": dict(sorted(self.dropped.items())),
            "queries": len(self.made),
            "new_queries": self.counts["new_queries"],
            "judged": self._judged(),
            **asdict(spent),
            "tokens": spent.tokens,
            "cost": told.budget.cost(spent.prompt_tokens, spent.completion_tokens),
            "stopped": self.questions.stopped,
            "whole": whole,
        }
        path = made_path(self.work.workbench.settings, self.work.job.job_id)
        write_json(path, {**manifest, "made": [asdict(each) for each in self.made]})
        return manifest

    def _judged(self) -> Told | None:
        """What became of the teaching that goes on from here; None before it began."""
        try:
            path = teach_path(self.work.workbench.settings, self.work.job.job_id)
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return {name: told[name] for name in (*JUDGED, "by_grade", "stopped")}

    def _stored_before(self) -> int:
        """How many queries the job's processes before this one stored."""
        try:
            path = made_path(self.work.workbench.settings, self.work.job.job_id)
            return int(json.loads(path.read_text(encoding="utf-8"))["new_queries"])
        except (OSError, ValueError, TypeError, KeyError):
            return 0

    def _question(self, doc_id: str) -> Generate:
        (document,) = self._documents([doc_id])
        return question(document, self.config.teaching)

    def _answered(self, key: str, kept: KeptAnswer) -> None:
        documents = self._documents(self.waiting[key])
        for document in documents:
            self._read(document, kept)
        self.counts["asked"] += len(documents)

    def _not_answered(self, key: str, error: LMError) -> None:
        doc_ids = self.waiting[key]
        self.counts["unanswered"] += len(doc_ids)
        # Without its words: a server that refuses a request may send it back.
        log.warning("No query of a document.", extra=logs.about(doc_id=doc_ids[0], error=type(error).__name__))

    def _read(self, document: Document, kept: KeptAnswer) -> None:
        found = read(kept.text, finished=kept.finished, document=document)
        if isinstance(found, Unreadable):
            self.counts["unreadable"] += 1
        elif isinstance(found, Refused):
            self.refused[found.reason.value] += 1
        else:
            self.asked[document.doc_id] = found

    def _documents(self, doc_ids: Sequence[str]) -> list[Document]:
        """These documents, in this order."""
        found = self.work.workbench.store.collections.documents_by_id(self.collection.collection_id, doc_ids)
        return [found[doc_id] for doc_id in doc_ids]
