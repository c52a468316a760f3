"""One query's way: retrieve, rank, explain, and a `Ranking` record of all that made it.

Pure but for the parts handed in: a retriever, a language model and a look-up of documents.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from data.errors import IncompatibleVersionError, NotFoundError, SettingsError
from data.records import Collection, Document, Query, Ranking, Version, new_id
from data.settings import Settings
from engine.explanation import prompt
from engine.lm.base import LM, Answer, Ask, Chosen
from engine.ranking import DEFAULT_METHOD, METHODS, method_named
from engine.ranking.base import Candidate, Opinion, Task
from engine.ranking.driver import drive
from engine.ranking.fusion import DEFAULT_WEIGHT, order
from engine.ranking.pointwise import expected_grade
from engine.retrieval.base import Hit, Retriever, counting, no_index, searched

GIVEN_RUN = "given run"
"""`Ranking.retriever` of rankings whose first stage was a TREC run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to rank. The defaults are the product's."""

    method: str = DEFAULT_METHOD
    depth: int = 20
    """Documents taken from the first stage."""
    fusion_weight: float = DEFAULT_WEIGHT
    """Weight of the first stage, 0 to 1."""
    explain_top: int = 3
    document_tokens: int = 320
    explanation_tokens: int = 96

    @staticmethod
    def of(settings: Settings) -> "Plan":
        """The plan with the token budgets of the settings."""
        return Plan(document_tokens=settings.document_tokens, explanation_tokens=settings.explanation_tokens)


