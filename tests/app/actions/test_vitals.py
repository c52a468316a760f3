"""What a home tells whoever watches it, in Prometheus' text form."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from app.actions import holding, vitals
from app.cli import cli
from app.cli.session import Session
from data.errors import StoreError
from data.records import AssessorKind, Job, JobState, RankedDocument, Ranking, Status, Version, new_id, utc_now
from data.settings import Settings


def read(settings):
    """(name, values of the labels in the order of their names) -> figure."""
    families = text_string_to_metric_families(vitals.text(settings))
    return {
        (s.name, *(s.labels[label] for label in sorted(s.labels))): s.value
        for family in families
        for s in family.samples
    }


@pytest.fixture
def settings(workbench):
    return workbench.settings


@pytest.fixture
def ranking(workbench, beans):
    """A ranking of one document and of one that could not be read."""
    workbench.base_version()
    documents = tuple(
        RankedDocument(
            doc_id=doc_id,
            rank=rank,
            score=1.0,
            raw_score=None,
            first_stage_rank=rank,
            first_stage_score=1.0,
            grade=grade,
            unreadable=None if grade else "no grade",
        )
        for rank, (doc_id, grade) in enumerate({"d1": 2, "d2": None}.items(), start=1)
    )
    return Ranking(
        ranking_id=new_id(),
        collection_id=beans.collection_id,
        query_id="q1",
        query_text="Why do my beans stay hard?",
        method="pointwise-score",
        version_id="base",
        base_model="scripted",
        prompt_sha256="p",
        scale_name="s",
        retriever="r",
        depth=2,
        fusion_weight=0.2,
        parameters={},
        seconds={"retrieve": 0.1, "rank": 2.5},
        documents=documents,
    )


def test_rankings_of_every_process_are_told_with_their_seconds(workbench, settings, ranking):
    workbench.record(ranking)
    # As a job keeps what it ranks to measure: without judgments.
    workbench.store.rankings.add(replace(ranking, ranking_id=new_id(), seconds={"rank": 700.0}))
    told = read(settings)
    key = ("pointwise-score", "base")
    assert told["whyrank_stored_rankings", *key] == told["whyrank_stored_ranking_seconds_count", *key] == 2
    assert told["whyrank_stored_ranking_seconds_sum", *key] == pytest.approx(702.5)
    ends = ("1.0", "2.5", "600.0", "+Inf")
    assert [told["whyrank_stored_ranking_seconds_bucket", end, *key] for end in ends] == [0, 1, 1, 2]
    assert told["whyrank_stored_documents", "base"] == 2
    assert told["whyrank_stored_unreadable_documents", "base"] == 1
    assert (told["whyrank_judgments", "student", "judged"], told["whyrank_judgments", "student", "unreadable"]) == (
        1,
        1,
    )


def test_what_waits_and_whether_somebody_works(workbench, settings, say):
    say("Ann", AssessorKind.HUMAN, "q1", "d1", 2)
    job = Job(job_id=new_id(), kind="train", collection_id=None, config={}, state=JobState.QUEUED)
    workbench.store.jobs.add(job)
    told = read(settings)
    assert told["whyrank_judgments", "human", "judged"] == 1
    assert told["whyrank_judgments", "teacher", Status.UNREADABLE] == 0
    assert (told["whyrank_jobs", "queued"], told["whyrank_jobs", "failed"]) == (1, 0)
    assert told["whyrank_jobs_waiting",] == 1
    assert 0 < told["whyrank_jobs_longest_wait_seconds",] < 3600
    assert told["whyrank_worker_up",] == 0
    workbench.store.jobs.finish(job.job_id, JobState.CANCELLED, now=utc_now())
    with holding.hold(holding.worker_lock(settings), what="", mend=""):
        told = read(settings)
    assert told["whyrank_worker_up",] == 1
    assert told["whyrank_jobs_longest_wait_seconds",] == 0


def test_a_name_of_any_characters_does_not_break_the_form(workbench, settings, ranking):
    odd = 'say "hi"\\\n{x="y"} 7'
    workbench.store.versions.add(Version(version_id="v1", name=odd, base_model="scripted"))
    workbench.record(replace(ranking, version_id="v1"))
    assert read(settings)["whyrank_stored_rankings", "pointwise-score", odd] == 1


def test_no_home_is_made_by_looking(tmp_path):
    with pytest.raises(StoreError, match="WHYRANK_HOME"):
        vitals.text(Settings(home=tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()


def test_the_command_prints_the_same_text(workbench, beans):
    ended = CliRunner().invoke(cli, ["metrics"], obj=Session(workbench.settings), prog_name="whyrank")
    assert ended.exit_code == 0
    assert ended.stdout == vitals.text(workbench.settings)
    nowhere = workbench.settings.model_copy(update={"home": workbench.settings.home / "nowhere"})
    refused = CliRunner().invoke(cli, ["metrics"], obj=Session(nowhere), prog_name="whyrank")
    assert (refused.exit_code, refused.stdout) == (1, "")
