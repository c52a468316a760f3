import pytest

from data.errors import ConflictError, NotFoundError, SettingsError
from data.records import AssessorKind, Document, Judgment, Query, Split, Version, new_id
from data.scales import DEFAULT_SCALE, FIVE_LEVEL, INTERANK, PRORANK, TREC_DL, Level, Scale
from data.store.documents import BATCH

OWN_SCALE = Scale(
    name="own",
    relevant_from=1,
    levels=(Level(grade=0, name="no", definition="does not"), Level(grade=1, name="yes", definition="does")),
)


def test_a_collection_comes_back_as_it_was_given(store):
    documents = [Document(doc_id="b", text="two"), Document(doc_id="a", text="one", title="Title")]
    queries = [Query(query_id="q", text="why", split=Split.HELDOUT), Query(query_id="p", text="how")]
    made = store.collections.add(
        name=" mine ", scale=OWN_SCALE, documents=documents, queries=queries, guidelines="Be fair.", source="here"
    )
    assert (made.name, made.scale, made.guidelines, made.source) == ("mine", OWN_SCALE, "Be fair.", "here")
    assert (made.documents, made.queries, made.guideline_version, made.index_path) == (2, 2, 1, None)
    assert store.collections.get("mine") == store.collections.get(made.collection_id) == made
    assert store.collections.list() == [made]
    assert list(store.collections.documents(made.collection_id)) == documents[::-1]
    assert store.collections.queries(made.collection_id) == queries[::-1]
    assert store.collections.query(made.collection_id, "q") == queries[0]


def test_names_are_taken_once_and_unknown_ones_are_answered_with_those_there_are(filled):
    with pytest.raises(ConflictError, match="small"):
        filled.store.collections.add(name="small", scale=DEFAULT_SCALE, documents=[])
    other = filled.store.collections.add(name="other", scale=DEFAULT_SCALE, documents=[])
    with pytest.raises(ConflictError):
        filled.store.collections.rename(other.collection_id, "small")
    assert filled.store.collections.rename(other.collection_id, "other").name == "other"
    assert filled.store.collections.rename(other.collection_id, "third").name == "third"
    with pytest.raises(NotFoundError, match="small, third"):
        filled.store.collections.get("other")
    with pytest.raises(SettingsError):
        filled.store.collections.rename(other.collection_id, "  ")


def test_an_error_half_way_leaves_nothing(store):
    def broken():
        yield Document(doc_id="a", text="one")
        raise RuntimeError("the file ended")

    with pytest.raises(RuntimeError):
        store.collections.add(name="half", scale=DEFAULT_SCALE, documents=broken())
    with pytest.raises(ConflictError):
        store.collections.add(name="twice", scale=DEFAULT_SCALE, documents=[Document(doc_id="a", text="one")] * 2)
    with pytest.raises(NotFoundError):
        store.collections.add(
            name="labels",
            scale=DEFAULT_SCALE,
            documents=[Document(doc_id="a", text="one")],
            judgments=[
                Judgment(event_id=new_id(), collection_id="x", query_id="q", doc_id="a", assessor_id="nobody", grade=1)
            ],
        )
    assert store.collections.list() == []


def test_documents_by_page_and_id(filled):
    collection_id = filled.collection.collection_id
    assert [d.doc_id for d in filled.store.collections.page(collection_id, offset=1, limit=2)] == ["d2", "d3"]
    found = filled.store.collections.documents_by_id(collection_id, ["d5", "d9", "d1"])
    assert {key: d.title for key, d in found.items()} == {"d1": "Title 1", "d5": "Title 5"}


def test_many_documents_stream_in_order_and_progress_is_told(store):
    documents = [Document(doc_id=f"{i:05}", text="x") for i in range(2 * BATCH)]
    told = []
    made = store.collections.add(name="many", scale=DEFAULT_SCALE, documents=documents, on_progress=told.append)
    assert list(store.collections.documents(made.collection_id)) == documents
    assert told == [BATCH, 2 * BATCH]


def test_a_typed_query_is_stored_once(filled):
    collection_id = filled.collection.collection_id
    typed = filled.store.collections.add_query(collection_id, "  what is\n this? ")
    assert (typed.text, typed.split, typed.query_id[:2], len(typed.query_id)) == ("what is this?", None, "u-", 14)
    assert filled.store.collections.add_query(collection_id, "what  is this?") == typed
    assert filled.store.collections.add_query(collection_id, "why 1").query_id == "q1"
    assert filled.store.collections.get("small").queries == 4
    with pytest.raises(SettingsError):
        filled.store.collections.add_query(collection_id, " ")
    with pytest.raises(NotFoundError):
        filled.store.collections.add_query("no-collection", "why")
    with pytest.raises(NotFoundError):
        filled.store.collections.query(collection_id, "q9")


def test_guidelines_and_scale_have_versions(filled):
    collections, collection_id = filled.store.collections, filled.collection.collection_id
    assert collections.set_rules(collection_id, guidelines="", changed_by="Ada").guideline_version == 1
    changed = collections.set_rules(collection_id, guidelines="Read all of it.", changed_by="Ada")
    assert (changed.guidelines, changed.guideline_version, changed.scale) == ("Read all of it.", 2, TREC_DL)
    changed = collections.set_rules(collection_id, scale=FIVE_LEVEL, changed_by="Ben")
    assert (changed.guidelines, changed.guideline_version, changed.scale) == ("Read all of it.", 3, FIVE_LEVEL)
    rules = collections.rules(collection_id)
    assert [(r.version, r.guidelines, r.scale.name, r.changed_by) for r in rules] == [
        (1, "", "trec-dl", ""),
        (2, "Read all of it.", "trec-dl", "Ada"),
        (3, "Read all of it.", "five-level", "Ben"),
    ]


