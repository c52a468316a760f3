"""Collections, jobs and versions, and what assessors say: append-only judgment events."""

import sqlalchemy as sa
from alembic import op

from data.migrations.guards import append_only, drop_guards

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The base model itself is a version of every store; which model it is, the store learns when one is chosen.
BASE_VERSION = """
INSERT INTO versions (version_id, name, base_model, created_at)
VALUES ('base', 'base', '', {now})
"""
NOW = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now')",
    "postgresql": "CURRENT_TIMESTAMP AT TIME ZONE 'UTC'",
}


def upgrade() -> None:
    _create_collections()
    _create_guidelines()
    _create_documents()
    _create_queries()
    _create_jobs()
    _create_versions()
    _create_assessors()
    _create_judgments()
    append_only("judgments", goes_with_collection=True)
    op.execute(BASE_VERSION.format(now=NOW[op.get_bind().dialect.name]))


def downgrade() -> None:
    drop_guards("judgments")
    for table in ("judgments", "assessors", "versions", "jobs", "queries", "documents", "guidelines", "collections"):
        op.drop_table(table)


def _create_collections() -> None:
    op.create_table(
        "collections",
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("scale", sa.JSON(), nullable=False),
        sa.Column("guideline_version", sa.Integer(), nullable=False),
        sa.Column("document_count", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("index_path", sa.Text(), nullable=True),
        sa.Column("index_backend", sa.Text(), nullable=True),
        sa.Column("index_note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("collection_id", name="pk_collections"),
        sa.UniqueConstraint("name", name="uq_collections_name"),
    )


def _create_guidelines() -> None:
    op.create_table(
        "guidelines",
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name="fk_guidelines_collection_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("collection_id", "version", name="pk_guidelines"),
    )


def _create_documents() -> None:
    op.create_table(
        "documents",
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("doc_id", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name="fk_documents_collection_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("collection_id", "doc_id", name="pk_documents"),
    )


def _create_queries() -> None:
    op.create_table(
        "queries",
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("query_id", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_sha256", sa.String(), nullable=False),
        sa.Column("split", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name="fk_queries_collection_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("collection_id", "query_id", name="pk_queries"),
    )
    op.create_index("ix_queries_text_sha256", "queries", ["collection_id", "text_sha256"])


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("collection_id", sa.String(), nullable=True),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("mend", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name="fk_jobs_collection_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sequence", name="pk_jobs"),
        sa.UniqueConstraint("job_id", name="uq_jobs_job_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_collection_id", "jobs", ["collection_id"])


def _create_versions() -> None:
    op.create_table(
        "versions",
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("base_model", sa.Text(), nullable=False),
        sa.Column("base_sha256", sa.String(), nullable=True),
        sa.Column("adapter_path", sa.Text(), nullable=True),
        sa.Column("prompt_sha256", sa.String(), nullable=True),
        sa.Column("scale_name", sa.String(), nullable=True),
        sa.Column("form", sa.String(), nullable=True),
        sa.Column("collection_id", sa.String(), nullable=True),
        sa.Column("parent_id", sa.String(), nullable=True),
        sa.Column("job_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name="fk_versions_collection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name="fk_versions_job_id"),
        sa.ForeignKeyConstraint(["parent_id"], ["versions.version_id"], name="fk_versions_parent_id"),
        sa.PrimaryKeyConstraint("sequence", name="pk_versions"),
        sa.UniqueConstraint("name", name="uq_versions_name"),
        sa.UniqueConstraint("version_id", name="uq_versions_version_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_versions_collection_id", "versions", ["collection_id"])


def _create_assessors() -> None:
    op.create_table(
        "assessors",
        sa.Column("assessor_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("authored", sa.Boolean(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=True),
        sa.CheckConstraint("(kind = 'student') = (version_id IS NOT NULL)", name="ck_assessors_student_has_version"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.version_id"], name="fk_assessors_version_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("assessor_id", name="pk_assessors"),
    )
    op.create_index(
        "uq_assessors_name",
        "assessors",
        ["name", "kind"],
        unique=True,
        sqlite_where=sa.text("version_id IS NULL"),
        postgresql_where=sa.text("version_id IS NULL"),
    )
    op.create_index("uq_assessors_version_id", "assessors", ["version_id"], unique=True)


def _create_judgments() -> None:
    op.create_table(
        "judgments",
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("query_id", sa.String(), nullable=False),
        sa.Column("doc_id", sa.String(), nullable=False),
        sa.Column("assessor_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("explanation", sa.Text(), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("edited_from", sa.String(), nullable=True),
        sa.Column("model_visible", sa.Boolean(), nullable=False),
        sa.Column("seconds_spent", sa.Float(), nullable=True),
        sa.Column("guideline_version", sa.Integer(), nullable=True),
        sa.Column("ranking_id", sa.String(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("undoes", sa.String(), nullable=True),
        sa.CheckConstraint("(status = 'judged') = (grade IS NOT NULL)", name="ck_judgments_judged_has_grade"),
        sa.ForeignKeyConstraint(["assessor_id"], ["assessors.assessor_id"], name="fk_judgments_assessor_id"),
        sa.ForeignKeyConstraint(
            ["collection_id", "doc_id"],
            ["documents.collection_id", "documents.doc_id"],
            name="fk_judgments_collection_id_doc_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["collection_id", "query_id"],
            ["queries.collection_id", "queries.query_id"],
            name="fk_judgments_collection_id_query_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name="fk_judgments_collection_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sequence", name="pk_judgments"),
        sa.UniqueConstraint("event_id", name="uq_judgments_event_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_judgments_assessor", "judgments", ["assessor_id", "collection_id", "sequence"])
    op.create_index("ix_judgments_document", "judgments", ["collection_id", "doc_id"])
    op.create_index(
        "ix_judgments_newest", "judgments", ["collection_id", "query_id", "doc_id", "assessor_id", "sequence"]
    )
    op.create_index("uq_judgments_undoes", "judgments", ["undoes"], unique=True)
