import json
from dataclasses import replace

import pytest

from data.errors import ConflictError, ImportRefusedError, NotFoundError, SettingsError
from data.importing import export_judgments, import_collection, import_judgments
from data.records import AssessorKind, Evidence, Split, Status, Version
from data.scales import PRORANK
from data.store import Store

HUMAN = AssessorKind.HUMAN


@pytest.fixture
def folder(tmp_path):
    """A BEIR folder with three queries, one of which says no split."""
    path = tmp_path / "set"
    path.mkdir()
    write(path / "corpus.jsonl", *({"_id": f"d{i}", "text": f"Text {i}"} for i in range(1, 5)))
    write(
        path / "queries.jsonl",
        {"_id": "q1", "text": "one", "metadata": {"split": "train"}},
        {"_id": "q2", "text": "two", "metadata": {"split": "dev"}},
        {"_id": "q3", "text": "three"},
    )
    (path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t2\nq3\td3\t3\n")
    return path


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def unsplit(folder):
    write(folder / "queries.jsonl", *({"_id": f"q{i}", "text": str(i)} for i in (1, 2, 3)))


def labels(store, collection):
    found = store.judgments.current(collection.collection_id)
    return {(j.query_id, j.doc_id): j.grade for j in found}


def splits(store, collection):
    return {q.query_id: q.split for q in store.collections.queries(collection.collection_id)}


def is_empty(store):
    return store.collections.list() == [] and store.assessors.list() == []


def test_a_beir_folder_with_labels(store, folder):
    told = []
    made = import_collection(
        store, name="set", path=folder, assessor="Experts", kind=HUMAN, on_progress=lambda *step: told.append(step)
    )
    assert (made.documents, made.queries, made.source) == (4, 3, "set")
    assert labels(store, made) == {("q1", "d1"): 1, ("q2", "d2"): 2, ("q3", "d3"): 3}
    assert splits(store, made) == {"q1": Split.TRAIN, "q2": Split.HELDOUT, "q3": None}
    (experts,) = store.assessors.list()
    assert (experts.name, experts.kind, experts.authored) == ("Experts", HUMAN, False)
    assert told == [("Storing documents", 4, 4)]


def test_without_an_assessor_a_folder_comes_without_labels(store, folder):
    assert labels(store, import_collection(store, name="set", path=folder)) == {}
    assert store.assessors.list() == []


def test_labels_need_a_whole_assessor(store, folder):
    for given in (
        {"qrels": folder / "qrels.tsv"},
        {"assessor": "A"},
        {"kind": HUMAN},
        {"assessor": "A", "kind": AssessorKind.STUDENT},
    ):
        with pytest.raises(SettingsError):
            import_collection(store, name="set", path=folder, **given)
    (folder / "qrels.tsv").unlink()
    with pytest.raises(SettingsError, match="no labels"):
        import_collection(store, name="set", path=folder, assessor="A", kind=HUMAN)
    assert is_empty(store)


def test_a_file_of_documents(store, folder):
    made = import_collection(store, name="texts", path=folder / "corpus.jsonl")
    assert (made.documents, made.queries, made.source) == (4, 0, "corpus.jsonl")


def test_the_split_of_the_queries_chooses_the_labels(store, folder):
    made = import_collection(store, name="set", path=folder, split="dev", assessor="A", kind=HUMAN)
    # q3 names no split, and nothing says that it is another one.
    assert labels(store, made) == {("q2", "d2"): 2, ("q3", "d3"): 3}
    with pytest.raises(SettingsError, match="dev, train"):
        import_collection(store, name="other", path=folder, split="test", assessor="A", kind=HUMAN)


def test_where_no_query_names_a_split_the_labels_make_it(store, folder):
    unsplit(folder)
    (folder / "more.tsv").write_text("q2 0 d2 1\n")
    made = import_collection(
        store, name="set", path=folder, qrels=folder / "more.tsv", split="train", assessor="A", kind=HUMAN
    )
    assert labels(store, made) == {("q2", "d2"): 1}
    assert splits(store, made) == {"q1": None, "q2": Split.TRAIN, "q3": None}


def test_files_of_a_qrels_folder_are_splits_and_in_doubt_a_query_is_held_out(store, folder):
    unsplit(folder)
    (folder / "qrels.tsv").unlink()
    (folder / "qrels").mkdir()
    (folder / "qrels" / "train.tsv").write_text("q1 0 d1 1\nq2 0 d1 1\n")
    (folder / "qrels" / "test.tsv").write_text("q2 0 d2 2\n")
    every = import_collection(store, name="set", path=folder, assessor="A", kind=HUMAN)
    assert labels(store, every) == {("q1", "d1"): 1, ("q2", "d1"): 1, ("q2", "d2"): 2}
    assert splits(store, every) == {"q1": Split.TRAIN, "q2": Split.HELDOUT, "q3": None}
    one = import_collection(store, name="one", path=folder, split="test", assessor="A", kind=HUMAN)
    assert labels(store, one) == {("q2", "d2"): 2}
    assert splits(store, one) == splits(store, every)
    with pytest.raises(SettingsError, match="test, train"):
        import_collection(store, name="none", path=folder, split="dev", assessor="A", kind=HUMAN)


def test_bad_rows_of_all_files_are_told_at_once_and_nothing_stays(store, folder):
    with (folder / "corpus.jsonl").open("ab") as file:
        file.write(b'{"_id": "d1", "text": "twice"}\n{"_id": "d9", "text": ""}\nbroken\n\xff\n')
    with (folder / "queries.jsonl").open("a") as file:
        file.write('{"_id": "q4"}\n')
    with (folder / "qrels.tsv").open("a") as file:
        file.write("q1\td2\t4\nq1\td3\t-1\nq9\td1\t1\nq1\tx\t1\nq1\td4\n")
    with pytest.raises(ImportRefusedError) as caught:
        import_collection(store, name="set", path=folder, assessor="A", kind=HUMAN)
    assert caught.value.count == 10
    assert {(row.file, row.line) for row in caught.value.rows} == {
        *(("corpus.jsonl", line) for line in (5, 6, 7, 8)),
        ("queries.jsonl", 4),
        *(("qrels.tsv", line) for line in (5, 6, 7, 8, 9)),
    }
    assert is_empty(store)


def test_a_file_that_turns_bad_between_check_and_store_leaves_nothing(store, folder):
    def spoil(stage, done, total):
        if (stage, done) == ("Storing documents", 1000):
            with (folder / "corpus.jsonl").open("a") as file:
                file.write('{"_id": "x1"')

    write(folder / "corpus.jsonl", *({"_id": f"d{i}", "text": "x"} for i in range(1500)))
    opened = (folder / "corpus.jsonl").read_bytes()
    import_collection(store, name="good", path=folder)
    assert (folder / "corpus.jsonl").read_bytes() == opened
    with pytest.raises(ImportRefusedError):
        import_collection(store, name="spoiled", path=folder, assessor="A", kind=HUMAN, on_progress=spoil)
    assert [c.name for c in store.collections.list()] == ["good"]
    assert store.assessors.list() == []


def test_a_taken_name_leaves_no_assessor(store, folder):
    import_collection(store, name="set", path=folder)
    with pytest.raises(ConflictError):
        import_collection(store, name="set", path=folder, assessor="A", kind=HUMAN)
    assert store.assessors.list() == []


def test_what_is_not_there_or_empty_is_told(store, tmp_path, folder):
    with pytest.raises(NotFoundError):
        import_collection(store, name="set", path=tmp_path / "none.jsonl")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match=r"corpus\.jsonl"):
        import_collection(store, name="set", path=tmp_path / "empty")
    (folder / "corpus.jsonl").write_text("\n")
    with pytest.raises(ImportRefusedError) as caught:
        import_collection(store, name="set", path=folder)
    assert "no documents" in str(caught.value.rows[0])


