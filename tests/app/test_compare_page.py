import json
from urllib.parse import parse_qs

import pytest

from app.actions.pictures import BLUE, ORANGE
from data.records import AssessorKind
from tests.app import lining
from tests.app.conftest import HOSTILE
from tests.app.lining import BASE, TAUGHT
from training import jobs


@pytest.fixture
def added(workbench):
    return lining.filled(workbench)


def links(page):
    """(query_id, doc_id) of the links to judging."""
    found = [parse_qs(link.proto.query_string) for link in page.get("page_link") if "doc_id" in link.proto.query_string]
    return [(query["query_id"][0], query["doc_id"][0]) for query in found]


def specs(page):
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]


def test_without_two_systems_it_says_what_to_do(open_page, beans):
    page = open_page("compare")
    assert not page.exception
    assert "needs two systems" in page.info[0].value


def test_figures_differences_and_one_query(open_page, added):
    page = open_page("compare", system=TAUGHT, against=BASE)
    assert not page.exception
    figures = {metric.label: metric.value for metric in page.metric}
    assert figures["Labelled queries"] == "4 of 4"
    assert figures["Wins / ties / losses"] == "3 / 1 / 0" and figures["Overlap@10"] == "100%"
    assert set(page.dataframe[0].value["Measure"]) == {"nDCG@10", "RR@10", "AP", "Judged@10"}
    bars, slope = specs(page)
    assert [len(bars["data"]), bars["data"][0]["type"]] == [1, "bar"]
    falls, rises, left, right = slope["data"]
    assert rises["line"]["color"] == BLUE and falls["line"]["color"] == ORANGE
    assert rises["x"] == [0, 1, None] * 2, "a gap parts a document from the next"
    assert rises["y"] == [4, 1, None, 3, 2, None], "the first document rises from rank 4 to 1"
    assert "Title 0" in rises["customdata"][0][1]
    assert [left["y"], right["y"]] == [[4, 3, 2, 1], [1, 2, 3, 4]] and "<b>4</b>" in left["text"][0]
    assert links(page) == [("h0", f"d{number}") for number in (0, 1, 2, 3)]
    assert "taught says so of 0" in [text.value for text in page.text]


def test_another_query_is_opened_by_its_name_or_address(open_page, added):
    page = open_page("compare", system=TAUGHT, against=BASE, query_id="h3")
    assert links(page)[0] == ("h3", "d1")
    page.selectbox(key=f"compare:{added.collection_id}:query").set_value("h2").run()
    assert not page.exception and links(page)[0] == ("h2", "d0")


def test_more_systems_stand_beside_them(open_page, added):
    page = open_page("compare", system=TAUGHT, against=BASE)
    page.multiselect(key=f"compare_more:{added.collection_id}").set_value(["bm25"]).run()
    assert not page.exception
    assert set(page.dataframe[0].value["System"]) >= {"BM25"}
    assert specs(page)[1]["data"][0]["x"][:3] == [0, 1, 2]


def test_missing_rankings_are_ranked_by_a_job(open_page, added, workbench):
    lining.rank(workbench, added, "h0", [1, 2], version_id="taught", method="pointwise-verdict-first", depth=10)
    page = open_page("compare", system="ranked:taught:pointwise-verdict-first", against=BASE)
    assert not page.exception
    assert any("3 queries" in info.value for info in page.info)
    page.button(key="compare_rank:0").click().run()
    assert not page.exception
    (job,) = workbench.store.jobs.list(collection_id=added.collection_id, kind=jobs.RANK)
    assert job.config["query_ids"] == ["h1", "h2", "h3"]
    assert any("being ranked" in element.value for element in page.markdown)
    assert any("No worker is running" in warning.value for warning in page.warning)


def test_what_is_to_be_known_stands_in_one_box(open_page, added, workbench):
    for version_id in ("base", "taught"):
        for query_id in ("h0", "h1"):
            lining.rank(workbench, added, query_id, [2, 1], version_id=version_id, depth=2, prompt_sha256=query_id)
    page = open_page("compare", system=TAUGHT, against=BASE)
    page.multiselect(key=f"compare_more:{added.collection_id}").set_value(["bm25"]).run()
    assert not page.exception
    (warning,) = [warning.value for warning in page.warning if "prompts" in warning.value]
    assert warning.count("several prompts") == 1 and "different ways" in warning


def test_those_who_lack_the_same_queries_are_named_together(open_page, added, workbench):
    for method in ("pointwise-verdict-first", "pointwise-reason-first"):
        lining.rank(workbench, added, "h0", [1, 2], version_id="taught", method=method)
    systems = [f"ranked:taught:pointwise-{name}" for name in ("verdict-first", "reason-first")]
    page = open_page("compare", system=systems[0], against=BASE)
    page.multiselect(key=f"compare_more:{added.collection_id}").set_value([systems[1]]).run()
    assert not page.exception
    (info,) = [info.value for info in page.info if "queries" in info.value]
    assert info.count("3 queries") == 1 and "verdict" in info and "reason" in info


def test_queries_without_labels_are_compared_by_their_orders(open_page, workbench):
    added = lining.collection(workbench)
    lining.rank(workbench, added, "h0", [1, 2])
    page = open_page("compare")
    assert not page.exception
    assert any("nothing to measure" in info.value for info in page.info)
    assert links(page) == [("h0", "d1"), ("h0", "d2")]


def test_the_same_system_twice_is_not_compared(open_page, added):
    page = open_page("compare", system=TAUGHT, against=BASE)
    page.selectbox(key=f"compare_held:{added.collection_id}").set_value(TAUGHT).run()
    assert any("two different systems" in info.value for info in page.info)


def test_no_common_query_is_said(open_page, workbench):
    added = lining.collection(workbench)
    lining.rank(workbench, added, "h0", [1, 2])
    lining.rank(workbench, added, "h1", [1, 2], version_id="taught")
    page = open_page("compare", system=TAUGHT, against=BASE)
    assert not page.exception
    assert any("no query that all of these have" in info.value for info in page.info)


def test_untrusted_text_is_never_rendered(open_page, beans, say, workbench):
    workbench.store.collections.add_query(beans.collection_id, HOSTILE)
    (query,) = [q for q in workbench.store.collections.queries(beans.collection_id) if q.text == HOSTILE]
    lining.rank(workbench, beans, query.query_id, [5, 1])
    say(HOSTILE[:60], AssessorKind.TEACHER, query.query_id, "d5", 3, HOSTILE)
    page = open_page("compare")
    page.segmented_control(key=f"compare_over:{beans.collection_id}").set_value("all").run()
    assert not page.exception
    rendered = [e.value for kind in ("markdown", "caption", "subheader", "info", "warning") for e in page.get(kind)]
    for text in rendered:
        assert not any(mark in text for mark in ("<script>", "![x]", "$a$", ":red[x]")), text
    for spec in specs(page):
        assert "<script>" not in json.dumps(spec)
    assert HOSTILE in [t.value for t in page.text]


def test_a_held_out_query_is_needed_or_all_are_chosen(open_page, workbench):
    added = lining.collection(workbench, heldout=0)
    lining.rank(workbench, added, "t0", [1, 2])
    page = open_page("compare")
    assert any("choose all queries" in info.value for info in page.info)
