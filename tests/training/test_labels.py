from dataclasses import replace

from data.records import AssessorKind, Judgment, Split, Status, new_id
from training import labels
from training.splits import split_of


def judge(store, collection, name, kind, query_id, doc_id, grade, *, authored=False, settles=()):
    assessor = store.assessors.ensure(name, kind, authored=authored)
    judgment = Judgment(
        event_id=new_id(),
        collection_id=collection.collection_id,
        query_id=query_id,
        doc_id=doc_id,
        assessor_id=assessor.assessor_id,
        status=Status.CANT_JUDGE if grade is None else Status.JUDGED,
        grade=grade,
        settles=settles,
    )
    store.judgments.add(judgment)
    return judgment


def heldout_query(made):
    return next(query for query in made.queries if split_of(query) is Split.HELDOUT)


def test_labels_are_people_s_on_held_out_queries(workbench, collection, made):
    held = labels.heldout(workbench.store, collection)
    assert set(held.qrels) == {query.query_id for query in made.queries if query.split is Split.HELDOUT}
    assert all(
        made.grades[query_id, doc_id] == grade
        for query_id, docs in held.qrels.items()
        for doc_id, grade in docs.items()
    )
    assert held.words == "labels of one person (Synthetic person)"


def test_a_teacher_never_gets_in_and_can_t_make_a_conflict(workbench, collection, made):
    query_id = heldout_query(made).query_id
    before = labels.heldout(workbench.store, collection)
    grade = 3 - made.grades[query_id, f"{query_id}-0"]
    judge(workbench.store, collection, "T", AssessorKind.TEACHER, query_id, f"{query_id}-0", grade)
    assert labels.heldout(workbench.store, collection) == before


def test_pairs_people_disagree_on_are_left_out_and_counted(workbench, collection, made):
    query_id = heldout_query(made).query_id
    grade = made.grades[query_id, f"{query_id}-0"]
    judge(workbench.store, collection, "Bob", AssessorKind.HUMAN, query_id, f"{query_id}-0", 3 - grade)
    held = labels.heldout(workbench.store, collection)
    assert f"{query_id}-0" not in held.qrels[query_id]
    assert held.conflicts == 1
    assert held.words == "labels of 2 people (Bob, Synthetic person)"


def test_a_settled_grade_is_the_label_until_the_conflict_is_reopened(workbench, collection, made):
    query_id, store = heldout_query(made).query_id, workbench.store
    pair = query_id, f"{query_id}-0"
    judge(store, collection, "Bob", AssessorKind.HUMAN, *pair, 3 - made.grades[pair])
    both = tuple(e.event_id for e in store.judgments.history(collection.collection_id, *pair))
    judge(store, collection, "Lead", AssessorKind.HUMAN, *pair, 1, settles=both)
    held = labels.heldout(store, collection)
    assert held.qrels[query_id][pair[1]] == 1 and held.conflicts == 0
    judge(store, collection, "Lead", AssessorKind.HUMAN, *pair, None, settles=both)
    held = labels.heldout(store, collection)
    assert pair[1] not in held.qrels[query_id] and held.conflicts == 0
    judge(store, collection, "Cy", AssessorKind.HUMAN, *pair, 2)
    assert labels.heldout(store, collection).conflicts == 1


def test_a_document_that_the_query_excludes_is_no_label(workbench, collection, made):
    query = heldout_query(made)
    judgments = workbench.store.judgments.current(collection.collection_id, query_ids=[query.query_id])
    people = {assessor.assessor_id: assessor for assessor in workbench.store.assessors.list()}
    excluded = f"{query.query_id}-3"
    held = labels.labels([replace(query, excluded_ids=(excluded,))], judgments, people)
    assert set(held.qrels[query.query_id]) == {f"{query.query_id}-{i}" for i in range(4)} - {excluded}


def test_labels_of_people_on_any_queries_are_asked_for_by_name(workbench, collection, made):
    query = next(query for query in made.queries if split_of(query) is Split.TRAIN)
    judgments = workbench.store.judgments.current(collection.collection_id, query_ids=[query.query_id])
    people = {assessor.assessor_id: assessor for assessor in workbench.store.assessors.list()}
    assert labels.labels([query], judgments, people).qrels == {}
    assert set(labels.of_people([query], judgments, people).qrels) == {query.query_id}


def test_the_words_say_what_was_written_for_the_sample(sample_store):
    held = labels.heldout(sample_store, sample_store.collections.get("sample"))
    assert "written for the sample collection, not measured" in held.words


def test_the_hash_follows_queries_and_labels():
    qrels = {"a": {"d": 1, "e": 0}, "b": {"d": 2}}
    first = labels.heldout_sha256(qrels, ["a", "b"])
    assert first == labels.heldout_sha256({"b": {"d": 2}, "a": {"e": 0, "d": 1}}, ["b", "a"])
    assert first != labels.heldout_sha256(qrels, ["a"])
    assert first != labels.heldout_sha256({"a": {"d": 1, "e": 1}, "b": {"d": 2}}, ["a", "b"])
