"""The tables as they are now. `data/migrations` makes them; a test holds the two to each other.

Judgment events, alias moves, roles given and the audit log are append-only: triggers (in the migrations) refuse updates
and lone deletes."""

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from data.accounts import audit, people, role_changes
from data.columns import (
    EvidenceList,
    Figure,
    Names,
    Pairs,
    RankedList,
    ScaleValue,
    collection_column,
    document_key,
    mapping_column,
    metadata,
    query_key,
    sequence_column,
    text_column,
    time_column,
    word_column,
)
from data.records import Alias, AssessorKind, JobState, Split, Status

__all__ = [
    "REVISION",
    "alias_events",
    "aliases",
    "assessors",
    "audit",
    "collections",
    "documents",
    "evaluations",
    "guidelines",
    "job_metrics",
    "jobs",
    "judgments",
    "leases",
    "metadata",
    "people",
    "pools",
    "queries",
    "rankings",
    "role_changes",
    "versions",
]

REVISION = "0005"
"""The newest migration: a database of another revision is migrated, or refused where it is newer."""

collections = Table(
    "collections",
    metadata,
    Column("collection_id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("scale", ScaleValue, nullable=False),
    Column("guideline_version", Integer, nullable=False),
    # Documents never change after the import: counting a million of them at every click would be waste.
    Column("document_count", Integer, nullable=False),
    text_column("source"),
    time_column("created_at"),
    text_column("index_path", nullable=True),
    text_column("index_backend", nullable=True),
    text_column("index_note", nullable=True),
)

guidelines = Table(
    "guidelines",
    metadata,
    collection_column(),
    Column("version", Integer, nullable=False),
    text_column("text"),
    Column("scale", ScaleValue, nullable=False),
    text_column("changed_by"),
    time_column("created_at"),
    sa.PrimaryKeyConstraint("collection_id", "version"),
)

documents = Table(
    "documents",
    metadata,
    collection_column(),
    Column("doc_id", String, nullable=False),
    text_column("title"),
    text_column("text"),
    sa.PrimaryKeyConstraint("collection_id", "doc_id"),
)

queries = Table(
    "queries",
    metadata,
    collection_column(),
    Column("query_id", String, nullable=False),
    text_column("text"),
    Column("text_sha256", String, nullable=False),
    word_column("split", Split, nullable=True),
    Column("excluded_ids", Names),
    sa.PrimaryKeyConstraint("collection_id", "query_id"),
    Index("ix_queries_text_sha256", "collection_id", "text_sha256"),
)

assessors = Table(
    "assessors",
    metadata,
    Column("assessor_id", String, primary_key=True),
    Column("name", String, nullable=False),
    word_column("kind", AssessorKind),
    Column("authored", sa.Boolean, nullable=False),
    Column("version_id", String, ForeignKey("versions.version_id", ondelete="CASCADE")),
    Index(
        "uq_assessors_name",
        "name",
        "kind",
        unique=True,
        sqlite_where=sa.text("version_id IS NULL"),
        postgresql_where=sa.text("version_id IS NULL"),
    ),
    Index("uq_assessors_version_id", "version_id", unique=True),
    sa.CheckConstraint("(kind = 'student') = (version_id IS NOT NULL)", name="student_has_version"),
)

judgments = Table(
    "judgments",
    metadata,
    sequence_column(),
    Column("event_id", String, nullable=False, unique=True),
    collection_column(),
    Column("query_id", String, nullable=False),
    Column("doc_id", String, nullable=False),
    Column("assessor_id", String, ForeignKey("assessors.assessor_id"), nullable=False),
    word_column("status", Status),
    Column("grade", Integer),
    text_column("explanation", nullable=True),
    Column("evidence", EvidenceList, nullable=False),
    # Provenance, without a foreign key: an imported event may name an event or a ranking of another store.
    Column("edited_from", String),
    Column("model_visible", sa.Boolean, nullable=False),
    Column("seconds_spent", sa.Float),
    Column("guideline_version", Integer),
    Column("ranking_id", String),
    text_column("note", nullable=True),
    time_column("created_at"),
    # The event that an undo took back.
    Column("undoes", String),
    # Without foreign keys, as `edited_from`.
    Column("settles", Names),
    query_key(),
    document_key(),
    sa.CheckConstraint("(status = 'judged') = (grade IS NOT NULL)", name="judged_has_grade"),
    # The newest event of every (assessor, pair) is read from this index alone.
    Index("ix_judgments_newest", "collection_id", "query_id", "doc_id", "assessor_id", "sequence"),
    Index("ix_judgments_document", "collection_id", "doc_id"),
    Index("ix_judgments_assessor", "assessor_id", "collection_id", "sequence"),
    Index("uq_judgments_undoes", "undoes", unique=True),
    sqlite_autoincrement=True,
)

leases = Table(
    "leases",
    metadata,
    collection_column(),
    Column("query_id", String, nullable=False),
    Column("doc_id", String, nullable=False),
    Column("assessor_id", String, nullable=False),
    time_column("until"),
    sa.PrimaryKeyConstraint("collection_id", "query_id", "doc_id", "assessor_id"),
    query_key(),
    document_key(),
    Index("ix_leases_assessor_id", "assessor_id"),
)

pools = Table(
    "pools",
    metadata,
    sequence_column(),
    Column("pool_id", String, nullable=False, unique=True),
    collection_column(),
    Column("name", String, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("systems", Names),
    Column("pairs", Pairs, nullable=False),
    text_column("created_by"),
    time_column("created_at"),
    sa.UniqueConstraint("collection_id", "name"),
    sqlite_autoincrement=True,
)

rankings = Table(
    "rankings",
    metadata,
    sequence_column(),
    Column("ranking_id", String, nullable=False, unique=True),
    collection_column(),
    Column("query_id", String, nullable=False),
    text_column("query_text"),
    Column("method", String, nullable=False),
    Column("version_id", String, ForeignKey("versions.version_id"), nullable=False),
    text_column("base_model"),
    Column("prompt_sha256", String, nullable=False),
    Column("scale_name", String, nullable=False),
    text_column("retriever"),
    Column("depth", Integer, nullable=False),
    Column("fusion_weight", sa.Float, nullable=False),
    mapping_column("parameters"),
    mapping_column("seconds"),
    # One value: a ranking is only ever written and read whole.
    Column("documents", RankedList, nullable=False),
    time_column("created_at"),
    query_key(),
    Index("ix_rankings_query", "collection_id", "query_id", "sequence"),
    Index("ix_rankings_recent", "collection_id", "sequence"),
    sqlite_autoincrement=True,
)

jobs = Table(
    "jobs",
    metadata,
    sequence_column(),
    Column("job_id", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    collection_column(nullable=True),
    mapping_column("config"),
    word_column("state", JobState),
    text_column("stage"),
    Column("progress", sa.Float, nullable=False),
    Column("pid", Integer),
    Column("attempts", Integer, nullable=False),
    Column("cancel_requested", sa.Boolean, nullable=False),
    mapping_column("result", nullable=True),
    text_column("error", nullable=True),
    text_column("mend", nullable=True),
    text_column("created_by"),
    time_column("created_at"),
    time_column("started_at", nullable=True),
    time_column("heartbeat_at", nullable=True),
    time_column("finished_at", nullable=True),
    Index("ix_jobs_collection_id", "collection_id"),
    sqlite_autoincrement=True,
)

job_metrics = Table(
    "job_metrics",
    metadata,
    Column("job_id", String, ForeignKey("jobs.job_id", ondelete="CASCADE"), nullable=False),
    Column("name", String, nullable=False),
    Column("step", Integer, nullable=False),
    Column("value", Figure),
    time_column("created_at"),
    sa.PrimaryKeyConstraint("job_id", "name", "step"),
)

versions = Table(
    "versions",
    metadata,
    sequence_column(),
    Column("version_id", String, nullable=False, unique=True),
    Column("name", String, nullable=False, unique=True),
    text_column("base_model"),
    Column("base_sha256", String),
    text_column("adapter_path", nullable=True),
    Column("prompt_sha256", String),
    Column("scale_name", String),
    Column("form", String),
    collection_column(nullable=True),
    Column("parent_id", String, ForeignKey("versions.version_id")),
    Column("job_id", String, ForeignKey("jobs.job_id")),
    time_column("created_at"),
    Index("ix_versions_collection_id", "collection_id"),
    sqlite_autoincrement=True,
)

aliases = Table(
    "aliases",
    metadata,
    collection_column(),
    word_column("alias", Alias),
    Column("version_id", String, ForeignKey("versions.version_id"), nullable=False),
    sa.PrimaryKeyConstraint("collection_id", "alias"),
)

alias_events = Table(
    "alias_events",
    metadata,
    sequence_column(),
    collection_column(),
    word_column("alias", Alias),
    Column("version_id", String, ForeignKey("versions.version_id"), nullable=False),
    Column("previous_version_id", String, ForeignKey("versions.version_id")),
    text_column("reason"),
    text_column("actor"),
    time_column("created_at"),
    Index("ix_alias_events_collection_id", "collection_id"),
    sqlite_autoincrement=True,
)

evaluations = Table(
    "evaluations",
    metadata,
    sequence_column(),
    Column("evaluation_id", String, nullable=False, unique=True),
    collection_column(),
    Column("version_id", String, ForeignKey("versions.version_id"), nullable=False),
    Column("method", String, nullable=False),
    Column("heldout_sha256", String, nullable=False),
    mapping_column("report"),
    Column("job_id", String, ForeignKey("jobs.job_id")),
    time_column("created_at"),
    Index("ix_evaluations_collection_id", "collection_id"),
    Index("ix_evaluations_heldout_sha256", "heldout_sha256"),
    sqlite_autoincrement=True,
)
