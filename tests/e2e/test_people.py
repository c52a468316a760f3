"""Who is who in a real browser: a name that is asked once, and a sign-in with a real (small) identity provider."""

import re

import pytest
from playwright.sync_api import expect

from data.people import Role
from data.records import AssessorKind
from engine.workbench import Workbench
from tests import synthetic
from tests.e2e.browser import SIZE, App
from tests.e2e.provider import provider
from tests.e2e.served import Served

pytestmark = pytest.mark.e2e

PEOPLE = {
    "sub-anna": {"name": "Anna", "email": "anna@x.org", "email_verified": True},
    "sub-root": {"name": "Root", "email": "root@x.org", "email_verified": True},
    "sub-eve": {"name": "Anna", "email": "eve@evil.example", "email_verified": True},
    "sub-fake": {"name": "Root", "email": "root@x.org", "email_verified": False},
}


@pytest.fixture(scope="module")
def collection(served):
    with Workbench.open(served.settings) as workbench:
        made = synthetic.synthetic(train=4, heldout=10, per_query=4)
        return workbench.build_index(synthetic.install(workbench.store, made))


def kept(app, name):
    """Wait until the browser has this name, which it keeps after it has drawn the page."""
    app.page.wait_for_function("name => decodeURIComponent(document.cookie).includes('whyrank_name=' + name)", arg=name)


def test_a_browser_is_asked_for_a_name_once_and_judgments_carry_it(app, served, collection):
    app.open(name=None)
    expect(app.says("What is your name?")).to_be_visible()
    expect(app.page.get_by_test_id("stTopNavLink")).to_have_count(0)
    app.page.get_by_role("textbox", name="Your name").fill("  Anna   Lena ")
    app.page.get_by_role("button", name="Go on").click()
    expect(app.says("Welcome, Anna Lena.")).to_be_visible()
    app.settle()

    app.page.reload()
    expect(app.key("who_is_it")).to_contain_text("Anna Lena")
    kept(app, "Anna Lena")
    app.open("judge", name=None)
    expect(app.key("who_is_it")).to_contain_text("Anna Lena")
    expect(app.page).to_have_url(re.compile(r"assessor_name=Anna(\+|%20)Lena"))

    app.open(name=None)
    app.page.get_by_role("textbox", name="Query", exact=True).fill(synthetic.synthetic(train=4).queries[0].text)
    app.press("explore_rank")
    card = app.key("card-1")
    expect(card).to_be_visible()
    card.get_by_text("Correct", exact=True).click()
    card.get_by_role("radio", name=re.compile("^0 ")).click()
    card.get_by_role("button", name="Save").click()
    expect(card.get_by_text("saved at")).to_be_visible()
    with served.store() as store:
        anna = store.assessors.found_or_new("Anna Lena", AssessorKind.HUMAN).assessor_id
        (event,) = [e for e in store.judgments.events(collection.collection_id) if e.assessor_id == anna]
    assert event.grade == 0

    app.press("who_change")
    app.page.get_by_role("textbox", name="Your name").fill("Ben")
    app.page.get_by_role("button", name="Go on").click()
    expect(app.key("who_is_it")).to_contain_text("Ben")
    kept(app, "Ben")
    app.open(name=None)
    expect(app.key("who_is_it")).to_contain_text("Ben")


@pytest.fixture(scope="module")
def identities():
    with provider(PEOPLE) as made:
        yield made


@pytest.fixture(scope="module")
def team(tmp_path_factory, model, identities):
    """The app behind a login."""
    home = tmp_path_factory.mktemp("team") / "home"
    secrets = home.parent / "secrets.toml"
    secrets.write_text(identities.secrets_toml)
    secrets.chmod(0o600)
    app = Served(home, model, secrets=secrets, people="@x.org", admins="root@x.org")
    app.start()
    yield app
    app.stop()


@pytest.fixture
def visit(browser, team):
    """Opens the app in a browser of its own and signs in as one of the provider's people."""
    contexts = []

    def visited(sub):
        contexts.append(browser.new_context(viewport=SIZE))
        app = App(contexts[-1].new_page(), team.url)
        app.open(name=None)
        app.page.get_by_role("button", name="Sign in").click()
        app.page.get_by_role("link", name=sub).click()
        app.page.wait_for_url(f"{team.url}/**")
        return app

    yield visited
    for context in contexts:
        context.close()


def role(team, name):
    with team.store() as store:
        return {person.name: person.role for person in store.people.list(limit=9)}.get(name)


def test_people_sign_in_get_roles_and_sign_out(visit, team, identities):
    anna = visit("sub-anna")
    expect(anna.key("who_is_it")).to_contain_text("Anna")
    expect(anna.says("Signed in, as assessor.")).to_be_visible()
    expect(anna.team().filter(has_text="People")).to_have_count(0)
    anna.open(name="Root")
    expect(anna.key("who_is_it")).to_contain_text("Anna")

    root = visit("sub-root")
    expect(root.says("Signed in, as admin.")).to_be_visible()
    root.open("people")
    root.choose("Person", "Anna")
    root.page.get_by_role("radio", name="lead").click()
    root.press("people_give")
    expect(root.says("Anna has the role lead now.")).to_be_visible()
    assert role(team, "Anna") is Role.LEAD
    anna.page.reload()
    expect(anna.says("Signed in, as lead.")).to_be_visible()

    anna.press("logout")
    expect(anna.page.get_by_role("button", name="Sign in")).to_be_visible()
    assert identities.signed_out == 1
    anna.page.reload()
    expect(anna.page.get_by_role("button", name="Sign in")).to_be_visible()
    assert identities.refused == []
    log = (team.settings.home / "logs" / "app.log").read_text()
    assert "known-to-both-sides-only" not in log


@pytest.mark.parametrize("sub", ["sub-eve", "sub-fake"])
def test_who_is_not_on_the_list_stays_out(visit, team, sub):
    app = visit(sub)
    expect(app.says("You can't come in")).to_be_visible()
    expect(app.says(re.compile("is not among those who may sign in here"))).to_be_visible()
    expect(app.page.get_by_test_id("stTopNavLink")).to_have_count(0)
    with team.store() as store:
        assert all(sub not in (person.login or "") for person in store.people.list(limit=9))


def test_a_forged_identity_is_nobodys(browser, team):
    context = browser.new_context(viewport=SIZE)
    context.add_cookies(
        [{"name": "_streamlit_user", "value": '{"sub":"sub-root","is_logged_in":true}', "url": team.url}]
    )
    app = App(context.new_page(), team.url)
    app.open(name="Root")
    expect(app.page.get_by_role("button", name="Sign in")).to_be_visible()
    context.close()