def _ignore(*_: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Hears of a ranking while it is made; an exception raised by one of these stops it."""

    on_hits: Callable[[Query, Sequence[Hit]], None] = _ignore
    on_scored: Callable[[Query, str, Mapping[int, float], float], None] = _ignore
    """Query, doc_id, probability of each grade, expected grade."""
    on_text: Callable[[Query, str, str], None] = _ignore
    """Query, doc_id, next piece of the explanation."""
    on_ranking: Callable[[Ranking], None] = _ignore


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A collection, ready to be searched and ranked with one model version."""

    collection: Collection
    documents: Callable[[Sequence[str]], Mapping[str, Document]]
    """Looks documents up by id; unknown ids are absent from the answer."""
    retriever: Retriever | None
    """None where every query's first stage is given as a run."""
    lm: LM
    """With the version's adapter in place."""
    version: Version
    open_queries: int = 1
    """Queries whose requests are joined into one batch; 1 in process, more against a server."""

    def rank(
        self,
        queries: Sequence[Query],
        plan: Plan,
        *,
        run: Mapping[str, Sequence[Hit]] | None = None,
        listener: Listener | None = None,
    ) -> list[Ranking]:
        """Rank each query's first `plan.depth` documents; `run` (query_id -> hits) replaces the retriever.

        Raises IncompatibleVersionError where the version was trained for something else.
        """
        check_version(self.version, self.collection, plan.method)
        if not 1 <= plan.depth <= 1000:
            raise SettingsError(f"The depth is {plan.depth}.", mend="Give between 1 and 1000 documents.")
        return _Work(pipeline=self, plan=plan, run=run, listener=listener or Listener()).rankings(queries)


def check_version(version: Version, collection: Collection, method: str) -> None:
    """Refuse a version trained with another prompt, scale or answer form; the base itself fits everything."""
    if version.adapter_path is None:
        return
    form = method_named(method).form
    if version.form is not None and method_named(version.form).form != form:
        fitting = [name for name, other in METHODS.items() if other.form == method_named(version.form).form]
        raise IncompatibleVersionError(
            f"Version {version.name} was trained to answer as {version.form}, not for {method}.",
            mend=f"Rank with {' or '.join(fitting)}, or train a version for {method}.",
        )
    if version.scale_name is not None and version.scale_name != collection.scale.name:
        raise IncompatibleVersionError(
            f"Version {version.name} grades on the scale {version.scale_name}; the collection {collection.name} "
            f"has {collection.scale.name}.",
            mend="Use the base model, or train a version on this collection's judgments.",
        )
    expected = prompt_sha256(collection, method) if version.scale_name else prompt.template_sha256(form)
    if version.prompt_sha256 is not None and version.prompt_sha256 != expected:
        edited = f"the guidelines of {collection.name} were edited since, or " if version.scale_name else ""
        restore = "restore the guidelines, " if version.scale_name else ""
        raise IncompatibleVersionError(
            f"Version {version.name} was trained with another prompt ({edited}WhyRank's prompt changed).",
            mend=f"Train a new version, {restore}or use the base model.",
        )


def prompt_sha256(collection: Collection, method: str) -> str:
    """Hash of the prompt this collection and method make."""
    return prompt.prompt_sha256(collection.scale, collection.guidelines, method_named(method).form)


@dataclass(slots=True, kw_only=True)
class _Work:
    """The state of one `Pipeline.rank` call."""

    pipeline: Pipeline
    plan: Plan
    run: Mapping[str, Sequence[Hit]] | None
    listener: Listener
    retrieve_seconds: dict[str, float] = field(default_factory=dict)
    tasks: list[tuple[Query, Task]] = field(default_factory=list)
    finished: dict[int, Ranking] = field(default_factory=dict)
    clock: float = field(default_factory=time.perf_counter)

    def rankings(self, queries: Sequence[Query]) -> list[Ranking]:
        method = method_named(self.plan.method)
        drive(
            (method.rank(task) for task in self._prepare(queries)),
            self.pipeline.lm,
            open_queries=self.pipeline.open_queries,
            on_answer=self._heard,
            on_piece=lambda i, ask, piece: self.listener.on_text(self.tasks[i][0], ask.tag, piece),
            on_done=self._done,
        )
        return [self.finished[i] for i in range(len(self.tasks))]

    def _prepare(self, queries: Iterable[Query]) -> Iterable[Task]:
        """First stage and candidates of each query, made when the driver is ready for it."""
        for query in queries:
            started = time.perf_counter()
            hits = self._hits(query)
            self.retrieve_seconds[query.query_id] = time.perf_counter() - started
            self.listener.on_hits(query, hits)
            if len(self.finished) == len(self.tasks):
                self.clock = time.perf_counter()  # nothing else is under way: retrieval is not ranking time
            task = Task(
                query=query.text,
                candidates=tuple(self._candidates(hits)),
                scale=self.pipeline.collection.scale,
                guidelines=self.pipeline.collection.guidelines,
                explanation_tokens=self.plan.explanation_tokens,
                explain_top=self.plan.explain_top,
            )
            self.tasks.append((query, task))
            yield task

    def _hits(self, query: Query) -> Sequence[Hit]:
        if self.run is not None:
            return counting(self.run.get(query.query_id, ()), query, self.plan.depth)
        if self.pipeline.retriever is None:
            raise no_index(self.pipeline.collection.name)
        return searched(self.pipeline.retriever, query, self.plan.depth)

    def _candidates(self, hits: Sequence[Hit]) -> Iterable[Candidate]:
        documents = self.pipeline.documents([hit.doc_id for hit in hits])
        for hit in hits:
            document = documents.get(hit.doc_id)
            if document is None:
                raise NotFoundError(
                    f"The first stage names document {hit.doc_id!r}, which is not in {self.pipeline.collection.name}.",
                    mend="Rebuild the collection's index, or give a run made from this collection.",
                )
            clipped = self.pipeline.lm.clip(document.text, self.plan.document_tokens)
            yield Candidate(
                doc_id=hit.doc_id,
                title=document.title,
                text=clipped.text,
                cut=clipped.cut,
                rank=hit.rank,
                score=hit.score,
            )

    def _heard(self, position: int, ask: Ask, answer: Answer) -> None:
        if isinstance(answer, Chosen):
            probabilities = {int(choice): p for choice, p in answer.probabilities.items()}
            self.listener.on_scored(self.tasks[position][0], ask.tag, probabilities, expected_grade(probabilities))

    def _done(self, position: int, opinions: list[Opinion]) -> None:
        """Record a ranking; its `rank` seconds run from the ranking finished before it."""
        now, before = time.perf_counter(), self.clock
        self.clock = now
        query, task = self.tasks[position]
        collection, version = self.pipeline.collection, self.pipeline.version
        ranking = Ranking(
            ranking_id=new_id(),
            collection_id=collection.collection_id,
            query_id=query.query_id,
            query_text=query.text,
            method=self.plan.method,
            version_id=version.version_id,
            base_model=version.base_model,
            prompt_sha256=prompt_sha256(collection, self.plan.method),
            scale_name=collection.scale.name,
            retriever=self.pipeline.retriever.name if self.run is None and self.pipeline.retriever else GIVEN_RUN,
            depth=self.plan.depth,
            fusion_weight=self.plan.fusion_weight,
            parameters={
                "document_tokens": self.plan.document_tokens,
                "explanation_tokens": self.plan.explanation_tokens,
                "explain_top": self.plan.explain_top,
                "lm": self.pipeline.lm.name,
            },
            seconds={"retrieve": self.retrieve_seconds[query.query_id], "rank": now - before},
            documents=tuple(order(task.candidates, opinions, weight=self.plan.fusion_weight)),
        )
        self.finished[position] = ranking
        self.listener.on_ranking(ranking)
