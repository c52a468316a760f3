from itertools import islice

import pytest

from data.errors import TrainingError
from data.records import Assessor, AssessorKind, Judgment, Query, Split
from training.corrections import ASSUMED, assumed, dealt, given, order, planned, wanted
from training.splits import split_of

RANKED = {"q1": ["a", "b", "c", "d", "e"], "q2": ["f", "g"], "q3": []}


def corrections(seed=0, per_visit=2, ranked=RANKED):
    return list(order(ranked, ranked.__getitem__, seed=seed, per_visit=per_visit))


def test_a_visit_takes_the_first_documents_and_the_next_one_goes_on_there():
    given = corrections()
    assert sorted(given) == [("q1", d) for d in "abcde"] + [("q2", d) for d in "fg"]
    assert [doc_id for query_id, doc_id in given if query_id == "q1"] == list("abcde")
    # Both queries are visited before one is visited again.
    assert {query_id for query_id, _ in given[:4]} == {"q1", "q2"}
    assert given[4:] == [("q1", "c"), ("q1", "d"), ("q1", "e")]


def test_the_order_of_queries_is_the_seed_s_and_always_the_same():
    ranked = {f"q{i}": [f"d{i}"] for i in range(12)}
    first = corrections(0, ranked=ranked)
    assert first == corrections(0, ranked=dict(reversed(ranked.items())))
    assert first != corrections(1, ranked=ranked)
    assert sorted(first) == sorted(corrections(1, ranked=ranked))


def test_only_queries_that_are_visited_are_ranked_and_each_once():
    asked = []

    def candidates(query_id):
        asked.append(query_id)
        return list("abc")

    assert len(list(islice(order([f"q{i}" for i in range(9)], candidates, seed=0, per_visit=2), 5))) == 5
    assert len(asked) == len(set(asked)) == 3


def test_nothing_to_correct_is_an_end():
    assert list(order(["q"], lambda _: [], seed=0, per_visit=5)) == []


def query(query_id, split=None):
    return Query(query_id=query_id, text=f"text of {query_id}", split=split)


def test_the_collection_s_own_split_is_followed():
    queries = [query("a", Split.TRAIN), query("b", Split.HELDOUT), *(query(f"q{i}") for i in range(20))]
    assert [q.split for q in dealt(queries, {}, heldout=None, relevant_from=1)] == [split_of(q) for q in queries]


def test_so_many_are_held_out_those_first_that_are_anyway():
    queries = [query(f"q{i:02}") for i in range(43)]
    qrels = {q.query_id: {"d": 2, "e": 0} for q in queries}
    found = dealt(queries, qrels, heldout=20, relevant_from=2)
    held = {q.query_id for q in found if q.split is Split.HELDOUT}
    assert len(held) == 20
    assert sum(q.split is Split.TRAIN for q in found) == 23
    anyway = {q.query_id for q in queries if split_of(q) is Split.HELDOUT}
    assert anyway <= held or held <= anyway
    assert dealt(list(reversed(queries)), qrels, heldout=20, relevant_from=2) == list(reversed(found))
    fewer = {q.query_id for q in dealt(queries, qrels, heldout=5, relevant_from=2) if q.split is Split.HELDOUT}
    assert fewer < held


def test_what_can_t_measure_is_not_held_out_and_unlabelled_queries_keep_their_use():
    queries = [query("a"), query("b"), query("c", Split.DEVELOPMENT)]
    found = dealt(queries, {"a": {"d": 1}, "b": {"d": 3}}, heldout=1, relevant_from=2)
    assert [q.split for q in found] == [Split.TRAIN, Split.HELDOUT, Split.DEVELOPMENT]


@pytest.mark.parametrize("heldout", [2, 3])
def test_some_must_be_left_to_correct(heldout):
    queries = [query("a"), query("b")]
    with pytest.raises(TrainingError, match=f"{heldout} queries can't be held out: 2 have people's labels"):
        dealt(queries, {"a": {"d": 3}, "b": {"d": 3}}, heldout=heldout, relevant_from=2)


def test_only_people_s_judgments_wait_for_their_turn():
    assessors = {
        kind.value: Assessor(assessor_id=kind.value, name=kind.value, kind=kind)
        for kind in (AssessorKind.HUMAN, AssessorKind.TEACHER)
    }
    judgments = [
        Judgment(event_id=f"{i} {who}", collection_id="c", query_id="q", doc_id=str(i), assessor_id=who, grade=1)
        for i in range(2)
        for who in assessors
    ]
    known = given(judgments, assessors, [("q", "1")])
    assert [(j.assessor_id, j.doc_id) for j in known] == [("teacher", "0"), ("human", "1"), ("teacher", "1")]


def test_an_assumed_grade_is_told_from_a_given_one():
    (judgment,) = assumed("c", [("q", "d")], 0)
    assert (judgment.assessor_id, judgment.grade, judgment.query_id, judgment.doc_id) == (ASSUMED, 0, "q", "d")


def test_long_trainings_are_done_once():
    assert wanted((0, 25, 100, 400), (3, 1), once_from=400) == {3: [25, 100, 400], 1: [25, 100]}
    assert wanted((0, 25), (3, 1), once_from=None) == {3: [25], 1: [25]}


def test_more_than_there_is_becomes_all_there_is_once():
    asked = {0: [25, 100, 400], 1: [25]}
    assert planned(asked, {0: 500, 1: 25}) == [(25, 0), (25, 1), (100, 0), (400, 0)]
    assert planned(asked, {0: 63, 1: 10}) == [(10, 1), (25, 0), (63, 0)]
    assert planned(asked, {0: 0, 1: 0}) == []
