"""Coming in and the People page, as a person sees them: a name on one's own machine, a login and roles elsewhere."""

import pytest
from streamlit.testing.v1 import AppTest

from app import resources
from app.actions import people
from data.people import Role
from data.records import AssessorKind
from engine.workbench import Workbench
from tests.app.conftest import HOSTILE, ROOT

AUTH = """[auth]
redirect_uri = "http://127.0.0.1:8501/oauth2callback"
cookie_secret = "0123456789012345678901234567890123456789"
client_id = "whyrank"
client_secret = "s"
server_metadata_url = "http://127.0.0.1:1/.well-known/openid-configuration"
"""


def claims(email, **given):
    return {
        "is_logged_in": True,
        "iss": "https://id.example.org",
        "sub": email,
        "email": email,
        "email_verified": True,
        "name": email.partition("@")[0].title(),
    } | given


@pytest.fixture
def app():
    """The app as a browser that was never here sees it."""
    return AppTest.from_file(str(ROOT / "app/main.py"), default_timeout=8)


@pytest.fixture
def login(tmp_path, workbench, lm):
    """Puts a login before the app."""
    path = tmp_path / "secrets.toml"
    path.write_text(AUTH)
    given = {"secrets": path, "people": "@x.org", "admins": "root@x.org"}
    bench = Workbench(workbench.settings.model_copy(update=given), workbench.store, lm)
    resources.use(bench)
    yield bench
    bench.close()


def words(test):
    return " ".join(e.value for kind in (test.text, test.markdown, test.caption, test.error) for e in kind)


def sidebar(test):
    return " ".join(e.value for kind in (test.sidebar.markdown, test.sidebar.caption) for e in kind)


def test_a_first_visit_asks_for_a_name_and_draws_no_page(app, beans):
    test = app.run()
    assert not test.exception
    assert "What is your name?" in words(test)
    assert "no password" in words(test)
    assert not test.title and not test.sidebar.selectbox
    test.text_input(key="who_name").input("  Anna\t ")
    test.button[0].click().run()
    assert not test.exception
    assert "Welcome, Anna." in test.success[0].value.replace("\\", "")
    assert test.query_params["assessor_name"] == "Anna"
    assert "Anna" in sidebar(test)
    assert "Not authenticated" in sidebar(test)


@pytest.mark.parametrize("typed", ["", "  ", "\u200b"])
def test_a_blank_name_is_asked_for_again(app, beans, typed):
    test = app.run()
    test.text_input(key="who_name").input(typed)
    test.button[0].click().run()
    assert not test.exception
    assert "Type your name" in words(test)
    assert "What is your name?" in words(test)


def test_another_name_is_one_click_and_can_be_left(app, beans, workbench):
    workbench.store.assessors.ensure("Ben", AssessorKind.HUMAN)
    app.query_params["assessor_name"] = "Anna"
    test = app.run()
    test.sidebar.button(key="who_change").click().run()
    assert "Another name" in words(test)
    assert test.text_input(key="who_name").value == "Anna"
    test.button(key="who_keep").click().run()
    assert "Anna" in sidebar(test)
    test.sidebar.button(key="who_change").click().run()
    test.text_input(key="who_name").input("ben")
    test.button[0].click().run()
    assert "Welcome back, Ben" in test.success[0].value.replace("\\", "")
    assert test.query_params["assessor_name"] == "Ben"


def test_a_name_of_markup_is_text(app, beans):
    app.query_params["assessor_name"] = HOSTILE
    test = app.run()
    assert not test.exception
    assert "![x]" not in sidebar(test) and "<script>" not in sidebar(test)


def test_on_ones_own_machine_the_people_page_says_why_it_is_empty(open_page, beans):
    test = open_page("people")
    assert not test.exception
    assert "There is no login" in test.info[0].value
    assert not test.selectbox(key="collection_name").disabled


def test_with_a_login_nothing_is_drawn_before_it(app, beans, login):
    app.user = {"is_logged_in": False}
    app.query_params["assessor_name"] = "Root"
    test = app.run()
    assert not test.exception
    assert test.button(key="login_default").label == "Sign in"
    assert not test.title and not test.sidebar.selectbox and not test.text_input
    assert login.store.people.count() == 0


def test_who_signs_in_goes_by_their_own_name_whatever_the_address_says(app, beans, login):
    app.user = claims("anna@x.org")
    app.query_params["assessor_name"] = "Root"
    test = app.run()
    assert not test.exception
    assert "Anna" in sidebar(test) and "as assessor" in sidebar(test)
    assert "Not authenticated" not in sidebar(test)
    assert test.session_state["assessor_name"] == "Anna"


def test_who_is_not_on_the_list_is_told_whom_to_ask(app, beans, login):
    app.user = claims("eve@evil.example")
    test = app.run()
    assert not test.exception
    assert "eve@evil.example is not among those" in words(test)
    assert "WHYRANK_PEOPLE" in words(test)
    assert not test.title and not test.sidebar.selectbox
    test.button(key="logout").click().run()
    assert test.button(key="login_default")


def test_who_signs_out_is_out(app, beans, login):
    app.user = claims("anna@x.org")
    test = app.run()
    test.sidebar.button(key="logout").click().run()
    assert not test.exception
    assert test.button(key="login_default")
    assert not test.title


def test_a_broken_login_lets_nobody_in(app, beans, login):
    login.settings.secrets.write_text(AUTH.replace("client_secret", "other"))
    app.user = claims("root@x.org")
    test = app.run()
    assert not test.exception
    assert "client_secret" in words(test)
    assert not test.title and not test.sidebar.selectbox


def test_an_admin_gives_a_role_and_it_counts_at_the_next_click(app, beans, login):
    for email in ("anna@x.org", "root@x.org"):
        root = people.sign_in(login.store, login.settings, claims(email))
    app.user = claims("root@x.org")
    test = app.run().switch_page("screens/people.py").run()
    assert not test.exception
    rows = test.dataframe[0].value
    assert list(rows["Name"]) == ["Anna", "Root"]
    assert list(rows["Given by"]) == ["first sign-in", "WHYRANK_ADMINS"]
    assert test.selectbox(key="people_login").options == ["Anna (anna@x.org)", "Root (root@x.org)"]
    (anna,) = [p for p in login.store.people.list(limit=9) if p.name == "Anna"]
    test.selectbox(key="people_login").select(anna.login).run()
    test.segmented_control(key=f"people_role:{anna.login}:assessor").set_value(Role.LEAD).run()
    test.button(key="people_give").click().run()
    assert not test.exception
    assert "Anna has the role lead now" in test.success[0].value.replace("\\", "")
    assert login.store.people.find(anna.login).role is Role.LEAD
    assert list(test.dataframe[1].value["Given by"])[0] == root.name


@pytest.mark.parametrize(("email", "seen"), [("anna@x.org", False), ("root@x.org", True)])
def test_only_admins_see_who_signs_in(app, beans, login, email, seen):
    app.user = claims(email)
    test = app.run().switch_page("screens/people.py").run()
    assert not test.exception
    assert bool(test.dataframe) is seen
    assert ("only an admin may see who signs in" in words(test)) is not seen


def test_the_admin_by_setting_stays_one(app, beans, login):
    app.user = claims("root@x.org")
    test = app.run().switch_page("screens/people.py").run()
    (root,) = login.store.people.list(limit=9)
    test.segmented_control(key=f"people_role:{root.login}:admin").set_value(Role.LEAD).run()
    test.button(key="people_give").click().run()
    assert "WHYRANK_ADMINS" in words(test)
    assert login.store.people.find(root.login).role is Role.ADMIN
