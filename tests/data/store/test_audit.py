"""The audit log: in the transaction of what it tells, and never changed."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from data.audit import Action
from data.errors import ConflictError
from data.importing_judgments import import_judgments
from data.people import Person, Role
from data.records import Alias, AliasEvent, AssessorKind, Version
from data.scales import FIVE_LEVEL


def told(store, **asked):
    return [(e.actor, e.action, e.subject) for e in store.audit.list(limit=100, **asked)]


def promotion(filled, previous="base"):
    return AliasEvent(
        collection_id=filled.collection.collection_id,
        alias=Alias.CHAMPION,
        version_id="v1",
        previous_version_id=previous,
        reason="better",
        actor="Ann",
    )


def test_who_did_what_is_told_newest_first(filled, tmp_path):
    store = filled.store
    store.versions.add(Version(version_id="v1", name="small-1", base_model="b"))
    store.versions.move(promotion(filled))
    store.people.add(Person(name="", login="i ben", role=Role.ASSESSOR, changed_by="first time"), ["Bea"])
    store.people.set_role("i ben", Role.LEAD, "Ann")
    qrels = tmp_path / "labels.tsv"
    qrels.write_text("q1 0 d1 2\nq1 0 d2 1\n")
    labels = {"assessor": "experts", "kind": AssessorKind.HUMAN, "by": "Bea"}
    assert import_judgments(store, filled.collection, qrels, **labels) == 2
    store.collections.set_rules(filled.collection.collection_id, guidelines="Read.", changed_by="Bea")
    store.collections.add(name="other", scale=FIVE_LEVEL, documents=[], source="x.jsonl", by="Ann")
    store.collections.delete(store.collections.get("other").collection_id, by="Bea")
    assert told(store) == [
        ("Bea", Action.COLLECTION_DELETED, "other"),
        ("Ann", Action.COLLECTION_IMPORTED, "other"),
        ("Bea", Action.RULES_CHANGED, "small"),
        ("Bea", Action.JUDGMENTS_IMPORTED, "small"),
        ("Ann", Action.ROLE_GIVEN, "Bea"),
        ("first time", Action.ROLE_GIVEN, "Bea"),
        ("Ann", Action.ALIAS_MOVED, "small"),
        ("", Action.COLLECTION_IMPORTED, "small"),
    ]
    (move,) = store.audit.list(limit=9, action=Action.ALIAS_MOVED)
    assert move.details == {"alias": "champion", "version": "small-1", "previous": "base", "reason": "better"}
    (imported,) = store.audit.list(limit=9, action=Action.JUDGMENTS_IMPORTED)
    assert imported.details == {"file": "labels.tsv", "format": "trec", "judgments": 2}
    assert len(store.audit.list(limit=2)) == 2


def test_a_version_that_ranks_for_every_collection_is_told_with_the_one_before(filled):
    versions = filled.store.versions
    versions.ensure_base("b")
    before = told(filled.store)
    student = Version(version_id="s1", name="student-1", base_model="b", adapter_path="versions/s1")
    own = replace(student, version_id="v1", name="small-1", collection_id=filled.collection.collection_id)
    versions.add(own, by="Bea")
    versions.add(student, by="command line")
    versions.add(replace(student, version_id="o1", name="other-1", base_model="another"), by="command line")
    (changed,) = filled.store.audit.list(limit=9, action=Action.DEFAULT_CHANGED)
    assert (changed.actor, changed.subject, changed.details) == ("command line", "student-1", {"previous": "base"})
    with pytest.raises(ConflictError):
        versions.add(replace(student, version_id="s2"), by="Bea")
    assert len(told(filled.store)) == len(before) + 1


def test_what_did_not_happen_is_not_told(filled):
    filled.store.versions.add(Version(version_id="v1", name="small-1", base_model="b"))
    before = told(filled.store)
    with pytest.raises(ConflictError):
        filled.store.versions.move(promotion(filled, previous="v1"))
    with pytest.raises(ConflictError):
        filled.store.collections.add(name="small", scale=FIVE_LEVEL, documents=[])
    assert told(filled.store) == before


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"])
def test_the_log_is_append_only(filled, base, statement):
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), base.past_the_store() as connection:
        connection.exec_driver_sql(statement)
    filled.store.collections.delete(filled.collection.collection_id, by="Ann")
    assert told(filled.store)[0] == ("Ann", Action.COLLECTION_DELETED, "small")
