"""What is taken away comes back as it was, and the manifest says what it is."""

import hashlib
import json
import zipfile
from dataclasses import replace

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import exporting
from data.bundle import write_folder, write_zip, zipped
from data.errors import ConflictError, ImportRefusedError, NotFoundError, SettingsError
from data.exporting import Whose
from data.formats.event_table import table_event_rows, write_event_table
from data.formats.rows import refusing
from data.formats.trec import read_qrels, read_run
from data.importing import import_collection
from data.importing_judgments import import_judgments, judgments_format
from data.records import Assessor, AssessorKind, Evidence, Judgment, RankedDocument, Split, Status
from data.scales import FIVE_LEVEL, TREC_DL, Level, Scale
from data.sources import source_of
from data.store import Store

PEOPLE = Whose(kinds=(AssessorKind.HUMAN,))
HOSTILE = [
    "=1+1",
    "'=1",
    "a\tb\r\nc",
    '"x", "y"',
    "NUL \0",
    "\ufeffmark",
    "😀",
    "@SUM(A1)",
    "-5",
    "+",
    "\ttab",
    "\rcr",
    " ",
]
TEXTS = (
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20) | st.sampled_from(HOSTILE)
)
IDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8).filter(
    lambda s: not any(c.isspace() for c in s) and "\ufeff" not in s
)
ANN = Assessor(assessor_id="a", name='=Ann, "the" first', kind=AssessorKind.HUMAN)


def written(bundle, tmp_path, name="out"):
    manifest = write_folder(bundle, tmp_path / name)
    assert json.loads((tmp_path / name / "manifest.json").read_text()) == manifest
    for file, facts in manifest["files"].items():
        content = (tmp_path / name / file).read_bytes()
        assert facts["sha256"] == hashlib.sha256(content).hexdigest()
        assert (facts["bytes"], facts["lines"]) == (len(content), content.count(b"\n"))
    return tmp_path / name, manifest


@pytest.fixture
def judged(filled):
    """Ann and Ben agree on q1 d2, differ on q1 d1 and q2 d1, and Ann can't judge q3 d1; a teacher has spoken too."""
    ben, teacher = filled.ben.assessor_id, filled.teacher.assessor_id
    first = filled.judgment("q1", "d1", assessor_id=teacher, grade=0, explanation="So it says.")
    filled.store.judgments.add_many(
        [
            first,
            filled.judgment("q1", "d1", grade=1),
            filled.judgment("q1", "d1", grade=3, assessor_id=ben, explanation="=1+1", edited_from=first.event_id),
            filled.judgment("q1", "d2", grade=2),
            filled.judgment("q1", "d2", grade=2, assessor_id=ben),
            filled.judgment("q2", "d1", grade=2),
            filled.judgment("q2", "d1", grade=0, assessor_id=ben),
            filled.judgment("q3", "d1", grade=None, status=Status.CANT_JUDGE),
        ]
    )
    return filled


@pytest.mark.parametrize(
    ("rule", "grades", "left_out"),
    [
        ("leave-out", {("q1", "d2"): 2}, 2),
        ("majority", {("q1", "d2"): 2}, 2),
        ("highest", {("q1", "d1"): 3, ("q1", "d2"): 2, ("q2", "d1"): 2}, 0),
        ("lowest", {("q1", "d1"): 1, ("q1", "d2"): 2, ("q2", "d1"): 0}, 0),
        ("newest", {("q1", "d1"): 3, ("q1", "d2"): 2, ("q2", "d1"): 0}, 0),
    ],
)
def test_qrels_of_a_group_hold_one_grade_a_pair_by_a_named_rule(judged, tmp_path, rule, grades, left_out):
    bundle = exporting.qrels_bundle(judged.store, judged.collection, PEOPLE, rule)
    folder, manifest = written(bundle, tmp_path)
    assert {(q.query_id, q.doc_id): q.grade for q in read_qrels(folder / "qrels.txt")} == grades
    assert manifest["counts"] == {
        "labels": len(grades),
        "labelled_queries": len({q for q, _ in grades}),
        "conflicts": 2,
        "conflicts_left_out": left_out,
        "cant_judge_left_out": 1,
    }
    assert manifest["filters"] == {"kinds": ["human"], "assessor": None, "conflicts": rule}


