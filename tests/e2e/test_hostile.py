"""Documents, queries and names full of markup: read as they are, never acted on."""

import json
import re
import urllib.request

import pytest
from playwright.sync_api import expect

from tests.e2e.listener import listening

pytestmark = pytest.mark.e2e


@pytest.fixture
def listener():
    with listening() as found:
        yield found


@pytest.fixture
def watched(page, served):
    """What the tab did that no text may make it do: foreign requests and dialogs."""
    seen = []
    page.on("dialog", lambda dialog: (seen.append(f"dialog {dialog.message}"), dialog.dismiss()))
    own = (served.url, served.url.replace("http:", "ws:"), "blob:", "data:")
    page.on("request", lambda request: request.url.startswith(own) or seen.append(request.url))
    return seen


def markup(address: str) -> str:
    return (
        f"<script>alert(1)</script> <img src=http://{address}/x onerror=alert(2)> ![x](http://{address}/image.png) "
        f"$\\frac{{1}}{{2}}$ :red[x] [go](javascript:alert(3)) :material/delete: &lt;b&gt;"
    )


def as_read(text: str) -> re.Pattern[str]:
    """The text with the invisible word joiners that keep Streamlit from seeing shortcodes and addresses in it."""
    letters = (re.escape(letter).replace("/", "\\/") + ("\u2060?" if letter in ":@w" else "") for letter in text)
    return re.compile("".join(letters))


def test_markup_in_documents_queries_and_names_is_only_text(app, listener, watched):
    hostile = markup(listener.address)
    name = f"![n](http://{listener.address}/n.png) <b>$a$ :red[y]"
    files = [
        {"_id": "d1", "title": hostile, "text": f"beans {hostile}"},
        {"_id": "d2", "title": "Plain", "text": "beans stay hard in hard water"},
    ]
    app.open("collections")
    expect(app.says("There is no collection yet.")).to_be_visible()
    app.fill("Name of the new collection", name)
    content = "\n".join(map(json.dumps, files)).encode()
    app.upload("beans.jsonl", content)
    app.press("import")
    expect(app.says(as_read(f"{name} is imported: 2 documents."))).to_be_visible()
    app.press("who_change")
    app.page.get_by_role("textbox", name="Your name").fill(name[:60])
    app.page.get_by_role("button", name="Go on").click()
    expect(app.key("who_is_it")).to_contain_text(as_read(name[:60]))
    app.fill("Open a document by its id", "d1")
    expect(app.page.get_by_test_id("stText").filter(has_text=f"beans {hostile}")).to_be_visible()
    app.page.get_by_role("tab", name="Guidelines and scale").click()
    app.fill("Guidelines", hostile)
    app.press("save_guidelines")
    expect(app.says("Saved as version 2.")).to_be_visible()

    app.go("Explore")
    app.page.get_by_label("Query", exact=True).fill(f"beans {hostile}")
    app.press("explore_rank")
    expect(app.page).to_have_url(re.compile("ranking="))
    card = app.keys("card-").filter(has=app.page.get_by_text("d1", exact=True))
    expect(card.get_by_text(f"beans {hostile}")).to_be_visible()
    expect(app.page.get_by_role("heading").filter(has_text=as_read(f"beans {hostile}"))).to_be_visible()
    card.get_by_text("Correct", exact=True).click()
    student = card.get_by_text("expected grade").inner_text()
    grade = "0" if "0 " not in student.split("·")[0] else "3"
    card.get_by_role("radio", name=f"{grade} ").click()
    card.get_by_role("textbox", name="Your explanation").fill(f'It says "{hostile}" and "never {hostile}".')
    card.get_by_role("button", name="Save").click()
    expect(card.get_by_text("saved at")).to_be_visible()

    app.go("Agreement")
    expect(app.says("Disagreements: 1")).to_be_visible()
    expect(app.says(f"beans {hostile}")).to_be_visible()
    app.keys("judge:").get_by_role("button").click()
    app.page.wait_for_url("**/judge?*")
    expect(app.page.get_by_role("heading").filter(has_text=as_read(f"beans {hostile}"))).to_be_visible()
    expect(app.says(f"never {hostile}")).to_be_visible()

    for page in ("Train", "Evaluate"):
        app.go(page)
        expect(app.page.get_by_role("heading", name=page, exact=True)).to_be_visible()

    assert app.page.locator(f"img[src*='{listener.address}'], a[href*='javascript']").count() == 0
    assert watched == [] and listener.asked == []
    urllib.request.urlopen(f"http://{listener.address}/heard").close()
    assert listener.asked == ["/heard"], "the listener does hear what is asked"
