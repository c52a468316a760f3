"""The Judge page as a person with a keyboard uses it."""

import re

from playwright.sync_api import Locator, expect

from tests.e2e.browser import App


def desk(app: App, part: str) -> Locator:
    """A part of the desk, by its class."""
    return app.page.locator(f".desk .{part}")


def pair_on_top(app: App) -> str:
    """doc_id of the pair that is shown."""
    return desk(app, "columns .doc-id").inner_text()


def wait_for_pair(app: App, doc_id: str) -> None:
    """Wait until this pair is shown."""
    expect(desk(app, "columns .doc-id")).to_have_text(doc_id)


def wait_until_saved(app: App) -> None:
    """Wait until the server has acknowledged everything."""
    expect(desk(app, "status")).to_have_text(re.compile(r"saved at \d\d:\d\d:\d\d$"))


def grade(app: App, grade: int, *, judged: int) -> None:
    """Press a grade's key; returns when the screen says that it is saved, as the `judged`-th judgment."""
    expect(desk(app, "columns .doc-id")).to_be_visible()
    app.page.keyboard.press(str(grade))
    expect(app.says(re.compile(rf"^{judged} judged by you"))).to_be_visible()
    wait_until_saved(app)


def next_pair(app: App, place: int) -> None:
    """A grade goes on by itself; returns when the next pair, or the end of the queue, is shown."""
    expect(desk(app, "place")).to_have_text(re.compile(rf"^(pair {place}|end of the queue)$"))