def test_a_majority_of_three_counts_and_a_settled_conflict_is_none(judged):
    third = judged.store.assessors.ensure("Cem", AssessorKind.HUMAN)
    judged.store.judgments.add(judged.judgment("q1", "d1", grade=3, assessor_id=third.assessor_id))
    differing = tuple(j.event_id for j in judged.current(query_ids=["q2"]))
    judged.store.judgments.add(judged.judgment("q2", "d1", grade=1, settles=differing))
    found = exporting.grades_of(judged.store, judged.collection, PEOPLE, "majority")
    assert dict(found.grades) == {("q1", "d1"): 3, ("q1", "d2"): 2, ("q2", "d1"): 1}
    assert (found.conflicts, found.left_out) == (1, 0)


def test_conflicts_are_refused_unless_a_rule_or_one_assessor_is_named(judged):
    with pytest.raises(ConflictError, match="2 pairs") as caught:
        exporting.qrels_bundle(judged.store, judged.collection, PEOPLE, "refuse")
    assert "majority" in caught.value.mend
    one = exporting.qrels_bundle(judged.store, judged.collection, Whose(assessor="Ben"), "refuse")
    assert one.counts["labels"] == 3
    with pytest.raises(NotFoundError, match="Nobody"):
        exporting.qrels_bundle(judged.store, judged.collection, Whose(assessor="Nobody"), "refuse")
    with pytest.raises(SettingsError, match="coin"):
        exporting.qrels_bundle(judged.store, judged.collection, PEOPLE, "coin")


def test_a_beir_folder_comes_back_as_the_same_collection(judged, tmp_path):
    store, collection = judged.store, judged.collection
    split = {"q1": Split.TRAIN, "q2": Split.HELDOUT, "q3": Split.DEVELOPMENT}
    queries = [
        replace(q, split=split[q.query_id], excluded_ids=("d5",) if q.query_id == "q2" else ())
        for q in store.collections.queries(collection.collection_id)
    ]
    folder, manifest = written(exporting.beir_bundle(store, collection, PEOPLE, "highest", queries), tmp_path)
    assert sorted(manifest["files"]) == ["corpus.jsonl", "qrels/test.tsv", "qrels/train.tsv", "queries.jsonl"]
    assert manifest["scale"]["name"] == "trec-dl" and manifest["guidelines"]["version"] == 1
    with Store.open(tmp_path / "other.db") as other:
        made = import_collection(other, name="back", path=folder, assessor="People", kind=AssessorKind.HUMAN)
        assert list(other.collections.documents(made.collection_id)) == list(
            store.collections.documents(collection.collection_id)
        )
        assert other.collections.queries(made.collection_id) == queries
        grades = {(j.query_id, j.doc_id): j.grade for j in other.judgments.current(made.collection_id)}
        assert grades == {("q1", "d1"): 3, ("q1", "d2"): 2, ("q2", "d1"): 2}


def test_the_manifest_brings_the_scale_along(judged, tmp_path):
    own = Scale(
        name="own",
        relevant_from=1,
        levels=tuple(Level(grade=i, name=f"n{i}", definition=f"=d{i}") for i in range(4)),
    )
    collection = judged.store.collections.set_rules(judged.collection.collection_id, scale=own, changed_by="Ann")
    queries = judged.store.collections.queries(collection.collection_id)
    queries = [replace(query, split=Split.TRAIN) for query in queries]
    folder, _ = written(exporting.beir_bundle(judged.store, collection, PEOPLE, "highest", queries), tmp_path)
    assert source_of(folder).words == "a BEIR folder (labels in qrels/train.tsv, on the scale own)"
    assert import_collection(judged.store, name="back", path=folder).scale == own
    assert import_collection(judged.store, name="other", path=folder, scale=FIVE_LEVEL).scale == FIVE_LEVEL
    for broken in ("{", '{"scale": {"name": "x"}}', "[]"):
        (folder / "manifest.json").write_text(broken)
        with pytest.raises(SettingsError, match="manifest"):
            source_of(folder)


