"""What a learning curve is asked for, what it would be made from, and what stands against starting it.

The claim to be looked at: corrections make the model better, and never silently worse. People's judgments of the
queries to correct train, those of the held-out queries measure; a teacher's never measure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field, field_validator

from data.errors import IncompatibleVersionError, TrainingError, WhyRankError
from data.records import Assessor, AssessorKind, Collection, Judgment, Query, Split, Status, Version
from data.settling import Pair
from engine import agreement
from engine.pipeline import check_version
from engine.ranking import method_named
from engine.ranking.fusion import DEFAULT_WEIGHT
from engine.workbench import Workbench
from training import labels, rows
from training.corrections import ASSUMED, dealt
from training.gate import GateOptions
from training.leaks import Leaks
from training.options import Options
from training.recipes import TrainConfig
from training.splits import heldout_queries, split_of

COUNTS = (0, 25, 100)
MOST_POINTS = 60
TRAIN: Mapping[str, Any] = {"recipe": "correct", "start_from": "champion", "teacher_limit": 0}
"""How every point is trained where nothing else is said: on the corrections, from the champion. A teacher's judgments
would teach beside them."""


class LearnConfig(Options):
    """Everything a learning curve can be told."""

    counts: tuple[int, ...] = Field(
        default=COUNTS,
        description="Numbers of corrections to train with; 0, the champion as it is, is always among them.",
    )
    seeds: tuple[int, ...] = Field(
        default=(0,), description="Each draws another order of corrections and trains with it."
    )
    once_from: int | None = Field(
        default=None, ge=1, description="Numbers of corrections from this on are trained with the first seed only."
    )
    heldout: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Hold out so many labelled queries and correct the others; none: the collection's own split.",
    )
    pool_depth: int = Field(
        default=20, ge=1, le=1000, description="Documents per query that are ranked for people to correct."
    )
    per_visit: int = Field(
        default=5, ge=1, le=1000, description="Corrections to a query before people go on to the next one."
    )
    fusion_weight: float = Field(
        default=DEFAULT_WEIGHT, ge=0, le=1, description="Weight of the first stage in the order, 0 to 1."
    )
    assume_unlabelled_zero: bool = Field(
        default=False,
        description="Candidates without a label count as the lowest grade, in corrections and in kappa; marked so.",
    )
    train: TrainConfig = Field(
        default=TrainConfig(**TRAIN),
        description="How every point is trained; its depth, held-out queries and seed (of their sample) measure.",
    )

    @field_validator("counts")
    @classmethod
    def _sorted_counts(cls, counts: tuple[int, ...]) -> tuple[int, ...]:
        if min(counts, default=0) < 0 or max(counts, default=0) > 1_000_000:
            raise ValueError("Numbers of corrections lie between 0 and 1,000,000.")
        if not any(counts):
            raise ValueError("Name at least one number of corrections above 0.")
        return tuple(sorted({0, *counts}))

    @field_validator("seeds")
    @classmethod
    def _distinct_seeds(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if not seeds or not all(0 <= seed < 2**31 for seed in seeds):
            raise ValueError("Name at least one seed; seeds lie between 0 and 2147483647.")
        return tuple(dict.fromkeys(seeds))

    @field_validator("train")
    @classmethod
    def _of_this_collection(cls, train: TrainConfig) -> TrainConfig:
        if train.general:
            raise ValueError("A curve is drawn for one collection: leave `general` off.")
        return train


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A collection's judgments as they are now, with every query's use settled."""

    queries: Mapping[str, Query]
    """query_id -> query, its split being its use here."""
    judgments: tuple[Judgment, ...]
    """People's and teachers' current ones, oldest first."""
    assessors: Mapping[str, Assessor]
    leaks: Leaks
    heldout: labels.Labels
    evaluated: tuple[Query, ...]
    correctable: frozenset[Pair]
    """Pairs people graded that may train."""
    dropped: Mapping[str, int]
    """Why others may not -> how many."""
    seen: frozenset[Pair]
    """Pairs of which people said anything at all: none of these is ever assumed."""

    @property
    def to_correct(self) -> tuple[str, ...]:
        """Ids of the queries with something to correct, sorted."""
        return tuple(sorted({query_id for query_id, _ in self.correctable}))

    @property
    def heldout_sha256(self) -> str:
        """Of the evaluated queries and their labels."""
        return labels.heldout_sha256(self.heldout.qrels, [query.query_id for query in self.evaluated])


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a curve would be made from."""

    corrections: int
    """Pairs people graded that could train; those outside the documents ranked for them are not asked for."""
    queries: int
    """Queries they belong to."""
    heldout_queries: int
    labels: str
    """Whose labels measure."""
    champion: str
    problem: WhyRankError | None
    """Why it can't start; None: it can."""
    warnings: tuple[str, ...]


