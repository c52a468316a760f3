"""Evaluate a version on held-out queries against BM25 and the champion, and keep the result.

The rankings made here are stored, and used again wherever nothing that made them has changed: the champion's run is
computed once, and an evaluation that was interrupted goes on where it stopped. No explanations are made: the order
of `pointwise-verdict-first` is that of `pointwise-score`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from data.errors import NotFoundError
from data.formats.trec import read_run
from data.records import Collection, EvaluationRecord, Query, Ranking, Version, new_id, utc_now
from engine.evaluation import evaluate
from engine.pipeline import Listener, Pipeline, Plan, prompt_sha256
from engine.ranking.fusion import reordered
from engine.retrieval.base import Hit
from engine.workbench import Workbench
from training import labels, spread
from training.splits import heldout_queries
from training.stopping import ShouldStop, Stopped, never

Run = Mapping[str, Sequence[Hit]]
"""query_id -> first-stage hits, best first"""
OnProgress = Callable[[str, float, float | None], None]
"""What is being done, how much of it is done, and of how much."""

FIRST_STAGE = "first_stage"
"""Parameter of a stored ranking: the index, or the given hits, it started from."""


def read_hits(path: Path) -> dict[str, list[Hit]]:
    """A TREC run file as the first stage of its queries: a `Run`."""
    return {
        query_id: [Hit(doc_id=d.doc_id, rank=rank, score=d.score) for rank, d in enumerate(documents, 1)]
        for query_id, documents in read_run(path).items()
    }


def evaluable(
    workbench: Workbench,
    collection: Collection,
    *,
    limit: int | None = None,
    seed: int = 0,
    run: Run | None = None,
) -> tuple[labels.Labels, list[Query]]:
    """The evaluation's labels, and the held-out queries (of the run) it can use, sorted by id; maybe none."""
    held = labels.heldout(workbench.store, collection)
    queries = workbench.store.collections.queries(collection.collection_id)
    usable = heldout_queries(
        [query for query in queries if run is None or query.query_id in run],
        held.qrels,
        relevant_from=collection.scale.relevant_from,
        limit=limit,
        seed=seed,
    )
    return held, usable


def require(queries: Sequence[Query], collection: Collection) -> None:
    """Raise NotFoundError where there is no query to evaluate."""
    if not queries:
        raise NotFoundError(
            f"No held-out query of {collection.name} (or of the run given) has a document that people judged relevant.",
            mend="Judge documents of held-out queries, or import people's labels (`whyrank judgments import`).",
        )


def evaluate_version(  # noqa: PLR0913 -- the options of `whyrank evaluate`
    workbench: Workbench,
    collection: Collection,
    version: Version,
    *,
    plan: Plan,
    limit: int | None = None,
    seed: int = 0,
    run: Run | None = None,
    with_champion: bool = True,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop = never,
    job_id: str | None = None,
) -> EvaluationRecord:
    """Rank the held-out queries with the version and the champion, compare, and store the evaluation.

    `limit` and `seed` take a sample of the queries; `run` replaces the retriever; without the champion, the version is
    compared with BM25 alone, and the gate refuses it. Raises NotFoundError where no
    held-out query has people's labels, `Stopped` where told to stop.
    """
    held, queries = evaluable(workbench, collection, limit=limit, seed=seed, run=run)
    require(queries, collection)
    champion = workbench.champion(collection)
    alone = version.version_id == champion.version_id or not with_champion
    versions = [version] if alone else [champion, version]
    progress = _Progress(on_progress, should_stop, total=len(versions) * len(queries))
    plan = replace(plan, explain_top=0)
    rankings = {
        other.version_id: _Ranked(workbench, collection, other, plan, run, progress).rankings(queries)
        for other in versions
    }
    report = evaluate(
        rankings[version.version_id],
        rankings[champion.version_id] if len(versions) == 2 else None,
        held.qrels,
        collection.scale,
        labels=held.words,
    )
    record = EvaluationRecord(
        evaluation_id=new_id(),
        collection_id=collection.collection_id,
        version_id=version.version_id,
        method=plan.method,
        heldout_sha256=labels.heldout_sha256(held.qrels, [query.query_id for query in queries]),
        report=report.to_json(),
        job_id=job_id,
    )
    workbench.store.evaluations.add(record)
    return workbench.store.evaluations.get(record.evaluation_id)  # its report as JSON keeps it


