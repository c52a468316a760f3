import json

import pytest

from app.actions import collections as actions
from app.actions import people
from app.actions.collections import Upload, Wanted
from data.errors import ConflictError, ImportRefusedError, SettingsError
from data.records import AssessorKind, Job, JobState, Query, Split, utc_now

ME = people.local("me")


def rows(*doc_ids):
    return "".join(json.dumps({"_id": doc_id, "text": f"text of {doc_id}"}) + "\n" for doc_id in doc_ids).encode()


def nothing(*_):
    pass


def imported(workbench, name="mine", count=3):
    upload = Upload(file_name="docs.jsonl", content=rows(*(f"d{i:02d}" for i in range(count))))
    return actions.add(workbench, ME, Wanted(name=name, documents=upload), nothing)


def test_an_upload_is_imported_and_indexed_at_once(workbench):
    heard = []
    upload = Upload(file_name="../../docs.jsonl", content=rows("d1", "d2"))
    collection = actions.add(
        workbench, ME, Wanted(name=" mine ", documents=upload), lambda stage, done, total: heard.append(stage)
    )
    assert (collection.name, collection.documents, collection.source) == ("mine", 2, "docs.jsonl")
    assert collection.index_backend == "bm25s" and actions.index_words(collection) == "bm25s"
    assert "Indexing" in heard
    assert not list((workbench.settings.home / "uploads").iterdir()), "the upload stays only as long as it is read"


def test_a_refused_import_names_file_and_line_and_leaves_nothing(workbench):
    upload = Upload(file_name="docs.jsonl", content=rows("d1", "d1") + b"{broken\n")
    with pytest.raises(ImportRefusedError) as caught:
        actions.add(workbench, ME, Wanted(name="mine", documents=upload), nothing)
    assert [row.line for row in caught.value.rows] == [2, 3]
    assert caught.value.rows[0].file.endswith("docs.jsonl")
    assert actions.overviews(workbench) == []
    assert not list((workbench.settings.home / "uploads").iterdir())


def test_a_folder_with_labels_needs_their_assessor(workbench, tmp_path):
    folder = tmp_path / "beir"
    folder.mkdir()
    (folder / "corpus.jsonl").write_bytes(rows("d1", "d2"))
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "why"}\n')
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t3\n")
    wanted = Wanted(name="beir", documents=str(folder), assessor="Ada", kind=AssessorKind.HUMAN, authored=True)
    collection = actions.add(workbench, ME, wanted, nothing)
    (overview,) = actions.overviews(workbench)
    assert overview.judgments == {AssessorKind.HUMAN: 1} and overview.authored
    ((query, use),) = actions.queries(workbench, collection)
    assert query.text == "why" and use and "model" not in use
    workbench.store.collections.add_queries(
        collection.collection_id, [Query(query_id="made-1", text="how", split=Split.TRAIN)]
    )
    assert actions.queries(workbench, collection)[0][1] == "training, made by a model"


@pytest.mark.parametrize("wanted", [Wanted(name=" ", documents="x.jsonl"), Wanted(name="a", documents=None)])
def test_a_missing_name_or_file_says_what_to_do(workbench, wanted):
    with pytest.raises(SettingsError) as caught:
        actions.add(workbench, ME, wanted, nothing)
    assert caught.value.mend


def test_the_sample_is_installed_once(workbench):
    first = actions.install_sample(workbench, ME, nothing)
    again = actions.install_sample(workbench, ME, nothing)
    assert first == again and first.index_path is not None
    assert actions.has_sample(actions.overviews(workbench))


def test_rename_refuses_a_taken_name(workbench):
    first = imported(workbench, "first")
    imported(workbench, "second")
    with pytest.raises(ConflictError):
        actions.rename(workbench, first, ME, "second")
    assert actions.rename(workbench, first, ME, "third").name == "third"


def test_delete_asks_for_the_name_and_takes_the_index_along(workbench):
    collection = imported(workbench)
    assert actions.hanging(workbench, collection)["documents"] == 3
    with pytest.raises(ConflictError):
        actions.delete(workbench, collection, ME, "Mine")
    assert (workbench.settings.home / collection.index_path).exists()
    actions.delete(workbench, collection, ME, "mine")
    assert actions.overviews(workbench) == []
    assert not (workbench.settings.home / collection.index_path).exists()


def test_delete_is_refused_while_a_job_works(workbench):
    collection = imported(workbench)
    job = Job(
        job_id="j1",
        kind="train",
        collection_id=collection.collection_id,
        config={},
        state=JobState.RUNNING,
        heartbeat_at=utc_now(),
    )
    workbench.store.jobs.add(job)
    with pytest.raises(ConflictError) as caught:
        actions.delete(workbench, collection, ME, "mine")
    assert "job" in caught.value.what


def test_documents_come_in_pages(workbench):
    collection = imported(workbench, count=actions.PAGE_SIZE + 2)
    assert actions.pages(collection) == 2
    assert len(actions.documents(workbench, collection, 1)) == actions.PAGE_SIZE
    assert [d.doc_id for d in actions.documents(workbench, collection, 2)] == ["d25", "d26"]
    assert actions.document(workbench, collection, "d26") is not None
    assert actions.document(workbench, collection, "nope") is None


def test_a_rebuilt_index_is_a_new_one(workbench):
    collection = imported(workbench)
    rebuilt = actions.build_index(workbench, collection, ME, nothing)
    assert rebuilt.index_path != collection.index_path
    assert not (workbench.settings.home / collection.index_path).exists()


def test_what_was_pointed_at_is_said_before_it_is_imported(workbench, tmp_path):
    def seen(content, name="docs.csv", **how):
        return actions.look(workbench, ME, Wanted(name="x", documents=Upload(file_name=name, content=content), **how))

    assert actions.look(workbench, ME, Wanted(name="x", documents=None)) is None
    assert seen(rows("d1"), "docs.jsonl").words == "a JSONL file of documents"
    found = seen(b"nr,text\n1,x\n")
    assert found.names == ("nr", "text") and "--column id=NAME" in found.problem.mend
    found = seen(b"nr,text\n1,x\n", columns={"id": "nr"})
    assert found.problem is None and found.words.startswith("a CSV with the columns 'nr', 'text'")
    assert isinstance(seen(b"\xff\xfe", "docs.txt").problem, SettingsError)
    assert "empty" in seen(b"").problem.rows[0].reason
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("# A\ntext")
    pointed = Wanted(name="notes", documents=str(tmp_path / "notes"))
    assert actions.look(workbench, ME, pointed).words == "a folder of 1 text and Markdown files"
    assert actions.add(workbench, ME, pointed, nothing).documents == 1


def test_a_path_that_is_not_there_is_said_before_the_import(workbench, tmp_path):
    seen = actions.look(workbench, ME, Wanted(name="x", documents=str(tmp_path / "none.csv")))
    assert "There is no file" in seen.problem.what