def material(workbench: Workbench, collection: Collection, config: LearnConfig) -> Material:
    """Look at the judgments as they are now; raises TrainingError where so many queries can't be held out."""
    store, relevant_from = workbench.store, collection.scale.relevant_from
    judgments = store.judgments.current(collection.collection_id, kinds=[AssessorKind.HUMAN, AssessorKind.TEACHER])
    assessors = store.assessors.by_id()
    people = [j for j in judgments if assessors[j.assessor_id].kind is AssessorKind.HUMAN]
    queries = dealt(
        store.collections.queries(collection.collection_id),
        agreement.qrels(j for j in people if j.status is Status.JUDGED),
        heldout=config.heldout,
        relevant_from=relevant_from,
    )
    held = labels.labels(queries, judgments, assessors)
    leaks = Leaks(queries, held.qrels, {judgment.query_id for judgment in judgments})
    form = method_named(config.train.method).form
    chosen = rows.choose(judgments, assessors, leaks, scale=collection.scale, form=form, teacher_limit=0)
    evaluated = heldout_queries(
        queries, held.qrels, relevant_from=relevant_from, limit=config.train.heldout_queries, seed=config.train.seed
    )
    return Material(
        queries={query.query_id: query for query in queries},
        judgments=tuple(judgments),
        assessors={**assessors, ASSUMED: Assessor(assessor_id=ASSUMED, name=ASSUMED, kind=AssessorKind.HUMAN)},
        leaks=leaks,
        heldout=held,
        evaluated=tuple(evaluated),
        correctable=frozenset((row.query_id, row.doc_id) for row in chosen.rows),
        dropped=chosen.dropped,
        seen=frozenset((j.query_id, j.doc_id) for j in people),
    )


def preview(workbench: Workbench, collection: Collection, config: LearnConfig) -> Preview:
    """What the curve would be made from, and why not."""
    champion = workbench.champion(collection)
    try:
        found = material(workbench, collection, config)
    except TrainingError as error:
        return Preview(
            corrections=0,
            queries=0,
            heldout_queries=0,
            labels="nobody's labels",
            champion=champion.name,
            problem=error,
            warnings=(),
        )
    return Preview(
        corrections=len(found.correctable),
        queries=len(found.to_correct),
        heldout_queries=len(found.evaluated),
        labels=found.heldout.words,
        champion=champion.name,
        problem=problem(workbench, collection, config, champion, found),
        warnings=warnings(workbench, collection, config, champion, found),
    )


def problem(
    workbench: Workbench, collection: Collection, config: LearnConfig, champion: Version, found: Material
) -> WhyRankError | None:
    """Why the curve can't be made; None: it can."""
    if not found.correctable:
        left_out = "; ".join(f"{count} left out: {reason}" for reason, count in found.dropped.items())
        return TrainingError(
            f"There is no human judgment to learn from{f' ({left_out})' if left_out else ''}.",
            mend="Judge documents of training queries on the Judge page, import labels (`whyrank judgments import`), "
            "or hold out some labelled queries and correct the others.",
        )
    if not found.evaluated:
        return TrainingError(
            "There is nothing to measure with: people judged no document of a held-out query relevant.",
            mend="Judge documents of held-out queries, import labels, or hold out some of the labelled queries.",
        )
    if collection.index_path is None:
        return TrainingError(
            f"The collection {collection.name} has no index.",
            mend=f"Build it: whyrank collection rebuild {collection.name}",
        )
    try:
        check_version(champion, collection, config.train.method)
    except IncompatibleVersionError as error:
        return error
    trained = _trained(workbench, collection, champion)
    known = [query for query in found.evaluated if query.query_id in trained]
    if known:
        return TrainingError(
            f"{len(known)} of the queries to be held out are training queries of this collection, and the champion "
            f"{champion.name} was trained on it: it would be measured on what it learnt.",
            mend="Hold out fewer queries, or none beyond the collection's own held-out ones.",
        )
    return None


def warnings(
    workbench: Workbench, collection: Collection, config: LearnConfig, champion: Version, found: Material
) -> tuple[str, ...]:
    """What a reader of the curve must know."""
    minimum = GateOptions().minimum_queries
    said = []
    if len(found.evaluated) < minimum:
        said.append(
            f"Only {len(found.evaluated)} held-out queries measure; below {minimum} nothing can be said beyond chance."
        )
    if _learnt_here(workbench, collection, champion):
        said.append(
            f"The champion {champion.name} was trained on this collection's judgments: corrections it learnt from are "
            "among those it is given again, so the curve shows less than the first ones brought."
        )
    if config.assume_unlabelled_zero:
        said.append("Candidates without a label are assumed to have the lowest grade; nobody judged them.")
    if config.train.teacher_limit:
        said.append("A teacher's judgments are trained beside the corrections: the curve is not theirs alone.")
    if found.heldout.conflicts:
        said.append(f"People disagree on {found.heldout.conflicts} pairs of held-out queries; these don't measure.")
    return tuple(said)


def _trained(workbench: Workbench, collection: Collection, champion: Version) -> set[str]:
    """Ids of the queries the champion may have been trained on."""
    if not _learnt_here(workbench, collection, champion):
        return set()
    queries = workbench.store.collections.queries(collection.collection_id)
    return {query.query_id for query in queries if split_of(query) is Split.TRAIN}


def _learnt_here(workbench: Workbench, collection: Collection, version: Version) -> bool:
    """Was the version, or one it was made from, trained on this collection's judgments?"""
    known = {other.version_id: other for other in workbench.store.versions.list()}
    walked: Version | None = version
    while walked is not None:
        if walked.adapter_path is not None and walked.collection_id == collection.collection_id:
            return True
        walked = known.get(walked.parent_id or "")
    return False
