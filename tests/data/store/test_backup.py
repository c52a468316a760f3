import sqlite3
from contextlib import closing

import pytest

from data.errors import ConflictError, NotFoundError, StoreError
from data.store import Store
from data.store.migrate import migrate


def test_a_backup_is_verified_and_can_be_put_back(filled, tmp_path):
    path, copy = filled.store.path, tmp_path / "backups" / "one.db"
    filled.store.judgments.add(filled.judgment())
    counts = filled.store.backup(copy)
    assert (counts["judgments"], counts["documents"], counts["assessors"]) == (1, 5, 3)
    assert [file.name for file in copy.parent.iterdir()] == ["one.db"]
    filled.store.judgments.add(filled.judgment("q2"))
    filled.store.close()
    assert Store.restore(copy, path) == counts
    with Store.open(path) as restored:
        assert len(list(restored.judgments.events(filled.collection.collection_id))) == 1
    (kept,) = path.parent.glob("whyrank.replaced-*.db")
    with Store.open(kept) as old:
        assert len(list(old.judgments.events(filled.collection.collection_id))) == 2


def test_a_backup_never_overwrites(filled, tmp_path):
    copy = tmp_path / "one.db"
    copy.write_text("something")
    with pytest.raises(ConflictError):
        filled.store.backup(copy)
    assert copy.read_text() == "something"


def test_a_database_in_use_is_not_replaced(filled, tmp_path):
    copy = tmp_path / "one.db"
    filled.store.backup(copy)
    filled.store.judgments.add(filled.judgment())
    with pytest.raises(ConflictError, match="Stop the app"):
        Store.restore(copy, filled.store.path)
    assert len(filled.current()) == 1


@pytest.mark.parametrize("damage", ["text", "cut", "bytes"])
def test_a_damaged_backup_is_refused_and_nothing_changes(filled, tmp_path, damage):
    path, copy = filled.store.path, tmp_path / "one.db"
    filled.store.judgments.add_many([filled.judgment(explanation="word " * 200) for _ in range(200)])
    filled.store.backup(copy)
    filled.store.close()
    content = bytearray(copy.read_bytes())
    if damage == "text":
        content = bytearray(b"no database")
    elif damage == "cut":
        del content[len(content) // 2 :]
    else:
        half = len(content) // 2
        content[half : half + 20_000] = b"\xff" * 20_000
    copy.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(StoreError):
        Store.restore(copy, path)
    assert path.read_bytes() == before
    assert not list(path.parent.glob("*.part")) + list(path.parent.glob("*replaced*"))


def test_a_damaged_database_is_replaced_and_kept(filled, tmp_path):
    path, copy = filled.store.path, tmp_path / "one.db"
    counts = filled.store.backup(copy)
    filled.store.close()
    path.write_bytes(b"\x00garbage" * 1000)
    assert Store.restore(copy, path) == counts
    Store.open(path).close()
    (kept,) = path.parent.glob("whyrank.replaced-*.db")
    assert kept.read_bytes().startswith(b"\x00garbage")


def test_restore_into_an_empty_home_and_from_an_older_schema(filled, tmp_path):
    copy, path = tmp_path / "one.db", tmp_path / "new-home" / "whyrank.db"
    filled.store.backup(copy)
    migrate(copy, "0001")
    assert "rankings" not in Store.restore(copy, path)
    with Store.open(path) as restored:
        assert restored.collections.get("small").documents == 5


def test_a_newer_or_missing_backup_is_refused(filled, tmp_path):
    copy = tmp_path / "one.db"
    filled.store.backup(copy)
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(StoreError, match="newer"):
        Store.restore(copy, tmp_path / "new.db")
    with pytest.raises(NotFoundError):
        Store.restore(tmp_path / "none.db", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()