def test_labels_of_another_assessor_come_later_and_only_once(store, folder, tmp_path):
    made = import_collection(store, name="set", path=folder)
    path = tmp_path / "teacher.tsv"
    path.write_text("q1 0 d1 3\nq1 0 d2 0\n")

    def again():
        return import_judgments(store, made, path, format="trec", assessor="T", kind=AssessorKind.TEACHER)

    assert again() == 2
    assert again() == 0
    path.write_text("q1 0 d1 3\nq1 0 d2 1\nq3 0 d3 1\n")
    assert again() == 2
    assert labels(store, made) == {("q1", "d1"): 3, ("q1", "d2"): 1, ("q3", "d3"): 1}
    path.write_text("q1 0 d1 0\nq1 0 d9 1\nq9 0 d1 1\nq1 0 d3 7\n")
    with pytest.raises(ImportRefusedError) as caught:
        again()
    assert [row.line for row in caught.value.rows] == [2, 3, 4]
    assert labels(store, made)["q1", "d1"] == 3
    with pytest.raises(SettingsError):
        import_judgments(store, made, path, format="trec")
    with pytest.raises(SettingsError, match="xml"):
        import_judgments(store, made, path, format="xml", assessor="A", kind=HUMAN)


def test_events_go_to_another_store_and_come_back(filled, tmp_path, fill):
    machine = filled.judgment(assessor_id=filled.teacher.assessor_id, explanation="As the text says.")
    human = filled.judgment(
        grade=3,
        explanation="Better said.",
        edited_from=machine.event_id,
        evidence=(Evidence(quote="Text", start_char=0, end_char=4),),
        model_visible=True,
        note="n",
    )
    later = filled.judgment("q2", grade=None, status=Status.LATER, assessor_id=filled.ben.assessor_id)
    filled.store.judgments.add_many([machine, human, later])
    path = tmp_path / "events.jsonl"
    path.write_text(export_judgments(filled.store, filled.collection, format="jsonl"))
    assert import_judgments(filled.store, filled.collection, path, format="jsonl") == 0

    with Store.open(tmp_path / "other.db") as store:
        other = fill(store)
        assert import_judgments(store, other.collection, path, format="jsonl") == 3
        assert other.current() == [
            replace(event, collection_id=other.collection.collection_id, assessor_id=whose.assessor_id)
            for event, whose in ((machine, other.teacher), (human, other.ann), (later, other.ben))
        ]
        # What people said goes alone as well, though it started from what the teacher had said.
        people = export_judgments(filled.store, filled.collection, format="jsonl", kinds=[HUMAN])
        assert len(people.splitlines()) == 2
    path.write_text(people)
    with Store.open(tmp_path / "third.db") as store:
        assert import_judgments(store, fill(store).collection, path, format="jsonl") == 2


