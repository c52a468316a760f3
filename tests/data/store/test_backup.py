import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from data.errors import ConflictError, NotFoundError, StoreError
from data.store import Store
from data.store.migrate import migrate
from data.store.place import place_of


def kept(base, pattern="whyrank.replaced-*.db"):
    """The copy that was laid beside, opened."""
    (path,) = base.path.parent.glob(pattern)
    return Store.open(path)


def test_a_backup_is_verified_and_can_be_put_back(filled, base, tmp_path):
    copy = tmp_path / "backups" / "one.db"
    filled.store.judgments.add(filled.judgment())
    counts = filled.store.backup(copy)
    assert (counts["judgments"], counts["documents"], counts["assessors"]) == (1, 5, 3)
    assert [file.name for file in copy.parent.iterdir()] == ["one.db"]
    filled.store.judgments.add(filled.judgment("q2"))
    filled.store.close()
    assert Store.restore(copy, base.path, base.url) == counts
    with base.open() as restored:
        assert len(list(restored.judgments.events(filled.collection.collection_id))) == 1
    with kept(base) as old:
        assert len(list(old.judgments.events(filled.collection.collection_id))) == 2


def test_a_backup_never_overwrites(filled, tmp_path):
    copy = tmp_path / "one.db"
    copy.write_text("something")
    with pytest.raises(ConflictError):
        filled.store.backup(copy)
    assert copy.read_text() == "something"


def test_a_database_in_use_is_not_replaced(filled, base, tmp_path):
    copy = tmp_path / "one.db"
    filled.store.backup(copy)
    filled.store.judgments.add(filled.judgment())
    with pytest.raises(ConflictError, match="Stop the app"):
        Store.restore(copy, base.path, base.url)
    assert len(filled.current()) == 1


@pytest.mark.parametrize("damage", ["text", "cut", "bytes"])
def test_a_damaged_backup_is_refused_and_nothing_changes(filled, base, tmp_path, damage):
    copy = tmp_path / "one.db"
    filled.store.judgments.add_many([filled.judgment(explanation="word " * 200) for _ in range(200)])
    filled.store.backup(copy)
    content = bytearray(copy.read_bytes())
    if damage == "text":
        content = bytearray(b"no database")
    elif damage == "cut":
        del content[len(content) // 2 :]
    else:
        half = len(content) // 2
        content[half : half + 20_000] = b"\xff" * 20_000
    copy.write_bytes(content)
    before = filled.current()
    filled.store.close()
    with pytest.raises(StoreError):
        Store.restore(copy, base.path, base.url)
    assert not list(base.path.parent.glob("*.part")) + list(base.path.parent.glob("*replaced*"))
    with base.open() as store:
        assert store.judgments.current(filled.collection.collection_id) == before


@pytest.mark.sqlite
def test_a_damaged_database_is_replaced_and_kept(filled, base, tmp_path):
    path, copy = base.path, tmp_path / "one.db"
    counts = filled.store.backup(copy)
    filled.store.close()
    path.write_bytes(b"\x00garbage" * 1000)
    assert Store.restore(copy, path) == counts
    Store.open(path).close()
    (old,) = path.parent.glob("whyrank.replaced-*.db")
    assert old.read_bytes().startswith(b"\x00garbage")


def test_restore_into_an_empty_home_and_from_an_older_schema(filled, new_base, tmp_path):
    copy, new = tmp_path / "one.db", new_base(bare=True)
    filled.store.backup(copy)
    migrate(place_of(copy), "0001")
    assert "rankings" not in Store.restore(copy, new.path, new.url)
    assert not list(new.path.parent.glob("*replaced*"))
    with new.open() as restored:
        assert restored.collections.get("small").documents == 5


def test_a_newer_or_missing_backup_is_refused(filled, new_base, tmp_path):
    copy, new = tmp_path / "one.db", new_base(bare=True)
    filled.store.backup(copy)
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(StoreError, match="newer"):
        Store.restore(copy, new.path, new.url)
    with pytest.raises(NotFoundError):
        Store.restore(tmp_path / "none.db", new.path, new.url)
    assert not new.place.exists()


def everything(file: Path):
    """All rows of a backup, and the last sequence numbers given."""
    with closing(sqlite3.connect(file)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in sorted(tables)}


@pytest.mark.postgresql
def test_all_moves_from_sqlite_to_postgresql_and_back_as_it_was(fill, new_base, tmp_path):
    """Every value, and numbers that were given to rows which are gone: none is given twice."""
    first, away, back = tmp_path / "first.db", tmp_path / "away.db", tmp_path / "back.db"
    with Store.open(tmp_path / "home" / "whyrank.db") as store:
        filled = fill(store)
        gone = store.collections.add(name="gone", scale=filled.collection.scale, documents=[])
        store.judgments.add(filled.judgment("q1", grade=2, explanation="Grün 'and' \"quoted\" % :name \\ 雪"))
        settled = filled.judgment("q2", settles=("one", "two"), seconds_spent=0.1)
        store.judgments.add(settled)
        store.rankings.add(filled.ranking(parameters={"a": [1, 2.5, None, "ü"]}))
        store.judgments.add(filled.judgment("q3"))
        expected = store.backup(first)
        stamp, collections = store.stamp(), store.collections.list()
    assert gone in collections
    new = new_base(bare=True)
    assert Store.restore(first, new.path, new.url) == expected
    with new.open() as store:
        assert store.collections.list() == collections
        assert store.stamp() == stamp
        assert settled in store.judgments.current(filled.collection.collection_id)
        assert store.backup(away) == expected
        store.judgments.add(filled.judgment())
        assert store.stamp()[0] == stamp[0] + 1
    assert everything(away) == everything(first)
    Store.restore(away, back)
    assert everything(back) == everything(first)


@pytest.mark.postgresql
def test_what_postgresql_cannot_keep_changes_nothing(fill, base, tmp_path):
    copy = tmp_path / "one.db"
    with Store.open(tmp_path / "other" / "whyrank.db") as other:
        fill(other)
        other.backup(copy)
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("UPDATE documents SET text = 'a' || char(0) || 'b' WHERE doc_id = 'd3'")
        connection.commit()
    with base.open() as store:
        kept_one = fill(store).collection
    with pytest.raises(StoreError, match="NUL"):
        Store.restore(copy, base.path, base.url)
    with base.open() as store:
        assert store.collections.list() == [kept_one]


def test_a_backup_is_one_state_while_others_write(filled, tmp_path):
    add = "INSERT INTO documents SELECT collection_id, 'new', title, text FROM documents WHERE doc_id = 'd1'"
    with filled.store._database.write() as connection:
        connection.exec_driver_sql(add)
        assert filled.store.backup(tmp_path / "before.db")["documents"] == 5, "nobody waits, nothing half written"
    assert filled.store.backup(tmp_path / "after.db")["documents"] == 6
