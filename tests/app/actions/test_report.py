"""An evaluation as files."""

import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from app.actions import evaluate as actions
from app.actions import plots, report
from data.errors import NotFoundError
from data.formats.trec import read_run
from data.records import Query, Split
from engine.evaluation import PRIMARY
from tests.app import lining
from tests.app.conftest import HOSTILE


@pytest.fixture
def added(workbench):
    return lining.filled(workbench)


@pytest.fixture
def shown(workbench, added):
    """The taught version against the base, from stored rankings."""
    return actions.shown(workbench, added, lining.evaluated(workbench, added, "taught", "base"))


class Tags(HTMLParser):
    """What a page is made of."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, words):
        self.words.append(words)


def test_the_csv_has_every_figure(shown):
    rows = list(csv.DictReader(io.StringIO(report.as_csv(shown))))
    (total,) = [row for row in rows if row["measure"] == PRIMARY and not row["query_id"]]
    measured = shown.report["measures"][PRIMARY]
    assert float(total["system"]) == measured["system"] and float(total["low"]) == measured["interval"][0]
    assert (total["wins"], total["losses"]) == ("3", "0")
    per_query = [row for row in rows if row["measure"] == PRIMARY and row["query_id"]]
    assert [row["query_id"] for row in per_query] == ["h0", "h1", "h2", "h3"]
    assert sum(float(row["difference"]) for row in per_query) / 4 == pytest.approx(measured["difference"])
    assert per_query[0]["text"] == "held-out question 0"


def test_hostile_texts_do_nothing_in_a_report(shown, added):
    hostile = {"h0": Query(query_id="h0", text=f"=1+1 {HOSTILE}", split=Split.HELDOUT)}
    given = replace(shown, queries=hostile, version=replace(shown.version, name=HOSTILE[:40]))
    rows = list(csv.DictReader(io.StringIO(report.as_csv(given))))
    assert next(row["text"] for row in rows if row["query_id"] == "h0").startswith("'=1+1")
    page = report.as_html(given, added)
    tags = Tags(page)
    assert not {tag for tag, _ in tags.tags} & {"script", "img", "a", "link", "iframe"}
    assert not re.search(r"""(?:src|href)\s*=|@import|url\(""", page)
    assert any(HOSTILE in words for words in tags.words), "it is shown, as text"
    assert report.file_name(given, "html").startswith("evaluation--script-alert-1---script-")


def test_the_page_stands_alone_with_every_figure(shown, added):
    page = report.as_html(shown, added)
    measured = shown.report["measures"][PRIMARY]
    for words in (
        f"{measured['system']:.4f}",
        f"{measured['difference']:+.4f}",
        "lined: taught by pointwise-score",
        "labels of one person (Ann)",
        "The gate refuses this version",
        "Looks at this set",
        "held-out question 3",
    ):
        assert words in page, words
    drawn = [tag for tag, _ in Tags(page).tags]
    assert drawn.count("svg") == 2 and drawn.count("rect") == 4 and "circle" in drawn


def test_the_picture_holds_both_charts(shown):
    figure = plots.report(shown.report, {}, 3, "x <b>")
    assert [trace.type for trace in figure.data] == ["bar", "scatter", "scatter"]
    assert "&lt;b&gt;" in figure.layout.title.text
    assert list(figure.data[2].text) == [str(found["documents"]) for found in shown.report["calibration"]]


def test_the_run_is_what_was_evaluated(workbench, shown, added, tmp_path):
    lining.rank(workbench, added, "h0", [5, 6], version_id="taught")  # later than the evaluation
    path = tmp_path / "x.run"
    path.write_text(report.as_run(workbench.store, shown.record))
    run = read_run(path)
    assert [document.doc_id for document in run["h0"]] == ["d0", "d1", "d2", "d3"]
    assert set(run) == {"h0", "h1", "h2", "h3"}
    gone = replace(shown.record, method="pointwise-verdict-first")
    with pytest.raises(NotFoundError):
        report.as_run(workbench.store, gone)


def test_the_way_on_leads_to_what_nobody_judged(workbench, shown, added):
    assert actions.system_ids(shown) == (lining.TAUGHT, lining.BASE)
    assert actions.to_judge(workbench, added, shown, "h0") == "d2"
    lining.grade_all(workbench, added, {("h0", 2): 1, ("h0", 3): 1})
    assert actions.to_judge(workbench, added, shown, "h0") == "d0"
    assert actions.to_judge(workbench, added, shown, "nothing") is None
