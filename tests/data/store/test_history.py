"""Every event in a list: what it says, what was said before, what was taken back."""

import pytest

from data.history import Wanted
from data.records import Status


@pytest.fixture
def listed(filled):
    """doc_ids (or another field) of what is listed."""

    def of(field="doc_id", *, limit=50, offset=0, **wanted):
        lines = filled.store.history.page(filled.collection.collection_id, Wanted(**wanted), limit=limit, offset=offset)
        return [getattr(line, field) for line in lines]

    return of


def test_before_and_after_and_what_was_undone(filled, listed):
    store, collection_id = filled.store, filled.collection.collection_id
    first, second = filled.judgment(grade=0), filled.judgment(grade=3)
    store.judgments.add_many([first, filled.judgment(assessor_id=filled.ben.assessor_id, grade=2), second])
    store.judgments.undo(collection_id, filled.ann.assessor_id)
    lines = store.history.page(collection_id, Wanted(), limit=10)
    assert [(line.grade_before, line.grade, line.undone) for line in lines] == [
        (3, 0, False),
        (0, 3, True),
        (None, 2, False),
        (None, 0, False),
    ]
    assert lines[0].undoes == second.event_id and lines[1].undoes is None
    assert lines[1].status_before is Status.JUDGED and lines[3].status_before is None


def test_filters_and_words(filled, listed):
    filled.store.judgments.add_many(
        [
            filled.judgment(doc_id="d1", explanation="Hard WATER binds"),
            filled.judgment(doc_id="d2", note="100% sure"),
            filled.judgment(query_id="q2", doc_id="d3", grade=None, status=Status.SKIPPED),
            filled.judgment(query_id="q2", doc_id="d4", assessor_id=filled.ben.assessor_id),
        ]
    )
    assert listed() == ["d4", "d3", "d2", "d1"]
    assert listed(words="water hard") == ["d1"] and listed(words="why 2") == ["d4", "d3", "d2"]
    assert listed(words="100%") == ["d2"] and listed(words="D_") == []
    assert listed(statuses=(Status.SKIPPED,)) == ["d3"]
    assert listed(assessor_id=filled.ben.assessor_id) == ["d4"]
    assert listed(pair=("q2", "d3")) == ["d3"]
    assert filled.store.history.count(filled.collection.collection_id, Wanted(words="why 2")) == 3


def test_pages_and_all_of_them(filled, listed):
    filled.store.judgments.add_many(filled.judgment(doc_id=f"d{i}", explanation="x" * 1000) for i in (1, 2, 3, 4, 5))
    assert listed(limit=2) == ["d5", "d4"] and listed(limit=2, offset=4) == ["d1"]
    assert {len(text) for text in listed("explanation")} == {300}
    every = list(filled.store.history.all(filled.collection.collection_id, Wanted()))
    assert [line.doc_id for line in every] == ["d5", "d4", "d3", "d2", "d1"]


def test_another_collection_s_events_are_not_listed(filled, listed, store, fill):
    filled.store.judgments.add(filled.judgment())
    other = store.collections.add(name="other", scale=filled.collection.scale, documents=[], queries=[])
    assert store.history.page(other.collection_id, Wanted(), limit=5) == []
    assert store.history.count(other.collection_id, Wanted()) == 0
