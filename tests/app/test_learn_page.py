import json
from dataclasses import asdict
from datetime import timedelta

import pytest

from data.records import AssessorKind, Job, JobState, Judgment, Query, Split, new_id, utc_now
from data.scales import DEFAULT_SCALE
from tests.app.conftest import DOCUMENTS, HOSTILE
from tests.training.curves import point, varied
from training import jobs
from training.curve import levels
from training.folders import write_json
from training.learning import LearnConfig


@pytest.fixture
def corrected(workbench):
    """Four training queries and twelve held-out ones, two documents of each judged by a person."""
    queries = [
        Query(query_id=f"q{i:02}", text=f"beans{i}", split=Split.TRAIN if i < 4 else Split.HELDOUT) for i in range(16)
    ]
    added = workbench.store.collections.add(
        name="corrected",
        scale=DEFAULT_SCALE,
        documents=DOCUMENTS,
        queries=queries,
    )
    person = workbench.store.assessors.ensure(HOSTILE[:60], AssessorKind.HUMAN)
    workbench.store.judgments.add_many(
        Judgment(
            event_id=new_id(),
            collection_id=added.collection_id,
            query_id=query.query_id,
            doc_id=doc_id,
            assessor_id=person.assessor_id,
            grade=grade,
        )
        for query in queries
        for doc_id, grade in (("d1", 3), ("d2", 0))
    )
    return workbench.build_index(added)


@pytest.fixture
def learn_page(open_page):
    return lambda: open_page("learn")


def curve(*points, whole=True):
    found = {
        "points": [p.to_json() for p in points],
        "levels": [asdict(level) for level in levels(points)],
        "bm25": 0.4,
        "champion": "champion *1*",
        "labels": "labels of one person (Ada)",
        "heldout_queries": 12,
        "correctable": 8,
        "correctable_queries": 4,
        "looks": 3,
        "warnings": ["Nobody judged **this**."],
        "whole": whole,
    }
    return json.loads(json.dumps(found))


def job(collection, state, **changes):
    now = utc_now()
    values = {
        "job_id": new_id(),
        "kind": "learn",
        "collection_id": collection.collection_id,
        "config": LearnConfig().model_dump(mode="json"),
        "state": state,
        "attempts": 1,
        "created_by": "me",
        "started_at": now - timedelta(seconds=60),
        "heartbeat_at": now,
    }
    return Job(**(values | changes))


def texts(page):
    return "\n".join(element.value for element in page.text)


def metrics(page):
    return {metric.label: metric.value for metric in page.metric}


def markdown(page):
    return [element.value for element in (*page.markdown, *page.caption, *page.warning, *page.info, *page.success)]


def test_without_a_curve_it_says_what_one_is_and_what_it_would_be_made_from(workbench, corrected, learn_page):
    page = learn_page()
    assert not page.exception
    assert any("No curve yet" in info.value for info in page.info)
    assert metrics(page) == {"Corrections there are": "8", "Of queries": "4", "Held-out queries": "12"}
    assert not page.button(key="learn_start").disabled
    assert page.number_input(key="learn_heldout").help
    # A name full of markup is text.
    assert HOSTILE[:30] in texts(page) and not any("<script>" in words for words in markdown(page))


def test_without_judgments_it_says_what_to_do_and_the_button_is_off(workbench, beans, open_page):
    page = open_page("learn")
    assert not page.exception
    assert "There is no human judgment to learn from" in texts(page) and "To mend it: Judge documents" in texts(page)
    assert page.button(key="learn_start").disabled
    assert [link.proto.page for link in page.get("page_link")] == ["judge", "collections"]


def test_without_held_out_labels_it_says_so(workbench, beans, say, open_page):
    for query_id in ("q1", "q2"):
        say("Ada", AssessorKind.HUMAN, query_id, "d1", 3)
    collection = workbench.store.collections.get("beans")
    held = {query.query_id for query in workbench.store.collections.queries(collection.collection_id)}
    assert held == {"q1", "q2"}
    page = open_page("learn")
    page.number_input(key="learn_heldout").set_value(2).run()
    assert not page.exception
    assert "2 queries can't be held out" in texts(page) and page.button(key="learn_start").disabled


def test_the_button_writes_a_job_with_what_was_typed(workbench, corrected, learn_page, tmp_path):
    page = learn_page()
    page.text_input(key="learn_counts").set_value("0, 4 8")
    page.text_input(key="learn_seeds").set_value("0, 1")
    page.number_input(key="learn_visit").set_value(2)
    page.button(key="learn_start").click().run()
    assert not page.exception
    # The scripted model has no folder: that is said before a job is written.
    assert "scripted" in texts(page) and workbench.store.jobs.list() == []
    model = tmp_path / "model"
    model.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (model / name).write_text("{}")
    workbench.settings.model = str(model)
    page.button(key="learn_start").click().run()
    assert not page.exception
    (written,) = workbench.store.jobs.list()
    config = LearnConfig(**written.config)
    assert (written.kind, config.counts, config.seeds, config.per_visit) == ("learn", (0, 4, 8), (0, 1), 2)
    assert config.train == LearnConfig().train
    assert any("No worker is running" in warning.value for warning in page.warning)


