"""Evaluation queues and reports on the Evaluate page."""

import pytest

from tests.app import lining
from training import jobs


@pytest.fixture
def added(workbench):
    return lining.filled(workbench)


@pytest.fixture
def measured(workbench, added):
    """An evaluation of the base against BM25."""
    lining.evaluated(workbench, added, "base")
    return added


def frames(page):
    return {tuple(frame.value.columns): frame.value for frame in page.dataframe}


def test_a_queue_is_made_and_its_progress_shown(open_page, added, workbench):
    page = open_page("evaluate")
    assert not page.exception
    page.text_input(key="pool_name_0").set_value("spring").run()
    page.button(key="pool_make").click().run()
    assert not page.exception
    (pool,) = workbench.store.pools.list(added.collection_id)
    assert pool.name == "spring" and pool.systems == ("BM25", "base by pointwise-score") and len(pool.pairs) == 16
    shown = frames(page)
    assert list(shown["Assessor", "Judged", "Of"].iloc[0]) == ["Ann", 8, 16]
    assert list(shown["System", "Before", "Now"]["Now"]) == [0.5, 0.5]
    page.button(key="pool_judge").click().run()
    assert not page.exception


def test_a_queue_without_a_name_says_so(open_page, added, workbench):
    page = open_page("evaluate")
    page.button(key="pool_make").click().run()
    assert any("needs a name" in text.value for text in page.text)
    assert workbench.store.pools.list(added.collection_id) == []


def test_missing_rankings_are_named_and_made_by_a_job(open_page, added, workbench):
    page = open_page("evaluate")
    page.number_input(key="pool_depth_0").set_value(20).run()
    assert any("has not ranked 4 of 4 queries" in warning.value for warning in page.warning)
    assert "pool_make" not in [button.key for button in page.button]
    page.button(key="pool_rank").click().run()
    assert not page.exception
    (job,) = workbench.store.jobs.list(collection_id=added.collection_id, kind=jobs.RANK)
    assert job.config["depth"] == 20
    assert any("being ranked" in element.value for element in page.markdown)


def test_a_collection_without_rankings_offers_to_make_them(open_page, beans):
    page = open_page("evaluate")
    assert not page.exception
    assert [header.value for header in page.subheader][-1] == "Evaluation queues"


def test_an_evaluation_is_kept_as_files(open_page, measured):
    page = open_page("evaluate")
    assert not page.exception
    assert {"Figures (CSV)", "Report (HTML)"} <= {button.proto.label for button in page.get("download_button")}
    run = next(button for button in page.button if button.key.startswith("keep_run_"))
    run.click().run()
    assert not page.exception
    assert "Save the run" in {button.proto.label for button in page.get("download_button")}


def test_every_measure_is_shown_per_query(open_page, measured):
    page = open_page("evaluate")
    table = ("Query", "Text", "BM25", "System", "Difference", "Judged@10")
    assert list(frames(page)[table]["Query"]) == ["h0", "h1", "h2", "h3"]
    before = list(frames(page)[table]["System"])
    page.selectbox(key="per_query_measure").set_value("AP").run()
    assert not page.exception and list(frames(page)[table]["System"]) != before
