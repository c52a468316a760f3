"""Two systems side by side in a real browser, a way to judging, and a report that is kept."""

import csv
import re

import pytest
from playwright.sync_api import expect

from app.actions import pictures
from data.errors import SettingsError
from engine.evaluation import PRIMARY
from engine.workbench import Workbench
from tests.app import lining
from tests.app.lining import BASE, TAUGHT

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def record(served):
    """Stored rankings of two versions, and an evaluation of one against the other."""
    with served.store() as store:
        bench = Workbench(served.settings, store)
        added = lining.filled(bench)
        return lining.evaluated(bench, added, "taught", "base")


def test_a_slope_chart_leads_from_a_query_to_judging(app, record):
    app.open("compare", f"collection_name=lined&system={TAUGHT}&against={BASE}")
    slope = app.keys("compare_one").locator(".js-plotly-plot").first
    lines = slope.locator("path.js-line")
    expect(lines).to_have_count(4)
    colours = lines.evaluate_all("lines => lines.map(line => getComputedStyle(line).stroke)")
    assert len(set(colours)) > 1, "what rises is told from what falls"
    expect(slope.get_by_text("Title 0").first).to_be_visible()

    bars = app.keys("compare").filter(has=app.page.locator(".bars")).locator(".js-plotly-plot").first
    last = bars.locator(".bars .point").nth(2)
    last.scroll_into_view_if_needed()
    box = last.bounding_box()
    app.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(app.says(re.compile("^held-out question 2"))).to_be_visible()
    app.settle()

    row = app.page.locator("[class*='-row-d0']")
    row.get_by_role("link", name="Judge this pair").click()
    app.page.wait_for_url(lambda url: "/judge" in url)
    expect(app.says("held-out question 2")).to_be_visible()
    expect(app.says("Title 0")).to_be_visible()


def test_a_report_is_kept_with_its_figures(app, record, tmp_path):
    app.open("evaluate", "collection_name=lined")
    with app.page.expect_download() as download:
        app.page.get_by_role("button", name="Figures (CSV)").click()
    with open(download.value.path(), encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    measured = record.report["measures"][PRIMARY]
    total = next(row for row in rows if row["measure"] == PRIMARY and not row["query_id"])
    assert float(total["system"]) == measured["system"] and float(total["champion"]) == measured["champion"]

    with app.page.expect_download() as download:
        app.page.get_by_role("button", name="Report (HTML)").click()
    download.value.save_as(tmp_path / "report.html")
    kept = app.page.context.new_page()
    asked = []
    kept.on("request", lambda request: asked.append(request.url))
    kept.goto((tmp_path / "report.html").as_uri())
    expect(kept.locator("svg")).to_have_count(2)
    expect(kept.get_by_text(f"{measured['difference']:+.4f}").first).to_be_visible()
    asked_besides = [url for url in asked if not url.startswith("file://")]
    assert asked_besides == [], "a page that stands alone fetches nothing"


def test_the_charts_are_kept_as_a_picture(app, record):
    try:
        pictures.require_browser()
    except SettingsError as error:
        pytest.skip(str(error))
    app.open("evaluate", "collection_name=lined")
    app.page.get_by_role("button", name="Charts (PNG)").click()
    with app.page.expect_download() as download:
        app.page.get_by_role("button", name="Save the PNG").click()
    with open(download.value.path(), "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"
