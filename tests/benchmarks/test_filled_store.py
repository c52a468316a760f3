"""The made-up store: as large as asked, the same for the same seed, and one that everything can work with."""

from collections import Counter

import pytest

from benchmarks import filled_store
from benchmarks.made_up import Size
from data.records import Alias, AssessorKind, Status
from data.settings import Settings
from engine.explanation.evidence import quotes
from engine.workbench import Workbench

TINY = Size(documents=60, queries=6, judgments=400, people=3, ranked=4, depth=5, pool=25)


@pytest.fixture
def filled(tmp_path):
    def made(name, seed):
        with Workbench.open(Settings(home=tmp_path / name)) as workbench:
            collection = filled_store.fill(workbench, TINY, seed)
            store = workbench.store
            documents = list(store.collections.documents(collection.collection_id))
            return collection, documents, list(store.judgments.events(collection.collection_id))

    return made


def test_the_same_seed_makes_the_same_store(filled):
    _, documents, events = filled("one", 7)
    _, again, events_again = filled("two", 7)
    assert documents == again
    people_and_teachers = TINY.judgments - 2 * TINY.ranked * TINY.depth
    assert events[:people_and_teachers] == events_again[:people_and_teachers]
    _, others, _ = filled("three", 8)
    assert others != documents


def test_there_is_as_much_of_everything_as_was_asked_for(tmp_path):
    with Workbench.open(Settings(home=tmp_path / "home")) as workbench:
        collection = filled_store.fill(workbench, TINY)
        store, collection_id = workbench.store, collection.collection_id
        events = list(store.judgments.events(collection_id))
        kinds = Counter(assessor.kind for assessor in store.assessors.list())
        champion = store.versions.alias(collection_id, Alias.CHAMPION)
        orders = {
            version.version_id: store.rankings.orders(collection_id, version_id=version.version_id)
            for version in store.versions.list()
        }
    assert (collection.documents, collection.queries, len(events)) == (TINY.documents, TINY.queries, TINY.judgments)
    assert kinds == {AssessorKind.HUMAN: TINY.people, AssessorKind.TEACHER: 2, AssessorKind.STUDENT: 2}
    assert champion.name == filled_store.VERSION
    assert [len(made) for made in orders.values()] == [TINY.ranked, TINY.ranked]
    assert {len(order.places) for made in orders.values() for order in made} == {TINY.depth}
    assert {Status.JUDGED, Status.SKIPPED, Status.LATER} <= {event.status for event in events}


def test_evidence_stands_where_it_says(filled):
    _, documents, events = filled("home", 0)
    texts = {document.doc_id: document.text for document in documents}
    quoted = [event for event in events if event.evidence]
    assert len(quoted) > TINY.judgments / 4
    for event in quoted:
        assert [e.quote for e in event.evidence] == quotes(event.explanation)
        for evidence in event.evidence:
            assert texts[event.doc_id][evidence.start_char : evidence.end_char] == evidence.quote
