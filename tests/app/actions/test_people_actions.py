"""Who may come in, what they are called, and what they may do."""

import pytest

from app.actions import people
from data.errors import ConflictError, NotAllowedError, SettingsError
from data.people import Person, Role
from data.records import AssessorKind
from data.settings import Settings

ISSUER = "https://id.example.org"


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, people="@x.org, guest@y.org, robot-7", admins="root@x.org")


def claims(email, **given):
    return {"iss": ISSUER, "sub": f"sub of {email}", "email": email, "email_verified": True, "aud": "w"} | given


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Anna", "Anna"),
        ("  Anna \t Maria\n", "Anna Maria"),
        ("An\u202ena\u200b\x00", "Anna"),
        ("Ａｎｎａ", "Anna"),
        ("x" * 200, "x" * 60),
        ("<b>Anna</b>", "<b>Anna</b>"),
        ("李 小龙", "李 小龙"),
    ],
)
def test_an_odd_name_is_mended(typed, kept):
    assert people.local(typed).name == kept


@pytest.mark.parametrize("typed", ["", "  \n ", "\u200b\u202e", "\x00"])
def test_a_name_of_nothing_is_refused(typed):
    with pytest.raises(SettingsError, match="Type your name"):
        people.local(typed)


def test_on_ones_own_machine_everybody_is_an_admin_who_did_not_sign_in():
    person = people.local("Anna")
    assert (person.role, person.login) == (Role.ADMIN, None)
    assert people.command_line("command line").role is Role.ADMIN


@pytest.mark.parametrize(
    ("given", "role"),
    [
        (claims("anna@x.org"), Role.ASSESSOR),
        (claims("Anna@X.org"), Role.ASSESSOR),
        (claims("guest@y.org"), Role.ASSESSOR),
        (claims("root@x.org"), Role.ADMIN),
        (claims("other@y.org"), None),
        (claims("anna@x.org.evil.example"), None),
        (claims("anna@evil-x.org"), None),
        (claims("anna@x.org", email_verified=False), None),
        ({"iss": ISSUER, "sub": "s", "email": "anna@x.org"}, None),
        (claims("root@x.org", email_verified=False), None),
        (claims(None, sub="robot-7"), Role.ASSESSOR),
        (claims(None, sub="robot-8"), None),
        (claims(None, sub="@x.org"), None),
        (claims(None, sub="root@x.org"), None),
        ({}, None),
        ({"iss": ISSUER, "sub": ""}, None),
        ({"is_logged_in": True, "email": "anna@x.org", "email_verified": True}, None),
    ],
)
def test_who_is_let_in_and_as_what(store, settings, given, role):
    if role is None:
        with pytest.raises(NotAllowedError) as refused:
            people.sign_in(store, settings, given)
        assert refused.value.mend
        assert store.people.count() == 0
    else:
        assert people.sign_in(store, settings, given).role is role


def test_without_a_list_nobody_but_the_admins_comes_in(store, tmp_path):
    settings = Settings(home=tmp_path, admins="root@x.org")
    assert people.sign_in(store, settings, claims("root@x.org")).role is Role.ADMIN
    with pytest.raises(NotAllowedError, match=r"anna@x\.org is not among those"):
        people.sign_in(store, settings, claims("anna@x.org"))
    everybody = Settings(home=tmp_path, people="*")
    assert people.sign_in(store, everybody, claims("anna@z.org", email_verified=False)).role is Role.ASSESSOR


def test_an_unverified_address_is_said(store, settings):
    with pytest.raises(NotAllowedError, match="did not verify this address"):
        people.sign_in(store, settings, claims("anna@x.org", email_verified=False))


def test_who_leaves_the_list_stays_out_although_they_were_in(store, settings, tmp_path):
    people.sign_in(store, settings, claims("anna@x.org"))
    with pytest.raises(NotAllowedError):
        people.sign_in(store, Settings(home=tmp_path, people="@y.org"), claims("anna@x.org"))


def test_a_person_keeps_name_and_role_however_often_they_come(store, settings):
    root = people.sign_in(store, settings, claims("root@x.org", name="Root"))
    anna = people.sign_in(store, settings, claims("anna@x.org", name="Anna"))
    people.set_role(store, settings, root, anna.login, Role.LEAD)
    again = people.sign_in(store, settings, claims("new@x.org", sub="sub of anna@x.org", name="Anna Married"))
    assert (again.login, again.name, again.role, again.email) == (anna.login, "Anna", Role.LEAD, "new@x.org")
    other = people.sign_in(store, settings, claims("anna@x.org", iss="https://another.example", name="Anna"))
    assert (other.name, other.role) == ("Anna (anna@x.org)", Role.ASSESSOR)


