"""What is PostgreSQL's own: the URL, its secrets, a server that is not there, order of texts."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from data.errors import SettingsError, StoreError
from data.records import Document
from data.scales import DEFAULT_SCALE
from data.store import Store
from data.store.place import place_of
from data.store.sqlite import SQLite

PATH = Path("whyrank.db")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://u:s3cret@h/db", "begins with 'mysql'"),
        ("sqlite:///s3cret.db", "begins with 'sqlite'"),
        ("postgresql://u:s3cret@h:54x3/db", "can't be read"),
        ("s3cret", "can't be read"),
        ("postgresql://u:s3cret@h", "names no database"),
        ("postgresql://u:p@s3cret@h/db", "more than one @"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_showing_it(url, says):
    with pytest.raises(SettingsError, match=says) as refused:
        place_of(PATH, SecretStr(url))
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_without_a_url_it_is_the_file():
    assert isinstance(place_of(PATH), SQLite)
    assert isinstance(place_of(PATH, SecretStr(" ")), SQLite)


@pytest.mark.postgresql
def test_a_server_that_is_not_there_is_said_without_the_password(kind, server, tmp_path):
    for url in (
        "postgresql://me:s3cret@127.0.0.1:1/db?application_name=s3cret",
        server.url("nowhere").get_secret_value().replace("a-secret", "s3cret"),
    ):
        with pytest.raises(StoreError, match="WHYRANK_DATABASE_URL") as error:
            Store.open(tmp_path / "whyrank.db", SecretStr(url))
        assert "s3cret" not in str(error.value)
    assert place_of(PATH, SecretStr("postgres://me:s3cret@h:5433/db?x=1")).name == "postgresql://h:5433/db"


@pytest.mark.postgresql
def test_a_server_that_went_away_and_came_back_is_used_again(filled, server):
    name = filled.store.name.rpartition("/")[2]
    others = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    assert server.execute(others)
    assert filled.store.judgments.add(filled.judgment())


def test_texts_are_ordered_by_their_characters_numbers(store):
    """Pages walk on by "greater than the last id": the same on every server, whatever language it was made for."""
    ids = ["10", "9", "B", "a", "a b", "a-b", "ab", "b", "Ä", "ß", "ä", "雪"]
    made = store.collections.add(
        name="ids", scale=DEFAULT_SCALE, documents=[Document(doc_id=i, text="t") for i in reversed(ids)]
    )
    assert [d.doc_id for d in store.collections.documents(made.collection_id)] == ids
    assert [d.doc_id for d in store.collections.page(made.collection_id, offset=2, limit=2)] == ["B", "a"]


def test_a_text_that_postgresql_cannot_keep_is_refused_whole(store, kind):
    documents = [Document(doc_id="1", text="fine"), Document(doc_id="2", text="a\x00b")]
    if kind == "sqlite":
        store.collections.add(name="n", scale=DEFAULT_SCALE, documents=documents)
        return
    with pytest.raises(StoreError, match="NUL"):
        store.collections.add(name="n", scale=DEFAULT_SCALE, documents=documents)
    assert store.collections.list() == []
