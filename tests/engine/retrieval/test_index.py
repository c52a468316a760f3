"""Index folders: complete or not there, checked when opened, thrown away only when they are indexes."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.errors import RetrievalError, SettingsError
from data.records import Document
from engine.retrieval.index import OpenIndexes, build_index, discard, open_index, read_manifest

DOCUMENTS = [Document(doc_id="a", text="moon"), Document(doc_id="b", text="sun")]


def change(path: Path, **values: object) -> None:
    manifest = path / "index.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | values))


def test_an_index_says_what_it_is(tmp_path: Path) -> None:
    built = build_index(iter(DOCUMENTS), tmp_path / "new" / "root", backend="bm25s")
    assert built.path.parent == tmp_path / "new" / "root"
    manifest = read_manifest(built.path)
    assert (manifest.backend, manifest.documents) == ("bm25s", 2)
    assert manifest.library.startswith("bm25s-")
    assert manifest.built_at.tzinfo is not None
    assert not [file for file in built.path.rglob("*") if "pickle" in file.name or file.suffix == ".pkl"]


@pytest.mark.java
def test_auto_takes_lucene_where_java_starts(tmp_path: Path) -> None:
    built = build_index(DOCUMENTS, tmp_path)
    assert (built.backend, built.note) == ("lucene", None)


def test_two_builds_stand_side_by_side(tmp_path: Path) -> None:
    first = build_index(DOCUMENTS, tmp_path, backend="bm25s")
    second = build_index(DOCUMENTS[:1], tmp_path, backend="bm25s")
    assert {path.name for path in tmp_path.iterdir()} == {first.path.name, second.path.name}


@pytest.mark.parametrize("values", [{"library": "bm25s-0.0.1"}, {"format": 0}])
def test_an_index_of_another_version_is_refused(tmp_path: Path, values: dict[str, object]) -> None:
    built = build_index(DOCUMENTS, tmp_path, backend="bm25s")
    change(built.path, **values)
    with pytest.raises(RetrievalError, match="another version") as caught:
        open_index(built.path, "bm25s")
    assert "Rebuild" in caught.value.mend


def test_an_index_of_another_backend_is_refused(tmp_path: Path) -> None:
    built = build_index(DOCUMENTS, tmp_path, backend="bm25s")
    with pytest.raises(RetrievalError, match="built by bm25s, not lucene"):
        open_index(built.path, "lucene")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "x"}', "\x00"])
def test_a_broken_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(RetrievalError, match="damaged") as caught:
        open_index(tmp_path, "bm25s")
    assert "Rebuild" in caught.value.mend


def test_a_missing_index_is_refused_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(RetrievalError, match="no search index") as caught:
        open_index(tmp_path / "nowhere", "bm25s")
    assert "Rebuild" in caught.value.mend


def test_an_unknown_backend_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="elastic"):
        build_index(DOCUMENTS, tmp_path, backend="elastic")


@pytest.mark.parametrize("backend", [pytest.param("lucene", marks=pytest.mark.java), "bm25s"])
def test_a_source_that_fails_midway_leaves_nothing(tmp_path: Path, backend: str) -> None:
    def failing() -> Iterator[Document]:
        yield DOCUMENTS[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        build_index(failing(), tmp_path, backend=backend)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(RetrievalError, match="can't be written") as caught:
        build_index(DOCUMENTS, file, backend="bm25s")
    assert caught.value.mend


def test_discard_deletes_indexes_only(tmp_path: Path) -> None:
    built = build_index(DOCUMENTS, tmp_path / "indexes", backend="bm25s")
    discard(built.path)
    discard(built.path)
    assert list((tmp_path / "indexes").iterdir()) == []
    (tmp_path / "photos").mkdir()
    with pytest.raises(RetrievalError, match="not a search index"):
        discard(tmp_path / "photos")
    assert (tmp_path / "photos").is_dir()


def test_leftovers_of_killed_builds_go_after_a_day(tmp_path: Path) -> None:
    old, young = tmp_path / ".building-old", tmp_path / ".discarded-young"
    old.mkdir()
    young.mkdir()
    os.utime(old, (time.time() - 90_000,) * 2)
    build_index(DOCUMENTS, tmp_path, backend="bm25s")
    assert not old.exists()
    assert young.exists()


def test_open_indexes_are_shared_and_closed(tmp_path: Path) -> None:
    built = build_index(DOCUMENTS, tmp_path, backend="bm25s")
    other = build_index(DOCUMENTS, tmp_path, backend="bm25s")
    opened = OpenIndexes()
    retriever = opened.get(built.path, "bm25s")
    assert opened.get(built.path, "bm25s") is retriever
    assert opened.get(other.path, "bm25s") is not retriever
    opened.forget(built.path)
    with pytest.raises(RetrievalError, match="closed"):
        retriever.search("moon", 1)
    assert opened.get(built.path, "bm25s").search("moon", 1)[0].doc_id == "a"
    opened.close()