def test_nobody_comes_by_another_persons_judgments(store, settings):
    store.assessors.ensure("Anna", AssessorKind.HUMAN)
    first = people.sign_in(store, settings, claims("anna@x.org", name="ANNA"))
    second = people.sign_in(store, settings, claims("guest@y.org", name="Anna (anna@x.org)"))
    assert (first.name, second.name) == ("ANNA (anna@x.org)", "Anna (anna@x.org) (guest@y.org)")
    long = people.sign_in(store, settings, claims("long@x.org", name="A" * 80))
    longer = people.sign_in(store, settings, claims("longer@x.org", name="A" * 90))
    assert long.name != longer.name
    assert max(len(long.name), len(longer.name)) <= people.NAME_LENGTH


def test_a_name_of_nothing_is_made_from_the_address(store, settings):
    assert people.sign_in(store, settings, claims("anna@x.org", name="\u200b ")).name == "anna@x.org"
    assert people.sign_in(store, settings, claims(None, sub="robot-7")).name == "robot-7"


def test_a_setting_makes_admins_of_people_who_were_there_before(store, settings, tmp_path):
    anna = people.sign_in(store, settings, claims("anna@x.org"))
    named = Settings(home=tmp_path, admins="anna@x.org")
    assert people.sign_in(store, named, claims("anna@x.org")).role is Role.ADMIN
    assert [c.changed_by for c in people.roster(store, people.local("me")).changes] == [
        "WHYRANK_ADMINS",
        "first sign-in",
    ]
    with pytest.raises(ConflictError, match="WHYRANK_ADMINS"):
        people.set_role(store, named, people.local("me"), anna.login, Role.ASSESSOR)


@pytest.mark.parametrize("role", list(Role))
def test_only_admins_give_roles(store, settings, role):
    anna = people.sign_in(store, settings, claims("anna@x.org"))
    by = Person(name="by", role=role, login="i by")
    if role is Role.ADMIN:
        assert people.set_role(store, settings, by, anna.login, Role.LEAD).changed_by == "by"
    else:
        with pytest.raises(NotAllowedError, match="only an admin may give roles"):
            people.set_role(store, settings, by, anna.login, Role.LEAD)
        assert store.people.find(anna.login).role is Role.ASSESSOR


@pytest.mark.parametrize(("has", "may"), [(Role.ASSESSOR, False), (Role.LEAD, True), (Role.ADMIN, True)])
def test_what_a_role_does_not_cover_is_refused_with_who_to_ask(has, may):
    person = Person(name="Anna", role=has)
    assert (people.refusal(person, Role.LEAD, "promote a version") is None) is may
    if may:
        people.require(person, Role.LEAD, "promote a version")
    else:
        with pytest.raises(NotAllowedError, match="only a lead may promote a version") as refused:
            people.require(person, Role.LEAD, "promote a version")
        assert "Ask a lead" in refused.value.mend


def test_who_signed_in_judges_in_their_own_name():
    anna = Person(name="Anna", role=Role.ADMIN, login="i anna")
    people.require_own(anna, "Anna")
    people.require_own(people.local("me"), "me")
    with pytest.raises(NotAllowedError, match="can't judge as Ben"):
        people.require_own(anna, "Ben")


def test_people_come_a_page_at_a_time(store, tmp_path):
    settings = Settings(home=tmp_path, people="*")
    for number in range(people.PER_PAGE + 1):
        people.sign_in(store, settings, {"sub": str(number), "name": f"P{number:03}"})
    page = people.roster(store, people.local("me"), 2)
    assert page.pages == 2
    assert [p.name for p in page.people] == [f"P{people.PER_PAGE:03}"]
    assert people.roster(store, people.local("me")).people[0].name == "P000"


@pytest.mark.parametrize("role", [Role.ASSESSOR, Role.LEAD])
def test_who_signs_in_is_for_admins_to_see(store, role):
    with pytest.raises(NotAllowedError, match="see who signs in"):
        people.roster(store, Person(name="Anna", role=role, login="i anna"))


def test_a_name_that_is_known_is_said_to_be_the_same_assessor(store):
    store.assessors.ensure("Anna", AssessorKind.HUMAN)
    store.assessors.ensure("author", AssessorKind.HUMAN, authored=True)
    store.assessors.ensure("Gwen", AssessorKind.TEACHER)
    person, words = people.introduce(store, " anna ")
    assert person.name == "Anna"
    assert "Everybody of this name here is the same assessor" in words
    assert "Welcome, Ben" in people.introduce(store, "Ben")[1]
    assert "Welcome, gwen" in people.introduce(store, "gwen")[1]
    with pytest.raises(ConflictError, match="Choose another name"):
        people.introduce(store, "Author")
    store.assessors.ensure("ANNA", AssessorKind.HUMAN)
    assert people.introduce(store, "anna")[0].name == "anna"
