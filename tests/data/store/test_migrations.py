import shutil

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from data.errors import StoreError
from data.records import EvaluationRecord, Version, new_id
from data.schema import REVISION, metadata
from data.store.migrate import MIGRATIONS, migrate
from data.store.place import place_of

EXTRA = '''"""A table made anew by batch mode, and one more."""
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{down_revision}"


def upgrade():
    with op.batch_alter_table("documents", recreate="{anew}") as batch:
        batch.add_column(sa.Column("language", sa.String(), nullable=True))
    with op.batch_alter_table("collections", recreate="{anew}") as batch:
        batch.alter_column("source", new_column_name="origin")
    {more}


def downgrade():
    with op.batch_alter_table("documents", recreate="{anew}") as batch:
        batch.drop_column("language")
    with op.batch_alter_table("collections", recreate="{anew}") as batch:
        batch.alter_column("origin", new_column_name="source")
'''


@pytest.fixture
def there(base, fill):
    """A database with rows in its tables, closed."""
    with base.open() as store:
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
    return base


def counts(base):
    """Rows by table of a database that was checked."""
    return base.place.row_counts()


def folder_with(tmp_path, base, more="pass"):
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    anew = "always" if base.url is None else "never"
    extra = EXTRA.format(more=more, anew=anew, revision=f"{int(REVISION) + 1:04}", down_revision=REVISION)
    (folder / "versions" / "9999_extra.py").write_text(extra)
    return folder


def test_the_migrations_make_the_schema(new_base):
    base = new_base(bare=True)
    base.path.parent.mkdir()
    assert migrate(base.place) is None
    assert base.place.revision() == REVISION
    with base.past_the_store() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_down_and_up_with_rows(there):
    before = counts(there)
    kept = migrate(there.place, "0001")
    assert place_of(kept).row_counts() == before
    middle = counts(there)
    newer = {"rankings", "job_metrics", "aliases", "alias_events", "evaluations", "leases", "pools"}
    newer |= {"people", "role_changes", "audit"}
    assert set(before) - set(middle) == newer
    assert middle.items() <= before.items()
    assert middle["judgments"] == 4
    with there.open() as store:
        collection = store.collections.get("small")
        assert [j.grade for j in store.judgments.history(collection.collection_id, "q1", "d1")] == [0, 1, 2, 3]
        assert store.evaluations.list(collection.collection_id) == []
    assert counts(there) == before | dict.fromkeys(set(before) - set(middle), 0)


def test_older_guidelines_get_their_collections_scale(there):
    migrate(there.place, "0002")
    migrate(there.place)
    with there.open() as store:
        collection = store.collections.get("small")
        assert [(r.version, r.scale) for r in store.collections.rules(collection.collection_id)] == [
            (1, collection.scale)
        ]


def test_down_to_nothing_and_up_again(there, fill):
    migrate(there.place, "base")
    assert there.place.revision() is None
    with there.open() as store:
        filled = fill(store)
        assert store.judgments.add(filled.judgment())


def test_a_table_made_anew_takes_no_rows_along(there, tmp_path):
    before = counts(there)
    folder = folder_with(tmp_path, there)
    migrate(there.place, folder=folder)
    assert counts(there) == before
    migrate(there.place, REVISION, folder=folder)
    assert counts(there) == before
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), there.past_the_store() as connection:
        connection.exec_driver_sql("UPDATE judgments SET grade = 0")


@pytest.mark.sqlite  # PostgreSQL keeps its foreign keys through a migration, and deletes along what hangs on a row
def test_a_migration_that_would_orphan_rows_changes_nothing(there, tmp_path):
    before = counts(there)
    with pytest.raises(StoreError, match="without what they refer to"):
        migrate(there.place, folder=folder_with(tmp_path, there, "op.execute('DELETE FROM queries')"))
    assert there.place.revision() == REVISION
    assert counts(there) == before


def test_a_migration_that_fails_half_way_changes_nothing(there, tmp_path):
    before = counts(there)
    with pytest.raises(StoreError, match="nowhere"):
        migrate(there.place, folder=folder_with(tmp_path, there, "op.execute('DELETE FROM nowhere')"))
    assert there.place.revision() == REVISION
    assert counts(there) == before


def test_opening_an_older_database_keeps_a_copy_of_it(there):
    migrate(there.place, "0001").unlink()
    before = counts(there)
    there.open().close()
    (kept,) = there.path.parent.glob("whyrank.schema-0001.*.backup.db")
    assert place_of(kept).row_counts() == before
    assert place_of(kept).revision() == "0001"


def test_a_newer_database_is_refused_with_the_mend(there):
    with there.past_the_store() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"9999.*newer WhyRank"):
        there.open()


def test_a_database_of_another_program_is_refused(new_base):
    foreign = new_base(bare=True)
    foreign.path.parent.mkdir()
    with foreign.past_the_store() as connection:
        connection.exec_driver_sql("CREATE TABLE things (a integer)")
    with pytest.raises(StoreError, match="another program"):
        foreign.open()


@pytest.mark.sqlite
def test_what_is_no_database_is_refused(base):
    base.path.parent.mkdir()
    base.path.write_text("this is not a database at all, but it is long enough to look at" * 20)
    with pytest.raises(StoreError, match="restore"):
        base.open()


@pytest.mark.sqlite
def test_the_connection_is_set_for_durability(store):
    with store._database.read() as connection:
        asked = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
    assert asked == PRAGMAS


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000, "recursive_triggers": 1}
