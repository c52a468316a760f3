"""Collections in every form, hostile ones too: whole, or refused with line and mend and nothing stored."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import ImportRefusedError, NotFoundError, SettingsError
from data.formats.csv_file import write_csv
from data.formats.jsonl import write_documents
from data.formats.rows import refusing
from data.importing import import_collection
from data.records import AssessorKind, Document
from data.scales import PRORANK
from data.sources import FORMATS, source_of

IDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8).filter(
    lambda s: not any(c.isspace() for c in s) and "\ufeff" not in s
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["=1+1", "a\tb\r\nc", '"quoted", twice ""', "NUL \0 inside", "\ufeffmark", "😀 pair", "'-5"]
)
DOCUMENTS = st.lists(
    st.builds(Document, doc_id=IDS, text=TEXTS.filter(str.strip), title=TEXTS), unique_by=lambda d: d.doc_id, min_size=1
)


def write(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def parquet(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def documents(path, **how):
    with refusing() as bad:
        return list(source_of(path, **how).documents(bad))


def refused(store, path, **how):
    with pytest.raises(ImportRefusedError) as caught:
        import_collection(store, name="bad", path=source_of(path, **how))
    assert store.collections.list() == [] and store.assessors.list() == []
    assert caught.value.mend
    return {(row.file, row.line): row.reason for row in caught.value.rows}


@settings(max_examples=60, deadline=None)
@given(given_documents=DOCUMENTS)
def test_documents_come_back_from_csv_parquet_and_jsonl(tmp_path_factory, given_documents):
    folder = tmp_path_factory.getbasetemp()
    rows = [(d.doc_id, d.title, d.text) for d in given_documents]
    (folder / "x.csv").write_bytes("".join(write_csv(("id", "title", "text"), rows)).encode())
    parquet(folder / "x.parquet", [{"id": i, "title": t, "text": x} for i, t, x in rows])
    (folder / "x.jsonl").write_bytes(write_documents(given_documents).encode())
    for name in ("x.csv", "x.parquet", "x.jsonl"):
        assert documents(folder / name) == given_documents


def test_a_csv_becomes_a_collection(store, tmp_path):
    path = tmp_path / "docs.csv"
    path.write_text('doc_id,body,headline\nd1,"one, two",\nd2,three,Title\n')
    source = source_of(path)
    assert source.words == (
        "a CSV with the columns 'doc_id', 'body', 'headline': ids from 'doc_id', titles from 'headline', "
        "texts from 'body'"
    )
    made = import_collection(store, name="docs", path=source)
    found = list(store.collections.documents(made.collection_id))
    assert found == [Document(doc_id="d1", text="one, two"), Document(doc_id="d2", text="three", title="Title")]


def test_every_bad_record_of_a_csv_is_told(store, tmp_path):
    path = tmp_path / "docs.csv"
    path.write_bytes(
        b"id,text\nd1,good\nd1,twice\n,no id\nd 2,white space\nd3,\nd4,latin \xfc\nd5,a,b\nd\x006,nul\n"
        b'"d7","two\nlines\n'
    )
    found = refused(store, path)
    expected = {
        3: "line 2",
        4: "no id",
        5: "white space",
        6: "empty",
        7: "UTF-8",
        8: "3 cells",
        9: "invisible",
        10: "quot",
    }
    assert [line for _, line in found] == list(expected)
    for line, word in expected.items():
        assert word in found["docs.csv", line]


def test_a_parquet_file_may_have_numbers_as_ids_and_bad_rows_are_counted(store, tmp_path):
    good = parquet(tmp_path / "good.parquet", [{"pid": 7, "passage": "seven", "url": None}])
    assert documents(good) == [Document(doc_id="7", text="seven")]
    bad = parquet(
        tmp_path / "bad.parquet", [{"id": "a", "text": "x"}, {"id": "a", "text": None}, {"id": None, "text": "y"}]
    )
    assert refused(store, bad) == {
        ("bad.parquet", 2): "no text: one of text, contents, content is needed",
        ("bad.parquet", 3): "no id: one of _id, id, doc_id is needed",
    }
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(good.read_bytes()[:-20])
    with pytest.raises(ImportRefusedError) as caught:
        source_of(cut)
    assert "Parquet" in caught.value.rows[0].reason


def test_a_folder_of_texts(store, tmp_path):
    root = tmp_path / "notes"
    (root / "deep er").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / ".git" / "x.md").write_text("hidden")
    (root / "a.txt").write_text("# no heading in a text file")
    (root / "deep er" / "b c.md").write_text("\ufeff\n# The *title* #\n\nThe text.\n")
    (root / "c.md").write_text("Intro\n```\n# not this\n```\nTitle\n=====\nText")
    (root / "d.MD").write_text("# Only a title")
    (root / "picture.png").write_bytes(b"\xff")
    source = source_of(root)
    assert source.words == "a folder of 4 text and Markdown files"
    made = import_collection(store, name="notes", path=source)
    found = {d.doc_id: (d.title, d.text) for d in store.collections.documents(made.collection_id)}
    assert found == {
        "a.txt": ("a", "# no heading in a text file"),
        "deep_er/b_c.md": ("The *title*", "The text."),
        "c.md": ("Title", "Intro\n```\n# not this\n```\nTitle\n=====\nText"),
        "d.MD": ("Only a title", "\ufeff# Only a title".lstrip("\ufeff")),
    }


def test_bad_texts_are_told_by_their_path_and_line(store, tmp_path):
    root = tmp_path / "notes"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "a b.md").write_text("x")
    (root / "sub" / "a_b.md").write_text("y")
    (root / "sub" / "empty.md").write_text(" \n")
    (root / "latin.txt").write_bytes(b"one\ntwo \xfc\n")
    found = refused(store, root)
    assert set(found) == {("latin.txt", 2), ("sub/a_b.md", 1), ("sub/empty.md", 1)}
    assert "rename" in found["sub/a_b.md", 1]


def bright(root, *, as_parquet=False, domain=None):
    """A BRIGHT folder of three documents; the second query excludes one of them."""
    put = parquet if as_parquet else lambda path, rows: write(path, *rows)
    suffix = ".parquet" if as_parquet else ".jsonl"
    place = f"/{domain}-00000-of-00001{suffix}" if domain else suffix
    put(root / f"documents{place}", [{"id": f"bio/{i}.txt", "content": f"content {i}"} for i in range(3)])
    long = {"gold_ids_long": ["long"], "reasoning": "because"}
    put(
        root / f"examples{place}",
        [
            {"query": "why", "id": "0", "excluded_ids": ["N/A"], "gold_ids": ["bio/0.txt", "bio/1.txt"], **long},
            {"query": "how", "id": "1", "excluded_ids": ["bio/0.txt"], "gold_ids": ["bio/2.txt"], **long},
        ],
    )
    return root


@pytest.mark.parametrize("as_parquet", [False, True])
@pytest.mark.parametrize("domain", [None, "biology"])
def test_a_bright_folder_brings_queries_labels_and_excluded_documents(store, tmp_path, as_parquet, domain):
    root = bright(tmp_path / "BRIGHT", as_parquet=as_parquet, domain=domain)
    source = source_of(root)
    assert source.words == "a BRIGHT folder" + (", domain biology" if domain else "")
    made = import_collection(store, name="bio", path=source, scale=PRORANK, assessor="BRIGHT", kind=AssessorKind.HUMAN)
    assert {q.query_id: (q.text, q.excluded_ids) for q in store.collections.queries(made.collection_id)} == {
        "0": ("why", ()),
        "1": ("how", ("bio/0.txt",)),
    }
    found = store.judgments.current(made.collection_id)
    assert {(j.query_id, j.doc_id, j.grade) for j in found} == {
        ("0", "bio/0.txt", 1),
        ("0", "bio/1.txt", 1),
        ("1", "bio/2.txt", 1),
    }


def test_of_several_domains_one_is_named(tmp_path, store):
    root = bright(bright(tmp_path / "BRIGHT", domain="biology"), domain="pony")
    with pytest.raises(SettingsError, match="several domains") as caught:
        source_of(root)
    assert "biology, pony" in caught.value.mend
    with pytest.raises(SettingsError, match="no domain"):
        source_of(root, split="chess")
    made = import_collection(store, name="pony", path=root, split="pony", scale=PRORANK)
    assert (made.documents, made.queries, made.source) == (3, 2, "BRIGHT pony")


def test_gold_documents_need_a_meaning_on_a_scale_of_more_grades(store, tmp_path):
    root = bright(tmp_path / "BRIGHT")
    said = {"name": "bio", "path": root, "assessor": "BRIGHT", "kind": AssessorKind.HUMAN}
    with pytest.raises(SettingsError, match="4 grades") as caught:
        import_collection(store, **said)
    assert "1=3" in caught.value.mend
    made = import_collection(store, **said, grades={1: 3})
    found = store.judgments.current(made.collection_id)
    assert {(j.grade, j.note) for j in found} == {(3, "grade 1 in the file")}


def test_bad_examples_are_told_and_nothing_stays(store, tmp_path):
    root = bright(tmp_path / "BRIGHT")
    with (root / "examples.jsonl").open("a") as file:
        for row in (
            {"query": "x", "id": "1", "excluded_ids": [], "gold_ids": []},
            {"query": "x", "id": "3", "excluded_ids": "a", "gold_ids": []},
            {"query": "x", "id": "4", "excluded_ids": ["a b"], "gold_ids": []},
            {"query": "x", "id": "5", "excluded_ids": [], "gold_ids": "a"},
            {"query": "x", "id": "6", "excluded_ids": [], "gold_ids": ["nowhere"]},
        ):
            file.write(json.dumps(row) + "\n")
    with pytest.raises(ImportRefusedError) as caught:
        import_collection(store, name="bio", path=root, scale=PRORANK, assessor="BRIGHT", kind=AssessorKind.HUMAN)
    assert [row.line for row in caught.value.rows] == [3, 4, 5, 6, 7]
    assert store.collections.list() == [] and store.assessors.list() == []


def test_excluded_documents_survive_a_beir_folder(store, tmp_path):
    write(tmp_path / "set" / "corpus.jsonl", {"_id": "d1", "text": "x"})
    write(tmp_path / "set" / "queries.jsonl", {"_id": "q1", "text": "y", "metadata": {"excluded_ids": ["d1"]}})
    made = import_collection(store, name="set", path=tmp_path / "set")
    assert store.collections.query(made.collection_id, "q1").excluded_ids == ("d1",)


def test_what_a_path_is_can_be_named_and_a_wrong_name_is_refused(tmp_path):
    plain = write(tmp_path / "documents", {"_id": "a", "text": "x"})
    assert source_of(plain).format == "jsonl", "by its beginning"
    table = tmp_path / "export.txt"
    table.write_text("id,text\na,x\n")
    with pytest.raises(SettingsError, match="neither its name") as caught:
        source_of(table)
    assert "--format" in caught.value.mend
    assert documents(table, format="csv") == [Document(doc_id="a", text="x")]
    (tmp_path / "copy").write_bytes(parquet(tmp_path / "x.parquet", [{"id": "a", "text": "x"}]).read_bytes())
    assert source_of(tmp_path / "copy").format == "parquet"
    for wrong in ({"format": "beir"}, {"format": "word"}, {"columns": {"id": "a"}}):
        with pytest.raises(SettingsError):
            source_of(plain, **wrong)
    with pytest.raises(NotFoundError, match=r"corpus\.jsonl"):
        (tmp_path / "nothing").mkdir()
        source_of(tmp_path / "nothing")
    assert set(FORMATS) == {"jsonl", "csv", "parquet", "beir", "bright", "texts"}


def test_labels_of_another_scale_are_told_what_they_mean(store, tmp_path):
    write(tmp_path / "set" / "corpus.jsonl", {"_id": "d1", "text": "x"}, {"_id": "d2", "text": "x"})
    write(tmp_path / "set" / "queries.jsonl", {"_id": "q1", "text": "y"})
    (tmp_path / "set" / "qrels.tsv").write_text("q1\td1\t1\nq1\td2\t0\n")
    said = {"name": "set", "path": tmp_path / "set", "assessor": "T", "kind": AssessorKind.TEACHER}
    with pytest.raises(ImportRefusedError) as caught:
        import_collection(store, **said, grades={1: 3})
    assert (caught.value.rows[0].line, "grade 0" in caught.value.rows[0].reason) == (2, True)
    made = import_collection(store, **said, grades={0: 0, 1: 3})
    assert {(j.doc_id, j.grade) for j in store.judgments.current(made.collection_id)} == {("d1", 3), ("d2", 0)}
