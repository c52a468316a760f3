"""The nouns of WhyRank, frozen. Ids are strings, `rank` starts at 1, times are UTC and aware.

A judgment is a judgment: people, teacher LLMs and student model versions are all assessors, and what any of them
says of a (query, document) pair is one `Judgment` event. Nothing is ever changed in place: a correction, an undo
or a withdrawal is a new event, and the current view is the newest event of an assessor on a pair.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from data.scales import Scale


def new_id() -> str:
    """A fresh random id (UUID4, 32 hex digits)."""
    return uuid.uuid4().hex


def utc_now() -> datetime:
    """The present moment, in UTC and aware."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text that can be ranked."""

    doc_id: str
    text: str
    title: str = ""

    @property
    def full_text(self) -> str:
        """Title and text as they are indexed."""
        return f"{self.title}\n{self.text}" if self.title else self.text


class Split(StrEnum):
    """What a query may be used for; decided before anything else and never changed by a job."""

    TRAIN = "train"
    DEVELOPMENT = "development"
    HELDOUT = "heldout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """An information need. `split` is set where the imported collection says it; else the id's hash decides."""

    query_id: str
    text: str
    split: Split | None = None
    excluded_ids: tuple[str, ...] = ()
    """Documents that don't count for it, wherever they are ranked (BRIGHT's `excluded_ids`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Documents, queries and the rules they are judged by. `scale` and `guidelines` belong to it."""

    collection_id: str
    name: str
    scale: Scale
    guidelines: str
    guideline_version: int
    documents: int
    queries: int
    source: str
    created_at: datetime
    index_path: str | None = None
    """Folder of the index in use, relative to WHYRANK_HOME; None: not built yet."""
    index_backend: str | None = None
    """`lucene` or `bm25s`."""
    index_note: str | None = None
    """Why the fallback was taken, to be shown; None where nothing is to be said."""


class AssessorKind(StrEnum):
    """Who an assessor is."""

    HUMAN = "human"
    TEACHER = "teacher"
    STUDENT = "student"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessor:
    """A person, a teacher LLM or a student model version. `authored`: written for the sample collection, so
    neither a measured person nor a named model."""

    assessor_id: str
    name: str
    kind: AssessorKind
    authored: bool = False
    version_id: str | None = None
    """The model version, for students."""


class Status(StrEnum):
    """What a judgment event says of its pair."""

    JUDGED = "judged"
    CANT_JUDGE = "cant-judge"
    SKIPPED = "skipped"
    LATER = "later"
    UNREADABLE = "unreadable"
    """A model answered, and the answer could not be read; never a grade."""
    WITHDRAWN = "withdrawn"
    """Undone with nothing before it: the pair counts as not judged by this assessor."""


