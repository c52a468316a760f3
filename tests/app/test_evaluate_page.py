from dataclasses import replace

import pytest

from app.actions import evaluate as actions
from app.actions import people
from data.errors import ConflictError, PromotionRefusedError, SettingsError
from data.records import AssessorKind, Document, Job, JobState, Judgment, Query, Split, Version, new_id, utc_now
from data.scales import DEFAULT_SCALE
from engine.evaluation import PRIMARY
from engine.pipeline import Plan
from tests.training.curves import point
from training import points
from training.evaluations import evaluate_version
from training.measuring import EvaluateConfig

QUERIES = 11


@pytest.fixture
def measured(workbench):
    """Eleven held-out queries with a person's labels, and a version that is not the champion."""
    documents = [Document(doc_id=f"d{i}", text=f"word{i} useful text" if i % 2 else f"word{i} text") for i in range(4)]
    queries = [Query(query_id=f"q{i:02d}", text=f"word{i % 4} text", split=Split.HELDOUT) for i in range(QUERIES)]
    added = workbench.store.collections.add(
        name="measured", scale=DEFAULT_SCALE, documents=documents, queries=queries, guidelines=""
    )
    person = workbench.store.assessors.ensure("Ada *", AssessorKind.HUMAN, authored=True)
    workbench.store.judgments.add_many(
        [
            Judgment(
                event_id=new_id(),
                collection_id=added.collection_id,
                query_id=query.query_id,
                doc_id=document.doc_id,
                assessor_id=person.assessor_id,
                grade=3 if document.doc_id == "d1" else 0,
            )
            for query in queries
            for document in documents
        ]
    )
    collection = workbench.build_index(added)
    workbench.base_version()
    workbench.store.versions.add(
        Version(version_id="v1", name="measured-1", base_model="scripted", collection_id=collection.collection_id)
    )
    return collection


def evaluated(workbench, collection, *, wins):
    """A stored evaluation of v1; its figures are made such that the gate lets it pass, or as they came out."""
    version = workbench.store.versions.get("v1")
    record = evaluate_version(workbench, collection, version, plan=replace(Plan(), method="pointwise-score", depth=4))
    if wins:
        primary = record.report["measures"][PRIMARY] | {"interval": (0.1, 0.3), "difference": 0.2, "system": 0.9}
        report = record.report | {"measures": record.report["measures"] | {PRIMARY: primary}}
        record = replace(record, evaluation_id=new_id(), report=report)
        workbench.store.evaluations.add(record)
    return record


def texts(page):
    return "\n".join(element.value for element in page.text)


def test_without_an_evaluation_it_says_how_to_get_one(workbench, measured, open_page):
    page = open_page("evaluate")
    assert not page.exception
    assert any("Nothing was evaluated yet" in info.value for info in page.info)
    assert "11 held-out queries" in texts(page) and "written for the sample" in texts(page)


def test_without_labels_there_is_nothing_to_measure_with(workbench, beans, open_page):
    page = open_page("evaluate")
    assert not page.exception
    assert "0 held-out queries" in texts(page)
    assert "evaluate" not in [button.key for button in page.button]


def test_a_refused_evaluation_shows_every_condition_with_its_figures(workbench, measured, open_page):
    evaluated(workbench, measured, wins=False)
    page = open_page("evaluate")
    assert not page.exception
    assert any("refuses" in warning.value for warning in page.warning)
    assert "difference +0.0000" in texts(page) and "11 held-out queries" in texts(page)
    table = page.dataframe[0].value
    assert list(table["Measure"]) == [PRIMARY, "RR@10", "AP", "Judged@10"]
    assert {"BM25", "Champion", "System", "vs champion", "95 % interval", "p", "Wins", "Losses"} <= set(table)
    assert {metric.label for metric in page.metric} >= {
        "Judged@10",
        "Ties",
        "Unreadable",
        "Tokens per document",
        "Looks at this set",
    }
    assert "written for the sample" in texts(page)
    page.button(key="promote").click().run()
    assert not page.exception
    assert "is not promoted" in texts(page)
    assert workbench.champion(measured).version_id == "base"


