import shutil
import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from data.errors import StoreError
from data.records import EvaluationRecord, Version, new_id
from data.schema import REVISION, metadata
from data.store import Store
from data.store.backup import row_counts
from data.store.migrate import MIGRATIONS, migrate, revision_of

EXTRA = '''"""A table made anew by batch mode, and one more."""
import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade():
    with op.batch_alter_table("documents", recreate="always") as batch:
        batch.add_column(sa.Column("language", sa.String(), nullable=True))
    with op.batch_alter_table("collections", recreate="always") as batch:
        batch.alter_column("source", new_column_name="origin")
    {more}


def downgrade():
    with op.batch_alter_table("documents", recreate="always") as batch:
        batch.drop_column("language")
    with op.batch_alter_table("collections", recreate="always") as batch:
        batch.alter_column("origin", new_column_name="source")
'''


@pytest.fixture
def path(tmp_path, fill):
    """A database with rows in its tables, closed."""
    path = tmp_path / "filled.db"
    with Store.open(path) as store:
        filled = fill(store)
        collection_id = filled.collection.collection_id
        store.judgments.add_many([filled.judgment(grade=g) for g in range(4)])
        store.versions.add(Version(version_id="v", name="v", base_model="b", collection_id=collection_id))
        store.rankings.add(filled.ranking(version_id="v"))
        store.evaluations.add(
            EvaluationRecord(
                evaluation_id=new_id(),
                collection_id=collection_id,
                version_id="v",
                method="m",
                heldout_sha256="h",
                report={},
            )
        )
    return path


def counts(path):
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return row_counts(connection)


def folder_with(tmp_path, more="pass"):
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "0005_extra.py").write_text(EXTRA.format(more=more))
    return folder


def test_the_migrations_make_the_schema(tmp_path):
    path = tmp_path / "new.db"
    assert migrate(path) is None
    assert revision_of(path) == REVISION
    with sa.create_engine(f"sqlite:///{path}").connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_down_and_up_with_rows(path):
    before = counts(path)
    kept = migrate(path, "0001")
    assert counts(kept) == before
    middle = counts(path)
    newer = {"rankings", "job_metrics", "aliases", "alias_events", "evaluations", "leases", "pools"}
    newer |= {"people", "role_changes"}
    assert set(before) - set(middle) == newer
    assert middle.items() <= before.items()
    assert middle["judgments"] == 4
    with Store.open(path) as store:
        collection = store.collections.get("small")
        assert [j.grade for j in store.judgments.history(collection.collection_id, "q1", "d1")] == [0, 1, 2, 3]
        assert store.evaluations.list(collection.collection_id) == []
    assert counts(path) == before | dict.fromkeys(set(before) - set(middle), 0)


def test_older_guidelines_get_their_collections_scale(path):
    migrate(path, "0002")
    migrate(path)
    with Store.open(path) as store:
        collection = store.collections.get("small")
        assert [(r.version, r.scale) for r in store.collections.rules(collection.collection_id)] == [
            (1, collection.scale)
        ]


def test_down_to_nothing_and_up_again(path, fill):
    migrate(path, "base")
    assert counts(path) == {}
    with Store.open(path) as store:
        filled = fill(store)
        assert store.judgments.add(filled.judgment())


def test_a_table_made_anew_takes_no_rows_along(path, tmp_path):
    before = counts(path)
    folder = folder_with(tmp_path)
    migrate(path, folder=folder)
    assert counts(path) == before
    migrate(path, "0004", folder=folder)
    assert counts(path) == before
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("UPDATE judgments SET grade = 0")


def test_a_migration_that_would_orphan_rows_changes_nothing(path, tmp_path):
    before = counts(path)
    with pytest.raises(StoreError, match="without what they refer to"):
        migrate(path, folder=folder_with(tmp_path, "op.execute('DELETE FROM queries')"))
    assert revision_of(path) == REVISION
    assert counts(path) == before


def test_a_migration_that_fails_half_way_changes_nothing(path, tmp_path):
    before = counts(path)
    with pytest.raises(StoreError, match="no such table"):
        migrate(path, folder=folder_with(tmp_path, "op.execute('DELETE FROM nowhere')"))
    assert revision_of(path) == REVISION
    assert counts(path) == before


def test_opening_an_older_database_keeps_a_copy_of_it(path):
    migrate(path, "0001").unlink()
    before = counts(path)
    Store.open(path).close()
    (kept,) = path.parent.glob("filled.schema-0001.*.backup.db")
    assert counts(kept) == before
    assert revision_of(kept) == "0001"


def test_a_newer_database_is_refused_with_the_mend(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(StoreError, match=r"9999.*newer WhyRank"):
        Store.open(path)


def test_what_is_no_database_of_ours_is_refused(tmp_path):
    text = tmp_path / "text.db"
    text.write_text("this is not a database at all, but it is long enough to look at" * 20)
    with pytest.raises(StoreError, match="restore"):
        Store.open(text)
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE things (a)")
    with pytest.raises(StoreError, match="another program"):
        Store.open(foreign)


def test_the_connection_is_set_for_durability(store):
    with store._database.read() as connection:
        asked = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
    assert asked == PRAGMAS


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000, "recursive_triggers": 1}
