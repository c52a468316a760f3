"""The app in Debian's Chromium, by what a person sees: labels, roles, and the keys of Streamlit's elements."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
MILLISECONDS = 60_000
"""What a slow machine may take to show something."""
SIZE = {"width": 1280, "height": 800}
TEAM = ("Agreement", "Adjudication", "Progress", "History", "People")
"""Pages that stand in a menu of their own."""
_RECORD = """() => {
  const main = document.querySelector("[data-testid=stMain]");
  window.shown = [];
  new MutationObserver(() => window.shown.push(main.textContent))
    .observe(main, { subtree: true, childList: true, characterData: true });
}"""


_QUIET = """() => {
  const running = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState !== "notRunning";
  if (running || window.quietSince === undefined) window.quietSince = performance.now();
  return !running && performance.now() - window.quietSince > 500;
}"""
"""Has no script run for a while? Between loading a page and its first script, and between a script and the rerun it
asks for, nothing runs either, and a key pressed then reaches nobody."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without any state."""
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


class App:
    """A tab with the app."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        page.set_default_timeout(MILLISECONDS)

    def open(self, path: str = "", query: str = "", name: str | None = "me") -> None:
        """Open an address of the app, as from a bookmark of somebody of this name; None: of nobody."""
        if name is not None and "assessor_name=" not in query:
            query = "&".join(filter(None, [query, urlencode({"assessor_name": name})]))
        self.page.goto(f"{self.url}/{path}{'?' + query if query else ''}")
        self.rest()

    def go(self, name: str) -> None:
        """Follow a link of the page list."""
        path = {"Explore": "/", "Learning curve": "/learn", "Teacher": "/teach"}.get(name, f"/{name.lower()}")
        if name in TEAM:
            self.team().filter(has_text=name).click()
        else:
            self.page.get_by_test_id("stTopNavLink").filter(has_text=name).click()
        self.page.wait_for_url(lambda url: urlsplit(url).path == path)
        self.rest()

    def team(self) -> Locator:
        """Open the menu of the team's pages; its links."""
        self.page.get_by_test_id("stTopNavSection").click()
        links = self.page.get_by_test_id("stTopNavDropdownLink")
        expect(links.first).to_be_visible()
        return links

    def ranking_id(self, url: str | None = None) -> str | None:
        """The ranking that an address (the present one) names."""
        return dict(parse_qsl(urlsplit(url or self.page.url).query)).get("ranking")

    def settle(self) -> None:
        """Wait until the page's script has run to its end. While it runs, what it drew before still stands there."""
        expect(self.page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")

    def rest(self) -> None:
        """Wait until a page that was just opened has come to rest."""
        self.settle()
        self.page.evaluate("() => { delete window.quietSince; }")
        self.page.wait_for_function(_QUIET, polling=50)

    def key(self, key: str) -> Locator:
        """The element or container with this `key=`."""
        return self.page.locator(f".{class_of(key)}")

    def keys(self, start: str) -> Locator:
        """Elements whose `key=` begins so."""
        return self.page.locator(f"[class*='{class_of(start)}']")

    def record(self) -> None:
        """From now on keep every text the page shows, however briefly."""
        self.page.evaluate(_RECORD)

    def recorded(self) -> list[str]:
        """What the page showed since `record`, in this order."""
        found: list[str] = self.page.evaluate("window.shown")
        return found

    def says(self, text: str | re.Pattern[str]) -> Locator:
        """What stands on the page with these words; while a script runs, it may stand there twice."""
        return self.page.get_by_text(text).first

    def press(self, key: str) -> None:
        """Click the button with this `key=`."""
        self.key(key).get_by_role("button").click()

    def choose(self, label: str, option: str) -> None:
        """Pick an option (or the first that begins so) of a selectbox."""
        box = self.page.get_by_role("combobox", name=label)
        box.click()
        self.page.get_by_role("option", name=re.compile("^" + re.escape(option))).first.click()
        self.settle()

    def fill(self, label: str, value: str) -> None:
        """Type into a field and leave it."""
        field = self.page.get_by_role("textbox", name=label, exact=True)
        field.fill(value)
        field.press("Tab")
        self.settle()

    def upload(self, file_name: str, content: bytes) -> None:
        """Give a file to the page's uploader; a button pressed before the server has it would not see it."""
        file = {"name": file_name, "mimeType": "application/json", "buffer": content}
        with self.page.expect_response(re.compile("upload_file")):
            self.page.locator("input[type=file]").set_input_files(file)
        expect(self.page.get_by_role("button", name=f"Remove {file_name}")).to_be_visible()
        self.settle()


def class_of(key: str) -> str:
    """The CSS class Streamlit gives to an element of this key."""
    return "st-key-" + re.sub(r"[^a-zA-Z0-9_-]", "-", key.strip())