def test_a_grade_that_was_given_stays_on_the_scale(filled):
    filled.store.judgments.add(filled.judgment(grade=2))
    with pytest.raises(ConflictError, match="1 judgments have a grade above 1"):
        filled.store.collections.set_rules(filled.collection.collection_id, scale=PRORANK, changed_by="me")
    assert filled.store.collections.get("small").guideline_version == 1
    filled.store.collections.set_rules(filled.collection.collection_id, scale=INTERANK, changed_by="me")


def test_documents_a_query_excludes_are_kept(store):
    query = Query(query_id="q", text="what", excluded_ids=("d2", "d1"))
    made = store.collections.add(name="b", scale=TREC_DL, documents=[], queries=[query])
    assert store.collections.queries(made.collection_id) == [query]


def test_the_index_is_recorded(filled):
    collections, collection_id = filled.store.collections, filled.collection.collection_id
    indexed = collections.set_index(collection_id, path="indexes/a", backend="bm25s", note="no Java")
    assert (indexed.index_path, indexed.index_backend, indexed.index_note) == ("indexes/a", "bm25s", "no Java")
    with pytest.raises(NotFoundError):
        collections.set_index("none", path="", backend="", note=None)


def test_what_hangs_on_a_collection_goes_with_it_and_nothing_else(filled):
    collection_id = filled.collection.collection_id
    filled.store.versions.add(Version(version_id="v", name="v", base_model="b", collection_id=collection_id))
    student = filled.store.assessors.ensure("v", AssessorKind.STUDENT, version_id="v")
    filled.store.judgments.add_many([filled.judgment(), filled.judgment(assessor_id=student.assessor_id)])
    filled.store.rankings.add(filled.ranking(version_id="v"))
    assert filled.store.collections.hanging(collection_id) == {
        "documents": 5,
        "queries": 3,
        "judgments": 2,
        "rankings": 1,
        "jobs": 0,
        "versions": 1,
        "evaluations": 0,
    }
    other = filled.store.collections.add(
        name="other", scale=DEFAULT_SCALE, documents=[], queries=[Query(query_id="q1", text="why")]
    )
    filled.store.rankings.add(filled.ranking(collection_id=other.collection_id, version_id="v"))
    with pytest.raises(ConflictError, match="another collection"):
        filled.store.collections.delete(collection_id)
    filled.store.collections.delete(other.collection_id)
    filled.store.collections.delete(collection_id)
    assert filled.store.collections.list() == []
    assert [v.version_id for v in filled.store.versions.list()] == ["base"]
    assert [a.name for a in filled.store.assessors.list()] == ["Ann", "Ben", "Teacher"]


def test_assessors_are_made_once(filled):
    ensure = filled.store.assessors.ensure
    assert ensure(" Ann ", AssessorKind.HUMAN) == filled.ann
    assert ensure("Ann", AssessorKind.TEACHER) != filled.ann
    assert filled.store.assessors.get(filled.ann.assessor_id) == filled.ann
    assert filled.store.assessors.list(AssessorKind.HUMAN) == [filled.ann, filled.ben]
    base = ensure("base", AssessorKind.STUDENT, version_id="base")
    assert ensure("renamed", AssessorKind.STUDENT, version_id="base") == base
    with pytest.raises(NotFoundError):
        filled.store.assessors.get("nobody")
    with pytest.raises(NotFoundError):
        ensure("ghost", AssessorKind.STUDENT, version_id="no-version")
    for name, kind, version_id in (("", AssessorKind.HUMAN, None), ("s", AssessorKind.STUDENT, None)):
        with pytest.raises(SettingsError):
            ensure(name, kind, version_id=version_id)


def test_an_authored_assessor_is_never_mistaken_for_a_real_one(filled):
    ensure = filled.store.assessors.ensure
    author = ensure("Author", AssessorKind.HUMAN, authored=True)
    assert author.authored
    assert ensure("Author", AssessorKind.HUMAN, authored=True) == author
    with pytest.raises(ConflictError, match="sample"):
        ensure("Author", AssessorKind.HUMAN)
    with pytest.raises(ConflictError, match="real"):
        ensure("Ann", AssessorKind.HUMAN, authored=True)


def test_queries_are_added_once_by_their_ids(filled):
    stored, collection_id = filled.store.collections, filled.collection.collection_id
    before = stored.queries(collection_id)
    given = [Query(query_id=f"made-{n}", text=f"number {n}", split=Split.TRAIN) for n in range(3)]
    assert stored.add_queries(collection_id, given[:2]) == 2
    assert stored.add_queries(collection_id, [*given, given[2]]) == 1
    assert stored.add_queries(collection_id, []) == 0
    added = [query for query in stored.queries(collection_id) if query not in before]
    assert added == given and stored.get(collection_id).queries == len(before) + 3
