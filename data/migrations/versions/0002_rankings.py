"""Rankings, curves of jobs, promotions and evaluations."""

import sqlalchemy as sa
from alembic import op

from data.migrations.guards import append_only, drop_guards

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_rankings()
    _create_job_metrics()
    _create_aliases()
    _create_alias_events()
    _create_evaluations()
    append_only("alias_events", goes_with_collection=True)


def downgrade() -> None:
    drop_guards("alias_events")
    for table in ("evaluations", "alias_events", "aliases", "job_metrics", "rankings"):
        op.drop_table(table)


def _create_rankings() -> None:
    op.create_table(
        "rankings",
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("ranking_id", sa.String(), nullable=False),
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("query_id", sa.String(), nullable=False),
        sa.Column("query_text", sa.Text(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("base_model", sa.Text(), nullable=False),
        sa.Column("prompt_sha256", sa.String(), nullable=False),
        sa.Column("scale_name", sa.String(), nullable=False),
        sa.Column("retriever", sa.Text(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("fusion_weight", sa.Float(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.JSON(), nullable=False),
        sa.Column("documents", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id", "query_id"],
            ["queries.collection_id", "queries.query_id"],
            name="fk_rankings_collection_id_query_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name="fk_rankings_collection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["version_id"], ["versions.version_id"], name="fk_rankings_version_id"),
        sa.PrimaryKeyConstraint("sequence", name="pk_rankings"),
        sa.UniqueConstraint("ranking_id", name="uq_rankings_ranking_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_rankings_query", "rankings", ["collection_id", "query_id", "sequence"])
    op.create_index("ix_rankings_recent", "rankings", ["collection_id", "sequence"])


def _create_job_metrics() -> None:
    op.create_table(
        "job_metrics",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name="fk_job_metrics_job_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "name", "step", name="pk_job_metrics"),
    )


def _create_aliases() -> None:
    op.create_table(
        "aliases",
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name="fk_aliases_collection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["version_id"], ["versions.version_id"], name="fk_aliases_version_id"),
        sa.PrimaryKeyConstraint("collection_id", "alias", name="pk_aliases"),
    )


def _create_alias_events() -> None:
    op.create_table(
        "alias_events",
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("previous_version_id", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name="fk_alias_events_collection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["previous_version_id"], ["versions.version_id"], name="fk_alias_events_previous_version_id"
        ),
        sa.ForeignKeyConstraint(["version_id"], ["versions.version_id"], name="fk_alias_events_version_id"),
        sa.PrimaryKeyConstraint("sequence", name="pk_alias_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alias_events_collection_id", "alias_events", ["collection_id"])


def _create_evaluations() -> None:
    op.create_table(
        "evaluations",
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("evaluation_id", sa.String(), nullable=False),
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("heldout_sha256", sa.String(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name="fk_evaluations_collection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name="fk_evaluations_job_id"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.version_id"], name="fk_evaluations_version_id"),
        sa.PrimaryKeyConstraint("sequence", name="pk_evaluations"),
        sa.UniqueConstraint("evaluation_id", name="uq_evaluations_evaluation_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_evaluations_collection_id", "evaluations", ["collection_id"])
    op.create_index("ix_evaluations_heldout_sha256", "evaluations", ["heldout_sha256"])
