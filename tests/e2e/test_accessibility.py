"""Every page, light and dark, as axe-core sees it: no serious finding in what is ours.

Groups of segments and pills are left out: Streamlit draws the chosen ones in the primary colour on a tint of it, and
writes white on the same colour in buttons. In the dark no colour has 4.5:1 in both places.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests import synthetic
from tests.e2e.browser import SIZE, TEAM, App

pytestmark = pytest.mark.e2e

PAGES = ("Explore", "Judge", "Compare", "Train", "Teacher", "Evaluate", "Learning curve", "Collections", *TEAM)
SERIOUS = ("serious", "critical")
NOT_OURS = ["[data-testid=stButtonGroup]"]


@pytest.fixture(scope="module")
def collection(served):
    """The synthetic collection with its grades."""
    with served.store() as store:
        return synthetic.install(store, synthetic.synthetic(), name="looked-at")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_finding(browser, served, collection, scheme):
    context = browser.new_context(viewport=SIZE, color_scheme=scheme)
    app = App(context.new_page(), served.url)
    app.open(query=f"collection_name={collection.name}")
    found = []
    for page in PAGES:
        app.go(page)
        expect(app.page.locator("[data-stale=true]")).to_have_count(0)
        for violation in Axe().run(app.page, context={"exclude": [[name] for name in NOT_OURS]}).response["violations"]:
            if violation["impact"] in SERIOUS:
                nodes = [
                    f"{node['html'][:160]} ({node['any'][0]['message'] if node['any'] else ''})"
                    for node in violation["nodes"][:3]
                ]
                found.append(f"{page}: {violation['id']}: {violation['help']}: {nodes}")
    context.close()
    assert not found, "\n".join(found)