def test_the_champion_s_own_evaluation_is_not_judged(workbench, measured, open_page):
    evaluate_version(
        workbench, measured, workbench.base_version(), plan=replace(Plan(), method="pointwise-score", depth=4)
    )
    page = open_page("evaluate")
    assert not page.exception
    assert any("Measured as the champion itself" in info.value for info in page.info)
    assert not any("refuses" in warning.value for warning in page.warning)
    assert "Champion" not in page.dataframe[0].value and "vs BM25" in page.dataframe[0].value
    assert "promote" not in [button.key for button in page.button]


def test_against_the_gate_takes_a_reason_which_is_stored(workbench, measured, open_page):
    evaluated(workbench, measured, wins=False)
    page = open_page("evaluate")
    page.button(key="override").click().run()
    assert "needs a reason" in texts(page)
    page.text_area(key="override_reason").set_value("A demo for **tomorrow**")
    page.button(key="override").click().run()
    assert not page.exception
    assert workbench.champion(measured).version_id == "v1"
    history = page.dataframe[-1].value
    assert "A demo for **tomorrow**" in history["Reason"][0] and history["By"][0] == "me"
    assert not any("**tomorrow" in element.value for element in page.markdown)


def test_a_passing_version_is_promoted_and_rolled_back(workbench, measured, open_page):
    evaluated(workbench, measured, wins=True)
    page = open_page("evaluate")
    assert any("lets this version pass" in success.value for success in page.success)
    assert "override" not in [button.key for button in page.button]
    page.button(key="promote").click().run()
    assert not page.exception
    assert workbench.champion(measured).version_id == "v1"
    assert any("champion now" in info.value for info in page.info)
    page.button(key="rollback").click().run()
    assert not page.exception
    assert workbench.champion(measured).version_id == "base"
    assert len(page.dataframe[-1].value) == 2


def test_a_new_evaluation_is_a_job(workbench, measured, open_page):
    page = open_page("evaluate")
    page.number_input(key="evaluate_depth").set_value(3)
    page.button(key="evaluate").click().run()
    assert not page.exception
    (job,) = workbench.store.jobs.list(collection_id=measured.collection_id)
    assert job.kind == "evaluate" and EvaluateConfig(**job.config).depth == 3
    assert any("under way" in element.value for element in page.markdown)
    assert any("No worker is running" in warning.value for warning in page.warning)


def test_a_failed_evaluation_shows_error_and_mend(workbench, measured, open_page):
    now = utc_now()
    workbench.store.jobs.add(
        Job(
            job_id="j1",
            kind="evaluate",
            collection_id=measured.collection_id,
            config={},
            state=JobState.FAILED,
            error="It broke ![x](http://evil.example/x.png).",
            mend="Mend it.",
            started_at=now,
            finished_at=now,
        )
    )
    page = open_page("evaluate")
    assert not page.exception
    assert "It broke ![x]" in texts(page) and "Mend it." in texts(page)
    assert not any("![x]" in element.value for element in [*page.markdown, *page.error])


def test_actions_tell_the_newest_evaluation_and_the_pace(workbench, measured):
    first = evaluated(workbench, measured, wins=False)
    second = evaluated(workbench, measured, wins=True)
    assert not actions.shown(workbench, measured, first).newest
    shown = actions.shown(workbench, measured, second)
    assert shown.newest and not shown.is_champion and shown.champion_then == workbench.base_version().name
    assert shown.looks == 3
    offer = actions.offer(workbench, measured)
    assert offer.queries == QUERIES and [v.version_id for v in offer.versions] == ["base", "v1"]
    assert offer.seconds("pointwise-score", 10, 10) is not None
    assert offer.seconds("pointwise-reason-first", 10, 10) is None


def test_actions_refuse_without_a_reason_or_a_past(workbench, measured):
    evaluated(workbench, measured, wins=False)
    version = workbench.store.versions.get("v1")
    with pytest.raises(PromotionRefusedError):
        actions.promote(workbench, measured, version, people.local("me"))
    with pytest.raises(SettingsError):
        actions.override(workbench, measured, version, people.local("me"), "  ")
    with pytest.raises(ConflictError):
        actions.rollback(workbench, measured, people.local("me"))


def test_points_of_learning_curves_are_looks_as_well(workbench, measured):
    record = evaluated(workbench, measured, wins=False)
    points.write(workbench.settings, record.heldout_sha256, "key", point(25, 0))
    assert actions.shown(workbench, measured, record).looks == 2