def stored_rankings(
    workbench: Workbench,
    collection: Collection,
    version: Version,
    queries: Sequence[Query],
    *,
    plan: Plan,
    workers: int = 1,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop = never,
) -> list[Ranking]:
    """Any queries' rankings by a stored version, in their order: kept ones where nothing has changed, else made (by so
    many `workers`, processes beside this one where there are several) and kept. Raises `Stopped` where told to stop."""
    progress = _Progress(on_progress, should_stop, total=len(queries))
    plan = replace(plan, explain_top=0)
    return _Ranked(workbench, collection, version, plan, None, progress, workers=workers).rankings(queries)


@dataclass(slots=True)
class _Progress:
    """Counts documents, told as parts of queries."""

    on_progress: OnProgress | None
    should_stop: ShouldStop
    total: int
    """Rankings to be made, or taken from the store."""
    done: int = 0
    part: float = 0.0

    def step(self, part: float) -> None:
        """Some of a ranking is done; leaves by `Stopped` where told to."""
        if self.should_stop():
            raise Stopped
        self.part = min(self.part + part, 1.0)
        self._tell()

    def ranking(self) -> None:
        """A ranking is done."""
        self.done, self.part = self.done + 1, 0.0
        self._tell()

    def _tell(self) -> None:
        if self.on_progress is not None:
            self.on_progress("evaluating", min(self.done + self.part, self.total), self.total)


@dataclass(slots=True)
class _Ranked:
    """One version's rankings: stored ones where nothing has changed, else made and stored."""

    workbench: Workbench
    collection: Collection
    version: Version
    plan: Plan
    run: Run | None
    progress: _Progress
    workers: int = 1
    pipeline: Pipeline = field(init=False)

    def rankings(self, queries: Sequence[Query]) -> list[Ranking]:
        """In the order of the queries."""
        self.pipeline = self.workbench.pipeline(self.collection, self.version)
        found = {query.query_id: ranking for query in queries if (ranking := self._stored(query)) is not None}
        for _ in found:
            self.progress.ranking()
        missing = [query for query in queries if query.query_id not in found]
        if missing and self.workers > 1:
            cluster = bool(self.workbench.settings.ray_address)
            for ranking in spread.rankings(
                self.collection, self.version, missing, self.plan, workers=self.workers, cluster=cluster
            ):
                self.progress.step(0.0)
                self._keep(ranking, found)
        elif missing:
            self._rank(missing, found)
        return [found[query.query_id] for query in queries]

    def _rank(self, missing: Sequence[Query], found: dict[str, Ranking]) -> None:
        listener = Listener(
            on_hits=lambda *_: self.progress.step(0.0),
            on_scored=lambda *_: self.progress.step(1 / self.plan.depth),
            on_text=lambda *_: self.progress.step(0.0),
            on_ranking=lambda ranking: self._keep(ranking, found),
        )
        self.pipeline.rank(missing, self.plan, run=self.run, listener=listener)

    def _keep(self, ranking: Ranking, found: dict[str, Ranking]) -> None:
        parameters = {**ranking.parameters, FIRST_STAGE: self._first_stage(ranking.query_id)}
        kept = replace(ranking, parameters=parameters)
        self.workbench.store.rankings.add(kept)
        found[kept.query_id] = kept
        self.progress.ranking()

    def _stored(self, query: Query) -> Ranking | None:
        ranking = self.workbench.store.rankings.latest(
            self.collection.collection_id,
            query_id=query.query_id,
            version_id=self.version.version_id,
            method=self.plan.method,
            depth=self.plan.depth,
            prompt_sha256=prompt_sha256(self.collection, self.plan.method),
        )
        wanted = {
            "document_tokens": self.plan.document_tokens,
            "explanation_tokens": self.plan.explanation_tokens,
            "explain_top": self.plan.explain_top,
            "lm": self.pipeline.lm.name,
            FIRST_STAGE: self._first_stage(query.query_id),
        }
        if ranking is None or ranking.query_text != query.text or ranking.parameters != wanted:
            return None
        return ranking if ranking.fusion_weight == self.plan.fusion_weight else self._refused(ranking)

    def _refused(self, ranking: Ranking) -> Ranking:
        """The same answers in the order this plan's fusion gives them, stored as a ranking of its own."""
        weight = self.plan.fusion_weight
        documents = tuple(reordered(ranking.documents, weight=weight))
        made = replace(ranking, ranking_id=new_id(), fusion_weight=weight, documents=documents, created_at=utc_now())
        self.workbench.store.rankings.add(made)
        return made

    def _first_stage(self, query_id: str) -> str:
        """What the candidates depend on beside the query: the index, or the query's given hits."""
        if self.run is None:
            return str(self.collection.index_path)
        hits = [(hit.doc_id, hit.rank, hit.score) for hit in self.run.get(query_id, ())]
        return f"run {hashlib.sha256(repr(hits).encode()).hexdigest()}"
