import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import ImportRefusedError
from data.formats.events import event_rows, write_events
from data.formats.jsonl import read_documents, read_queries, write_documents, write_queries
from data.formats.rows import BadRows
from data.records import Assessor, AssessorKind, Document, Evidence, Judgment, Query, Split, Status

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FULL_TEXT = TEXT.filter(str.strip)
IDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8).filter(
    lambda s: not any(c.isspace() for c in s)
)


def file(tmp_path, text, name="corpus.jsonl"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def reasons(read, path):
    with pytest.raises(ImportRefusedError) as caught:
        read(path)
    return {row.line: row.reason for row in caught.value.rows}


def test_documents_in_their_usual_forms(tmp_path):
    text = (
        '{"_id": "a", "title": "T", "text": "one"}\n\n'
        '{"id": "b", "contents": "two"}\r\n'
        '{"doc_id": 3, "text": "three \\u00fc", "title": null, "url": "x"}'
    )
    assert read_documents(file(tmp_path, "\ufeff" + text)) == [
        Document(doc_id="a", text="one", title="T"),
        Document(doc_id="b", text="two"),
        Document(doc_id="3", text="three ü"),
    ]


def test_every_bad_document_is_told_with_its_line(tmp_path):
    rows = [
        b'{"_id": "a", "text": "good"}',
        b'{"_id": "b", "text": "cut',
        b'["not", "an", "object"]',
        b'{"text": "no id"}',
        b'{"_id": "a", "text": "twice"}',
        b'{"_id": "  ", "text": "blank id"}',
        b'{"_id": "c d", "text": "white space"}',
        b'{"_id": "e", "text": " "}',
        b'{"_id": "f"}',
        b'{"_id": "g", "text": "latin \xfc"}',
        b'{"_id": "h", "text": "half \\ud800"}',
        b'{"_id": "i", "text": ["list"]}',
        b'{"_id": true, "text": "x"}',
        b'{"_id": "j", "text": "x", "title": 4}',
        b'{"_id": "k", "text": "x", "title": "\\udfff"}',
        b"[" * 100_000,
    ]
    found = reasons(read_documents, file(tmp_path, b"\n".join(rows)))
    assert sorted(found) == list(range(2, 17))
    expected = {2: "broken JSON", 3: "object", 4: "no id", 5: "line 1", 6: "blank", 7: "white space", 8: "empty"}
    expected |= {9: "no text", 10: "UTF-8", 11: "encoding", 13: "id", 14: "title", 15: "encoding", 16: "broken JSON"}
    for line, word in expected.items():
        assert word in found[line]


def test_a_utf_16_file_is_told_as_wrong_encoding(tmp_path):
    found = reasons(read_documents, file(tmp_path, '{"_id": "a", "text": "x"}\n'.encode("utf-16")))
    assert "UTF-8" in found[1]


@settings(max_examples=60, deadline=None)
@given(documents=st.lists(st.builds(Document, doc_id=IDS, text=FULL_TEXT, title=TEXT), unique_by=lambda d: d.doc_id))
def test_documents_come_back_as_they_were_written(tmp_path_factory, documents):
    path = file(tmp_path_factory.getbasetemp(), write_documents(documents))
    assert read_documents(path) == documents


@settings(max_examples=60, deadline=None)
@given(
    queries=st.lists(
        st.builds(Query, query_id=IDS, text=FULL_TEXT, split=st.none() | st.sampled_from(Split)),
        unique_by=lambda q: q.query_id,
    )
)
def test_queries_come_back_as_they_were_written(tmp_path_factory, queries):
    path = file(tmp_path_factory.getbasetemp(), write_queries(queries))
    assert read_queries(path) == queries


@pytest.mark.parametrize(
    ("name", "split"),
    [("train", Split.TRAIN), ("Train ", Split.TRAIN), ("dev", Split.HELDOUT), ("test", Split.HELDOUT), ("", None)],
)
def test_the_split_of_a_query(tmp_path, name, split):
    row = {"_id": "q", "text": "why", "metadata": {"split": name}}
    assert read_queries(file(tmp_path, json.dumps(row)))[0].split is split


def test_bad_queries_are_told(tmp_path):
    text = '{"_id": "a", "text": "x", "metadata": "odd"}\n{"_id": "a", "text": "y"}\n{"query_id": "b", "text": ""}\n'
    assert sorted(reasons(read_queries, file(tmp_path, text))) == [2, 3]


@settings(max_examples=100, deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=120),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.sampled_from(["_id", "id", "text", "title", "query_id", "doc_id", "grade"]), inner)
            ),
            max_leaves=6,
        ).map(lambda value: json.dumps(value).encode()),
    )
)
@pytest.mark.parametrize("read", [read_documents, read_queries])
def test_any_file_is_read_or_refused(tmp_path_factory, read, content):
    path = file(tmp_path_factory.getbasetemp(), content)
    try:
        found = read(path)
    except ImportRefusedError as error:
        assert error.count >= 1
    else:
        assert all(record.text.strip() for record in found)
    bad = BadRows()
    assert len(event_rows(path, bad)) + bad.count <= content.count(b"\n") + 1