@pytest.mark.parametrize(("make", "file"), [("events_bundle", "judgments.jsonl"), ("table_bundle", "judgments.csv")])
def test_events_come_back_whole_by_jsonl_and_csv(judged, tmp_path, fill, make, file):
    quote = Evidence(quote="Text", start_char=0, end_char=4)
    judged.store.judgments.add(
        judged.judgment("q3", "d2", evidence=(quote,), note="@n", model_visible=True, seconds_spent=1.5, grade=0)
    )
    folder, manifest = written(getattr(exporting, make)(judged.store, judged.collection, Whose()), tmp_path)
    assert list(manifest["counts"].values()) == [9]
    with Store.open(tmp_path / "other.db") as store:
        other = fill(store)
        assert import_judgments(store, other.collection, folder / file) == 9
        assert import_judgments(store, other.collection, folder / file) == 0
        whose = {a.assessor_id: a.name for a in (*judged.store.assessors.list(), *store.assessors.list())}

        def plain(judgments):
            return [replace(j, collection_id="", assessor_id=whose[j.assessor_id]) for j in judgments]

        assert plain(other.current()) == plain(judged.current())


EVENTS = st.builds(
    Judgment,
    event_id=IDS,
    collection_id=st.just("c"),
    query_id=IDS,
    doc_id=IDS,
    assessor_id=st.just("a"),
    grade=st.integers(0, 3),
    explanation=TEXTS,
    evidence=st.lists(st.builds(Evidence, quote=st.sampled_from(HOSTILE)), max_size=2).map(tuple),
    note=TEXTS,
    seconds_spent=st.none() | st.floats(0, 1e6),
    model_visible=st.booleans(),
    settles=st.lists(IDS, max_size=2).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(events=st.lists(EVENTS, max_size=3, unique_by=lambda e: e.event_id))
def test_hostile_events_come_back_from_a_csv_to_the_letter(tmp_path_factory, events):
    path = tmp_path_factory.getbasetemp() / "events.csv"
    queries = {event.query_id: "=cmd" for event in events}
    path.write_bytes("".join(write_event_table(((e, ANN) for e in events), queries, {})).encode())
    with refusing() as bad:
        read = table_event_rows(path, bad)
    assert [event.judgment("c", "a") for event in read] == events
    assert all(event.row.assessor.name == ANN.name for event in read)


def test_bad_rows_of_a_csv_of_judgments_are_told_and_nothing_is_stored(filled, tmp_path):
    path = tmp_path / "judgments.csv"
    path.write_text(
        "query_id,doc_id,grade,assessor,kind,evidence\nq1,d1,2,Ann,human,\nq1,d2,many,Ann,human,\nq1,d9,1,Ann,human,\n"
        "q1,d3,1,,,\nq1,d4,1,Ann,robot,\nq1,d5,1,Ann,human,[broken\nq9,d1,1,Ann,human,\nq2,d1,7,Ann,human,\nq2,d2\n"
    )
    assert judgments_format(path) == "csv"
    with pytest.raises(ImportRefusedError) as caught:
        import_judgments(filled.store, filled.collection, path)
    assert sorted(row.line for row in caught.value.rows) == [3, 4, 5, 6, 7, 8, 9, 10]
    assert filled.current() == []
    path.write_text("query,grade\nq1,1\n")
    with pytest.raises(ImportRefusedError) as caught:
        import_judgments(filled.store, filled.collection, path, format="csv")
    assert "query_id" in caught.value.rows[0].reason


def test_what_a_file_of_judgments_is_shows_in_its_first_line(tmp_path):
    for text, format in (
        ('\ufeff\n{"query_id": "q"}', "jsonl"),
        ("\ufeffquery_id,query,doc_id\n", "csv"),
        ("query-id\tcorpus-id\tscore\n", "trec"),
        ("q 0 d 1\n", "trec"),
        ("", "trec"),
    ):
        (tmp_path / "x").write_text(text)
        assert judgments_format(tmp_path / "x") == format
    with pytest.raises(NotFoundError):
        judgments_format(tmp_path / "none")


def test_binary_labels_of_a_teacher_come_in_with_their_meaning(filled, tmp_path):
    path = tmp_path / "teacher.binary.tsv"
    path.write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\n")
    said = {"assessor": "binary", "kind": AssessorKind.TEACHER, "grades": {0: 0, 1: 3}}
    assert import_judgments(filled.store, filled.collection, path, **said) == 2
    assert import_judgments(filled.store, filled.collection, path, **said) == 0
    assert {(j.doc_id, j.grade, j.note) for j in filled.current()} == {
        ("d1", 3, "grade 1 in the file"),
        ("d2", 0, "grade 0 in the file"),
    }
    events = tmp_path / "events.jsonl"
    events.write_text('{"query_id": "q1", "doc_id": "d1", "grade": 1}\n')
    with pytest.raises(SettingsError):
        import_judgments(filled.store, filled.collection, events, **said)


def ranked(doc_id, rank, score):
    return RankedDocument(
        doc_id=doc_id, rank=rank, score=score, raw_score=score, first_stage_rank=rank, first_stage_score=1.0, grade=1
    )


def test_a_run_falls_strictly_and_the_model_s_scores_stand_in_jsonl(filled, tmp_path):
    documents = (ranked("d2", 1, 0.5), ranked("d1", 2, 0.5), ranked("d3", 3, -1.25))
    filled.store.rankings.add(filled.ranking(documents=documents))
    filled.store.rankings.add(filled.ranking(query_id="q2", documents=documents[:1]))
    (stock,) = filled.store.rankings.stock(filled.collection.collection_id)
    bundle = exporting.run_bundle(filled.store, filled.collection, stock, "my version")
    folder, manifest = written(bundle, tmp_path)
    assert (folder / "run.txt").read_text() == (
        "q1 Q0 d2 1 3.0 my_version_pointwise-score\nq1 Q0 d1 2 2.0 my_version_pointwise-score\n"
        "q1 Q0 d3 3 1.0 my_version_pointwise-score\nq2 Q0 d2 1 1.0 my_version_pointwise-score\n"
    )
    assert [d.doc_id for d in read_run(folder / "run.txt")["q1"]] == ["d2", "d1", "d3"]
    assert len(list(ir_measures.read_trec_run(str(folder / "run.txt")))) == 4
    scores = [json.loads(line) for line in (folder / "scores.jsonl").read_text().splitlines()]
    assert [(s["doc_id"], s["raw_score"]) for s in scores[:3]] == [("d2", 0.5), ("d1", 0.5), ("d3", -1.25)]
    assert (manifest["filters"]["depth"], manifest["counts"]) == (10, {"queries": 2, "documents": 4})


def test_nothing_is_overwritten_and_nothing_half_stays(judged, tmp_path):
    bundle = exporting.qrels_bundle(judged.store, judged.collection, Whose(assessor="Ann"), "refuse")
    (tmp_path / "there").mkdir()
    for write in (write_folder, write_zip):
        with pytest.raises(ConflictError):
            write(bundle, tmp_path / "there")

    def breaks():
        yield "x"
        raise OSError("disk full")

    for write in (write_folder, write_zip):
        with pytest.raises(OSError, match="full"):
            write(replace(bundle, files={"a.txt": breaks()}), tmp_path / "new")
    assert {path.name for path in tmp_path.iterdir()} == {"home", "there"}


def test_a_zip_holds_the_same(judged, tmp_path):
    def bundle():
        return exporting.qrels_bundle(judged.store, judged.collection, Whose(assessor="Ann"), "refuse")

    write_zip(bundle(), tmp_path / "out.zip")
    (tmp_path / "again.zip").write_bytes(zipped(bundle()))
    folder, _ = written(bundle(), tmp_path)
    for name in ("out.zip", "again.zip"):
        with zipfile.ZipFile(tmp_path / name) as archive:
            assert sorted(archive.namelist()) == ["manifest.json", "qrels.txt"]
            assert archive.read("qrels.txt") == (folder / "qrels.txt").read_bytes()
            assert json.loads(archive.read("manifest.json"))["scale"]["relevant_from"] == TREC_DL.relevant_from