def test_bad_events_are_told_and_nothing_is_stored(filled, tmp_path):
    path = tmp_path / "events.jsonl"
    good = {"query_id": "q1", "doc_id": "d1", "grade": 1, "assessor": {"name": "New", "kind": "human"}}
    student = {"name": "v9", "kind": "student", "version_id": "v9"}
    write(
        path,
        good,
        good | {"grade": 9},
        good | {"doc_id": "d9"},
        good | {"assessor": None},
        good | {"assessor": student},
        good | {"grade": None},
    )
    with pytest.raises(ImportRefusedError) as caught:
        import_judgments(filled.store, filled.collection, path, format="jsonl")
    assert sorted(row.line for row in caught.value.rows) == [2, 3, 4, 5, 6]
    assert filled.current() == []
    assert "New" not in [a.name for a in filled.store.assessors.list()]


def test_rows_without_an_assessor_are_the_named_ones_and_quotes_are_placed(filled, tmp_path):
    filled.store.versions.add(Version(version_id="v9", name="v9", base_model="b"))
    path = tmp_path / "events.jsonl"
    write(
        path,
        {"query_id": "q1", "doc_id": "d1", "grade": 1, "evidence": ["of 1", "not there"]},
        {"query_id": "q1", "doc_id": "d2", "grade": 1, "assessor": {"name": "New", "kind": "human"}},
        {"query_id": "q1", "doc_id": "d3", "grade": 1, "assessor": {"name": "New", "kind": "human"}},
        {
            "query_id": "q1",
            "doc_id": "d4",
            "grade": 1,
            "assessor": {"name": "v9", "kind": "student", "version_id": "v9"},
        },
    )
    assert import_judgments(filled.store, filled.collection, path, format="jsonl", assessor="Ann", kind=HUMAN) == 4
    found = filled.current()
    names = {a.assessor_id: a.name for a in filled.store.assessors.list()}
    assert [names[j.assessor_id] for j in found] == ["Ann", "New", "New", "v9"]
    assert found[0].evidence == (Evidence(quote="of 1", start_char=5, end_char=9), Evidence(quote="not there"))


def test_qrels_hold_one_grade_a_pair(filled, tmp_path):
    filled.store.judgments.add_many(
        [
            filled.judgment("q1", "d2", grade=0),
            filled.judgment("q1", "d1", grade=2),
            filled.judgment("q1", "d1", grade=3),
            filled.judgment("q2", "d1", grade=None, status=Status.CANT_JUDGE),
            filled.judgment("q1", "d2", grade=0, assessor_id=filled.ben.assessor_id),
            filled.judgment("q1", "d2", grade=1, assessor_id=filled.teacher.assessor_id),
        ]
    )
    export = filled.store, filled.collection
    assert export_judgments(*export, format="trec", kinds=[HUMAN]) == "q1 0 d1 3\nq1 0 d2 0\n"
    assert export_judgments(*export, format="trec", assessor="Teacher") == "q1 0 d2 1\n"
    with pytest.raises(ConflictError, match="one assessor"):
        export_judgments(*export, format="trec")
    with pytest.raises(NotFoundError, match="Ann, Ben"):
        export_judgments(*export, format="trec", kinds=[HUMAN], assessor="Teacher")
    with pytest.raises(SettingsError):
        export_judgments(*export, format="csv")


def test_qrels_hold_what_was_settled(filled):
    said = [
        filled.judgment("q1", "d1", grade=0),
        filled.judgment("q1", "d1", grade=3, assessor_id=filled.ben.assessor_id),
    ]
    filled.store.judgments.add_many(said)
    export = filled.store, filled.collection
    with pytest.raises(ConflictError, match="Adjudication"):
        export_judgments(*export, format="trec", kinds=[HUMAN])
    settled = replace(filled.judgment("q1", "d1", grade=2), settles=tuple(event.event_id for event in said))
    filled.store.judgments.add(settled)
    assert export_judgments(*export, format="trec", kinds=[HUMAN]) == "q1 0 d1 2\n"


def test_a_grade_is_checked_by_the_collections_own_scale(store, folder):
    with pytest.raises(ImportRefusedError) as caught:
        import_collection(store, name="set", path=folder, assessor="A", kind=HUMAN, scale=PRORANK)
    assert [row.line for row in caught.value.rows] == [3, 4]
    assert "prorank (0, 1)" in caught.value.rows[0].reason
