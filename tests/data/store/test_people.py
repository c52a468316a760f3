"""People who sign in: one row a login, roles with a trail nobody can rewrite."""

import pytest
import sqlalchemy as sa

from data.errors import ConflictError, NotFoundError
from data.people import Person, Role
from data.records import AssessorKind


def somebody(login, role=Role.ASSESSOR, **given):
    return Person(name="", login=login, role=role, changed_by="test", **given)


def test_a_login_is_one_person_however_often_it_comes(store):
    first = store.people.add(somebody("i anna", email="anna@x.org"), ["Anna"])
    again = store.people.add(somebody("i anna", Role.ADMIN), ["Another"])
    assert again == first == store.people.find("i anna")
    assert (first.name, first.role, store.people.count()) == ("Anna", Role.ASSESSOR, 1)
    assert store.people.find("i ben") is None


def test_a_name_that_is_somebodys_is_not_given_again(store):
    store.assessors.ensure("Ann", AssessorKind.HUMAN)
    store.assessors.ensure("Bert", AssessorKind.TEACHER)
    store.people.add(somebody("1"), ["Carl"])
    assert store.people.add(somebody("2"), ["ANN", "Ann (2)"]).name == "Ann (2)"
    assert store.people.add(somebody("3"), ["carl", "Carl (3)"]).name == "Carl (3)"
    assert store.people.add(somebody("4"), ["Bert"]).name == "Bert"
    with pytest.raises(ConflictError, match="taken"):
        store.people.add(somebody("5"), ["carl", "bert"])
    assert store.people.count() == 4


def test_every_role_given_is_kept_in_order(store):
    store.people.add(somebody("root", Role.ADMIN), ["Root"])
    store.people.add(somebody("anna"), ["Anna"])
    store.people.set_role("anna", Role.LEAD, "Root")
    store.people.set_role("anna", Role.LEAD, "Root")
    changed = store.people.set_role("anna", Role.ADMIN, "Root")
    assert changed == store.people.find("anna")
    assert [(c.name, c.previous, c.role, c.changed_by) for c in store.people.changes(limit=10)] == [
        ("Anna", Role.LEAD, Role.ADMIN, "Root"),
        ("Anna", Role.ASSESSOR, Role.LEAD, "Root"),
        ("Anna", None, Role.ASSESSOR, "test"),
        ("Root", None, Role.ADMIN, "test"),
    ]
    assert len(store.people.changes(limit=1)) == 1


def test_the_only_admin_stays_one(store):
    store.people.add(somebody("root", Role.ADMIN), ["Root"])
    store.people.add(somebody("anna"), ["Anna"])
    with pytest.raises(ConflictError, match="only admin"):
        store.people.set_role("root", Role.LEAD, "Root")
    store.people.set_role("anna", Role.ADMIN, "Root")
    assert store.people.set_role("root", Role.LEAD, "Anna").role is Role.LEAD


def test_nobody_gets_a_role_before_signing_in(store):
    with pytest.raises(NotFoundError, match="sign in once"):
        store.people.set_role("ghost", Role.ADMIN, "test")


def test_pages_of_people_are_by_name(store):
    for number in (3, 1, 2):
        store.people.add(somebody(str(number)), [f"P{number}"])
    assert [p.name for p in store.people.list(limit=2)] == ["P1", "P2"]
    assert [p.name for p in store.people.list(limit=2, offset=2)] == ["P3"]


def test_the_address_is_the_one_verified_last(store):
    store.people.add(somebody("1", email="a@x.org"), ["A"])
    store.people.know_email("1", "b@x.org")
    assert store.people.find("1").email == "b@x.org"
    assert len(store.people.changes(limit=9)) == 1


@pytest.mark.parametrize("statement", ["UPDATE role_changes SET role = 'admin'", "DELETE FROM role_changes"])
def test_the_trail_is_append_only(store, base, statement):
    store.people.add(somebody("1"), ["A"])
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), base.past_the_store() as connection:
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("has", "needed", "covered"),
    [(has, needed, i >= j) for i, has in enumerate(Role) for j, needed in enumerate(Role)],
)
def test_a_role_covers_those_before_it(has, needed, covered):
    assert has.covers(needed) is covered