ANN = Assessor(assessor_id="1", name="Ann", kind=AssessorKind.HUMAN)
STUDENT = Assessor(assessor_id="2", name="v1", kind=AssessorKind.STUDENT, version_id="v")
EVENTS = st.builds(
    Judgment,
    event_id=IDS,
    collection_id=st.just("c"),
    query_id=IDS,
    doc_id=IDS,
    assessor_id=st.sampled_from(["1", "2"]),
    explanation=st.none() | TEXT,
    evidence=st.lists(st.builds(Evidence, quote=TEXT, start_char=st.none() | st.integers(0, 9)), max_size=2).map(tuple),
    edited_from=st.none() | IDS,
    model_visible=st.booleans(),
    seconds_spent=st.none() | st.floats(0, 1e6),
    guideline_version=st.none() | st.integers(1, 9),
    settles=st.lists(IDS, max_size=2).map(tuple),
    ranking_id=st.none() | IDS,
    note=st.none() | TEXT,
    grade=st.none() | st.integers(0, 9),
).map(lambda j: Judgment(**{**_fields(j), "status": Status.SKIPPED if j.grade is None else Status.JUDGED}))


def _fields(judgment):
    return {name: getattr(judgment, name) for name in Judgment.__dataclass_fields__}


@settings(max_examples=60, deadline=None)
@given(events=st.lists(EVENTS, max_size=4, unique_by=lambda j: j.event_id))
def test_events_come_back_as_they_were_written(tmp_path_factory, events):
    path = file(tmp_path_factory.getbasetemp(), write_events(events, {"1": ANN, "2": STUDENT}))
    bad = BadRows()
    read = event_rows(path, bad)
    assert bad.count == 0
    assert [event.judgment("c", written.assessor_id) for event, written in zip(read, events, strict=True)] == events
    assert [(e.row.assessor.name, e.row.assessor.version_id) for e in read] == [
        ("Ann", None) if j.assessor_id == "1" else ("v1", "v") for j in events
    ]


def test_events_written_by_hand_may_be_short(tmp_path):
    bad = BadRows()
    text = '{"query_id": "q", "doc_id": 7, "grade": 2, "evidence": ["a quote"]}'
    (event,) = event_rows(file(tmp_path, text), bad)
    judgment = event.judgment("c", "a")
    assert (judgment.doc_id, judgment.grade, judgment.status) == ("7", 2, Status.JUDGED)
    assert judgment.evidence == (Evidence(quote="a quote"),)
    assert len(judgment.event_id) == 32


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ('{"doc_id": "d", "grade": 1}', "query_id"),
        ('{"query_id": "q", "doc_id": "d"}', "grade"),
        ('{"query_id": "q", "doc_id": "d", "grade": "1"}', "grade"),
        ('{"query_id": "q", "doc_id": "d", "grade": 1.5}', "grade"),
        ('{"query_id": "q", "doc_id": "d", "grade": true}', "grade"),
        ('{"query_id": "q", "doc_id": "d", "grade": 1, "status": "later"}', "status"),
        ('{"query_id": "q", "doc_id": "d", "grade": 1, "status": "done"}', "status"),
        ('{"query_id": "q q", "doc_id": "d", "grade": 1}', "white space"),
        ('{"query_id": "q", "doc_id": "d", "grade": 1, "created_at": "2026-01-01T00:00:00"}', "created_at"),
        ('{"query_id": "q", "doc_id": "d", "grade": 1, "assessor": {"name": " ", "kind": "human"}}', "name"),
        ('{"query_id": "q", "doc_id": "d", "grade": 1, "assessor": {"name": "A", "kind": "robot"}}', "kind"),
        ('{"query_id": "q", "doc_id": "d", "grade": 1, "explanation": "\\ud800"}', "JSON"),
        ('{"query_id": "q", "doc_id": "d", "grade": 1', "JSON"),
        ("[1]", "object"),
    ],
)
def test_bad_events_are_told(tmp_path, row, word):
    bad = BadRows()
    assert event_rows(file(tmp_path, row), bad) == []
    assert word in bad.rows[0].reason
