"""Standings and excerpts: what a queue and a screen need, and no more."""

from dataclasses import replace

from data.records import AssessorKind, Document, Query, RankedDocument, Status
from data.scales import DEFAULT_SCALE


def ranked(doc_id, rank, **more):
    return RankedDocument(
        doc_id=doc_id, rank=rank, score=-rank, raw_score=None, first_stage_rank=rank, first_stage_score=-rank, **more
    )


def standings(filled, assessor):
    found = filled.store.standings.of(filled.collection.collection_id, assessor.assessor_id)
    return {standing.pair: standing for standing in found}


def test_a_pair_s_grades_by_kind_and_the_asking_person_s_own_word(filled):
    store, add = filled.store, filled.store.judgments.add
    student = store.assessors.ensure("base", AssessorKind.STUDENT, version_id="base")
    author = store.assessors.ensure("Sample author", AssessorKind.HUMAN, authored=True)
    other = store.assessors.ensure("Other", AssessorKind.TEACHER)
    for who, grade in ((student, 0), (filled.teacher, 3), (other, 1), (filled.ben, 2), (author, 0)):
        add(filled.judgment(assessor_id=who.assessor_id, grade=grade))
    add(filled.judgment(status=Status.LATER, grade=None))
    add(filled.judgment(assessor_id=student.assessor_id, grade=1))
    (found,) = standings(filled, filled.ann).values()
    assert (found.student, found.teacher, found.people) == (1, (1, 3), (2, 2)), "the student's newest, no author"
    assert (found.decided, found.mine) == (1, Status.LATER)
    assert standings(filled, filled.ben)["q1", "d1"].decided == 0
    store.judgments.undo(filled.collection.collection_id, filled.ann.assessor_id)
    assert standings(filled, filled.ann)["q1", "d1"].mine is None


def test_places_come_from_the_newest_ranking_of_each_query(filled):
    add = filled.store.rankings.add
    add(filled.ranking(documents=(ranked("d1", 1), ranked("d2", 2))))
    add(filled.ranking(documents=(ranked("d2", 1, probabilities={0: 0.3, 1: 0.7}), ranked("d3", 2))))
    add(filled.ranking(query_id="q2", documents=(ranked("d1", 4),)))
    filled.store.judgments.add(filled.judgment("q1", "d2"))
    found = standings(filled, filled.ben)
    assert {pair: s.rank for pair, s in found.items()} == {("q1", "d2"): 1, ("q1", "d3"): 2, ("q2", "d1"): 4}
    assert found["q1", "d2"].probabilities == (0.7, 0.3) and found["q1", "d2"].decided == 1


def test_pairs_that_nobody_decided_on_are_all_there_when_only_they_are_asked_for(filled):
    store, add = filled.store, filled.store.judgments.add
    author = store.assessors.ensure("Sample author", AssessorKind.HUMAN, authored=True)
    for doc_id, who, status in (
        ("d1", filled.teacher, Status.JUDGED),
        ("d2", filled.ben, Status.JUDGED),
        ("d3", filled.ben, Status.SKIPPED),
    ):
        add(filled.judgment("q1", doc_id, assessor_id=who.assessor_id, status=status, grade=_grade(status)))
    add(filled.judgment("q2", "d1", assessor_id=author.assessor_id, grade=1))
    add(filled.judgment("q2", "d2", assessor_id=filled.ben.assessor_id, grade=1))
    store.judgments.undo(filled.collection.collection_id, filled.ben.assessor_id)
    add(filled.judgment("q2", "d3", status=Status.LATER, grade=None))
    store.rankings.add(filled.ranking(documents=(ranked("d1", 1), ranked("d2", 2))))
    store.rankings.add(filled.ranking(query_id="q2", documents=(ranked("d2", 1),)))

    every = standings(filled, filled.ann)
    found = store.standings.of(filled.collection.collection_id, filled.ann.assessor_id, undecided=True)
    undecided = {standing.pair: standing for standing in found}
    assert len(found) == len(undecided) and undecided.items() <= every.items()
    assert {pair for pair, s in every.items() if not s.decided} <= undecided.keys()
    add(filled.judgment("q1", "d3", assessor_id=filled.ben.assessor_id, grade=2))
    store.rankings.add(filled.ranking(documents=(ranked("d1", 1),)))
    found = store.standings.of(filled.collection.collection_id, filled.ann.assessor_id, undecided=True)
    assert ("q1", "d2") not in {s.pair for s in found if not s.decided}
    assert ("q1", "d2") in standings(filled, filled.ann)


def _grade(status):
    return 1 if status is Status.JUDGED else None


def test_documents_that_a_query_excludes_are_not_offered(store):
    collection = store.collections.add(
        name="b",
        scale=DEFAULT_SCALE,
        documents=[Document(doc_id=f"d{i}", text="x") for i in range(3)],
        queries=[Query(query_id="q", text="?", excluded_ids=("d1",))],
    )
    made = replace(_ranking(collection), documents=tuple(ranked(f"d{i}", i + 1) for i in range(3)))
    store.rankings.add(made)
    found = store.standings.of(collection.collection_id, "nobody")
    assert sorted(s.doc_id for s in found) == ["d0", "d2"]


def _ranking(collection):
    from data.records import Ranking

    return Ranking(
        ranking_id="r",
        collection_id=collection.collection_id,
        query_id="q",
        query_text="?",
        method="m",
        version_id="base",
        base_model="b",
        prompt_sha256="p",
        scale_name="s",
        retriever="r",
        depth=3,
        fusion_weight=0.2,
        parameters={},
        seconds={},
        documents=(),
    )


def test_an_excerpt_is_counted_in_characters(store):
    text = "a👩b" + "é" * 10
    collection = store.collections.add(
        name="b",
        scale=DEFAULT_SCALE,
        documents=[Document(doc_id="d", text=text)],
        queries=[Query(query_id="q", text="why")],
    )
    found = store.excerpts.of(collection.collection_id, ["d", "none"], most=2)
    assert list(found) == ["d"]
    assert (found["d"].text, found["d"].length) == ("a👩", len(text))
    assert store.excerpts.of(collection.collection_id, ["d"], most=3, start=1)["d"].text == text[1:4]
    assert store.excerpts.queries(collection.collection_id, ["q", "x"], most=2) == {"q": "wh"}
