"""Leases on pairs, pools, judgments that settle others, scales with versions, documents a query excludes."""

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCALES = """
UPDATE guidelines SET changed_by = '',
  scale = (SELECT scale FROM collections WHERE collections.collection_id = guidelines.collection_id)
"""


def _anew() -> Literal["always", "never"]:
    """SQLite can't add a column that may not be NULL; PostgreSQL alters the table as it is."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"


def upgrade() -> None:
    _add_scales()
    # Never by batch mode: a table made anew would lose the triggers that keep its events as they are.
    op.add_column("judgments", sa.Column("settles", sa.JSON(), nullable=True))
    op.add_column("queries", sa.Column("excluded_ids", sa.JSON(), nullable=True))
    _create_leases()
    _create_pools()


def downgrade() -> None:
    op.drop_table("pools")
    op.drop_table("leases")
    op.drop_column("queries", "excluded_ids")
    op.drop_column("judgments", "settles")
    with op.batch_alter_table("guidelines", recreate=_anew()) as batch:
        batch.drop_column("changed_by")
        batch.drop_column("scale")


def _add_scales() -> None:
    with op.batch_alter_table("guidelines", recreate=_anew()) as batch:
        batch.add_column(sa.Column("scale", sa.JSON(), nullable=True))
        batch.add_column(sa.Column("changed_by", sa.Text(), nullable=True))
    op.execute(SCALES)
    with op.batch_alter_table("guidelines", recreate=_anew()) as batch:
        batch.alter_column("scale", nullable=False, existing_type=sa.JSON())
        batch.alter_column("changed_by", nullable=False, existing_type=sa.Text())


def _create_leases() -> None:
    op.create_table(
        "leases",
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("query_id", sa.String(), nullable=False),
        sa.Column("doc_id", sa.String(), nullable=False),
        sa.Column("assessor_id", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id", "doc_id"],
            ["documents.collection_id", "documents.doc_id"],
            name="fk_leases_collection_id_doc_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["collection_id", "query_id"],
            ["queries.collection_id", "queries.query_id"],
            name="fk_leases_collection_id_query_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name="fk_leases_collection_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("collection_id", "query_id", "doc_id", "assessor_id", name="pk_leases"),
    )
    op.create_index("ix_leases_assessor_id", "leases", ["assessor_id"])


def _create_pools() -> None:
    op.create_table(
        "pools",
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("pool_id", sa.String(), nullable=False),
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("systems", sa.JSON(), nullable=True),
        sa.Column("pairs", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.collection_id"], name="fk_pools_collection_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sequence", name="pk_pools"),
        sa.UniqueConstraint("collection_id", "name", name="uq_pools_collection_id_name"),
        sa.UniqueConstraint("pool_id", name="uq_pools_pool_id"),
        sqlite_autoincrement=True,
    )
