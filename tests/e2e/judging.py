"""The Judge page as a person with a keyboard uses it."""

import re

from playwright.sync_api import expect

from tests.e2e.browser import App

DOC_ID = re.compile(r"^q\d\d-\d$")


def pair_on_top(app: App) -> str:
    """doc_id of the pair that is shown."""
    return app.page.get_by_test_id("stCaptionContainer").get_by_text(DOC_ID).inner_text()


def wait_for_pair(app: App, doc_id: str) -> None:
    """Wait until this pair is shown."""
    expect(app.page.get_by_test_id("stCaptionContainer").get_by_text(DOC_ID)).to_have_text(doc_id)


def grade(app: App, grade: int, *, judged: int) -> None:
    """Press a grade's key; returns when the screen says that it is saved, as the `judged`-th judgment."""
    app.page.keyboard.press(str(grade))
    expect(app.says(re.compile(rf"^{judged} judged by you"))).to_be_visible()
    expect(app.says(re.compile(r"saved at \d"))).to_be_visible()
    app.settle()


def next_pair(app: App, place: int) -> None:
    """Press the key of the next pair; returns when it is shown."""
    app.page.keyboard.press("n")
    expect(app.says(re.compile(rf"^pair {place} of"))).to_be_visible()
    app.settle()
