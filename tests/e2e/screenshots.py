"""Pictures of every page of a running app, light and dark: `python -m tests.e2e.screenshots docs/screenshots`.

--url URL            where the app is (http://127.0.0.1:8501)
--collection NAME    the collection to show (the first one)
--query TEXT         ranked once on Explore, and shown there
--pages NAMES        only these (Agreement,Progress); a home for the team's pages: `python -m tests.e2e.team HOME`
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.browser import SIZE, TEAM, App, chromium

PAGES = ("Explore", "Judge", "Compare", "Train", "Teacher", "Evaluate", "Learning curve", "Collections", *TEAM)
PATIENCE = 600_000
"""Milliseconds a ranking by a real model may take."""


def main(
    out: Path,
    url: str,
    collection: str | None,
    query: str | None,
    pages: Sequence[str] = PAGES,
    *,
    sign_in: str | None = None,
) -> None:
    """Write PAGE-light.png and PAGE-dark.png of these pages. `sign_in`: as whom of the tests' own identity provider."""
    out.mkdir(parents=True, exist_ok=True)
    ranking = None
    with chromium() as browser:
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport=SIZE, color_scheme=scheme, device_scale_factor=1)
            expect.set_options(timeout=PATIENCE)
            app = App(context.new_page(), url)
            app.page.set_default_timeout(PATIENCE)
            app.open(query=f"ranking={ranking}" if ranking else "", name=None if sign_in else "me")
            if sign_in:
                app.page.get_by_role("button", name="Sign in").click()
                app.page.get_by_role("link", name=sign_in).click()
                app.page.wait_for_url(f"{url}/**")
                app.settle()
            if collection and not ranking:
                app.choose("Collection", collection)
            if query and not ranking:
                ranking = rank(app, query)
            for page in pages:
                app.go(page)
                still(app)
                app.page.screenshot(path=out / f"{page.lower().replace(' ', '-')}-{scheme}.png")
            context.close()


def rank(app: App, query: str) -> str | None:
    """Rank the query on Explore; the ranking's id."""
    app.page.get_by_role("textbox", name="Query", exact=True).fill(query)
    app.press("explore_rank")
    expect(app.key("card-1")).to_be_visible(timeout=PATIENCE)
    app.settle()
    return app.ranking_id()


def still(app: App) -> None:
    """Wait until charts, tables and fonts are drawn, and nothing of the page before is left."""
    expect(app.page.locator("[data-stale=true]")).to_have_count(0)
    expect(app.page.get_by_test_id("stSkeleton")).to_have_count(0)
    # What lies under the mouse looks another way; in the right margin nothing does.
    app.page.mouse.move(SIZE["width"] - 5, 100)
    app.page.wait_for_load_state("networkidle")
    app.page.evaluate("document.fonts.ready.then(() => true)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Pictures of every page of a running app, light and dark.")
    parser.add_argument("out", type=Path, help="folder of the PNG files")
    parser.add_argument("--url", default="http://127.0.0.1:8501", help="where the app is")
    parser.add_argument("--collection", help="the collection to show")
    parser.add_argument("--query", help="a query to rank and show on Explore")
    parser.add_argument("--pages", default=",".join(PAGES), help="names of the pages, parted by commas")
    given = parser.parse_args()
    main(given.out, given.url.rstrip("/"), given.collection, given.query, given.pages.split(","))