DECIDED = (Status.JUDGED, Status.CANT_JUDGE)
"""The answers that settle what one assessor thinks of a pair; the others leave it open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A quote; `start_char` and `end_char` are offsets into the document's text, None where not found there."""

    quote: str
    start_char: int | None = None
    end_char: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """One event: an assessor says something of a (query, document) pair."""

    event_id: str
    """Made by the client: sending the same event twice stores it once."""
    collection_id: str
    query_id: str
    doc_id: str
    assessor_id: str
    status: Status = Status.JUDGED
    grade: int | None = None
    explanation: str | None = None
    """None where the assessor wrote none: an explanation that nobody touched is not the person's."""
    evidence: tuple[Evidence, ...] = ()
    edited_from: str | None = None
    """Event whose explanation this one started from (a student's or teacher's)."""
    model_visible: bool = False
    """Was a model's grade or explanation on the screen when this was decided?"""
    seconds_spent: float | None = None
    guideline_version: int | None = None
    ranking_id: str | None = None
    """The ranking a student's judgment was made in."""
    settles: tuple[str, ...] = ()
    """Events of people who disagreed: this one was decided in view of them, and stands in their place."""
    note: str | None = None
    created_at: datetime = field(default_factory=utc_now)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedDocument:
    """A document's place in a ranking, with all that led to it."""

    doc_id: str
    rank: int
    score: float
    """What the order follows: the fused score; only comparable inside one ranking."""
    raw_score: float | None
    """The method's own score (expected grade for the pointwise methods); None where the answer was unreadable."""
    first_stage_rank: int
    first_stage_score: float
    grade: int | None = None
    """The most probable grade."""
    probabilities: Mapping[int, float] | None = None
    """Grade -> probability, summing to 1."""
    explanation: str | None = None
    evidence: tuple[Evidence, ...] = ()
    unreadable: str | None = None
    """Why the model's answer could not be read."""
    answer_text: str | None = None
    """The model's raw text, kept where it was unreadable."""
    cut: bool = False
    """Did the model see only the beginning of the document?"""
    prompt_tokens: int | None = None
    """Tokens the model was given about it; None: not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """One query's documents in order, with everything that made the order."""

    ranking_id: str
    collection_id: str
    query_id: str
    query_text: str
    method: str
    version_id: str
    base_model: str
    prompt_sha256: str
    scale_name: str
    retriever: str
    depth: int
    fusion_weight: float
    parameters: Mapping[str, Any]
    seconds: Mapping[str, float]
    """Stage -> seconds: retrieve, rank."""
    documents: tuple[RankedDocument, ...]
    created_at: datetime = field(default_factory=utc_now)


BASE_VERSION_ID = "base"
"""The version that is the base model itself, without an adapter. Every store has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A base model with an adapter (the base itself: without), refused with another base, prompt or scale."""

    version_id: str
    name: str
    base_model: str
    """The base model's name or folder."""
    base_sha256: str | None = None
    adapter_path: str | None = None
    """PEFT folder, relative to WHYRANK_HOME."""
    prompt_sha256: str | None = None
    """Of the whole prompt; for a version without a scale, of what no collection changes of it."""
    scale_name: str | None = None
    """None: for collections of any scale."""
    form: str | None = None
    """The answer form it was trained for (a method's name)."""
    collection_id: str | None = None
    parent_id: str | None = None
    job_id: str | None = None
    created_at: datetime = field(default_factory=utc_now)


class Alias(StrEnum):
    """Which version does what for a collection."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasEvent:
    """One move of an alias, never rewritten: promotions, roll-backs and overrides with their reasons."""

    collection_id: str
    alias: Alias
    version_id: str
    previous_version_id: str | None
    reason: str
    actor: str
    created_at: datetime = field(default_factory=utc_now)


class JobState(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Is nothing more to come?"""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Long work as a row: the app writes it, a worker's process runs it, and the row is the truth."""

    job_id: str
    kind: str
    collection_id: str | None
    config: Mapping[str, Any]
    state: JobState = JobState.QUEUED
    stage: str = ""
    """What is being done now, for people: "training", "evaluating"."""
    progress: float = 0.0
    """0 to 1 over all stages."""
    pid: int | None = None
    attempts: int = 0
    """How often a process started on it; more than 1: it was resumed."""
    cancel_requested: bool = False
    result: Mapping[str, Any] | None = None
    error: str | None = None
    mend: str | None = None
    created_by: str = ""
    created_at: datetime = field(default_factory=utc_now)
    started_at: datetime | None = None
    heartbeat_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMetric:
    """One point of a job's curve."""

    step: int
    name: str
    value: float
    created_at: datetime = field(default_factory=utc_now)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """A stored evaluation. `report` is the JSON of `engine.evaluation.Report`."""

    evaluation_id: str
    collection_id: str
    version_id: str
    method: str
    heldout_sha256: str
    """Hash of the evaluated query ids and their labels: counts how often a set was looked at."""
    report: Mapping[str, Any]
    job_id: str | None = None
    created_at: datetime = field(default_factory=utc_now)
