"""People who sign in, and every role they were given."""

import sqlalchemy as sa
from alembic import op

from data.migrations.guards import append_only, drop_guards

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("login", name="pk_people"),
        sa.UniqueConstraint("name", name="uq_people_name"),
    )
    op.create_table(
        "role_changes",
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["login"], ["people.login"], name="fk_role_changes_login"),
        sa.PrimaryKeyConstraint("sequence", name="pk_role_changes"),
        sqlite_autoincrement=True,
    )
    append_only("role_changes")


def downgrade() -> None:
    drop_guards("role_changes")
    op.drop_table("role_changes")
    op.drop_table("people")