def test_a_typing_error_is_said_with_its_mend(workbench, corrected, learn_page):
    page = learn_page()
    page.text_input(key="learn_counts").set_value("0, many").run()
    assert not page.exception
    assert "Numbers of corrections are whole numbers, not '0, many'." in texts(page)


def test_a_running_job_shows_its_progress_and_the_curve_so_far(workbench, corrected, learn_page):
    running = job(corrected, JobState.RUNNING, stage="training with 25 corrections, seed 0", progress=0.4)
    workbench.store.jobs.add(running)
    page = learn_page()
    assert not page.exception
    assert metrics(page)["State"] == "running"
    assert any("first point" in caption.value for caption in page.caption)
    assert not page.get("plotly_chart")
    so_far = curve(point(0), point(25, 0, values=varied(0.2)), whole=False)
    write_json(jobs.curve_path(workbench.settings, running.job_id), so_far)
    page.run()
    assert len(page.get("plotly_chart")) == 2
    assert list(page.dataframe[0].value["Corrections"]) == [0, 25]
    assert not page.get("download_button")
    page.button(key="cancel").click().run()
    assert not page.exception
    assert workbench.store.jobs.get(running.job_id).cancel_requested
    assert "cancel" not in [button.key for button in page.button]


def test_a_finished_curve_shows_charts_table_and_what_may_be_done(workbench, corrected, learn_page):
    worse = point(25, 0, values=varied(-0.2), assumed=5)
    result = curve(point(0), worse, point(100, 0, values=varied(0.2)))
    workbench.store.jobs.add(job(corrected, JobState.DONE, progress=1.0, result=result, finished_at=utc_now()))
    page = learn_page()
    assert not page.exception
    assert len(page.get("plotly_chart")) == 2
    table = page.dataframe[0].value
    assert list(table["Beyond chance"]) == ["-", "worse", "better"]
    assert list(table["Assumed"]) == [0, 5, 0]
    said = "\n".join(warning.value for warning in page.warning)
    assert "worse than the champion beyond chance" in said and "learning rate" in said
    assert "champion *1*" in texts(page)
    assert not any("**this**" in words for words in markdown(page))
    assert [button.proto.label for button in page.get("download_button")] == ["CSV"]
    assert any("3 times" in caption.value for caption in page.caption)


def test_a_better_curve_says_so(workbench, corrected, learn_page):
    result = curve(point(0), point(25, 0, values=varied(0.2)))
    workbench.store.jobs.add(job(corrected, JobState.DONE, result=result, finished_at=utc_now()))
    page = learn_page()
    assert any("Corrections made it better" in success.value for success in page.success)


def test_a_picture_without_a_browser_is_said_with_the_mend(workbench, corrected, learn_page, tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "none"))
    workbench.store.jobs.add(job(corrected, JobState.DONE, result=curve(point(0)), finished_at=utc_now()))
    page = learn_page()
    page.button(key="learn_png").click().run()
    assert not page.exception
    assert "none was found" in texts(page) and "apt-get install chromium" in texts(page)


def test_an_undefined_kappa_is_said_in_words(workbench, corrected, learn_page):
    none = curve(point(0, kappa=None, kappa_note="no pair was graded by both"))
    workbench.store.jobs.add(job(corrected, JobState.DONE, result=none, finished_at=utc_now()))
    page = learn_page()
    assert len(page.get("plotly_chart")) == 1
    assert "no pair was graded by both" in texts(page)


def test_a_failed_curve_keeps_its_points(workbench, corrected, learn_page):
    failed = job(corrected, JobState.FAILED, error="The disk is **full**.", mend="Make room.", finished_at=utc_now())
    workbench.store.jobs.add(failed)
    write_json(jobs.curve_path(workbench.settings, failed.job_id), curve(point(0), whole=False))
    page = learn_page()
    assert not page.exception
    assert "The disk is **full**." in texts(page) and page.get("plotly_chart")


def test_the_train_page_lists_it_and_leads_to_it(workbench, corrected, open_page):
    workbench.store.jobs.add(job(corrected, JobState.DONE, result=curve(point(0)), finished_at=utc_now()))
    page = open_page("train")
    assert not page.exception
    assert "learn" in [link.proto.page for link in page.get("page_link")]
