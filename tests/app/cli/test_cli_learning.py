"""`whyrank learn`, with this test in the worker's place."""

import json
from dataclasses import asdict

import pytest
from choreographer.browsers.chromium import Chromium

from app.cli.session import Session
from data.records import AssessorKind, JobState, Judgment, Query, new_id
from tests.app.cli import test_cli_training
from tests.training.curves import point, varied
from training.curve import levels
from training.learning import LearnConfig

FakeWorker = test_cli_training.FakeWorker
settings = test_cli_training.settings
LEARN = ("learn", "--collection", "split", "--counts", "0,3", "--seeds", "0,1", "--set", "heldout=4")


@pytest.fixture
def split(say, workbench, beans):
    """The beans with a person's judgments of six queries more."""
    added = workbench.store.collections.add(
        name="split",
        scale=beans.scale,
        documents=list(workbench.store.collections.documents(beans.collection_id)),
        queries=[Query(query_id=f"q{i}", text=f"beans{i}") for i in range(6)],
    )
    person = workbench.store.assessors.ensure("Ann", AssessorKind.HUMAN)
    workbench.store.judgments.add_many(
        Judgment(
            event_id=new_id(),
            collection_id=added.collection_id,
            query_id=f"q{i}",
            doc_id=doc_id,
            assessor_id=person.assessor_id,
            grade=grade,
        )
        for i in range(6)
        for doc_id, grade in (("d1", 3), ("d2", 0))
    )
    return workbench.build_index(added)


def curve():
    points = [point(0, values=varied(0.0)), *(point(3, seed, values=varied(-0.2)) for seed in (0, 1))]
    return {
        "points": [p.to_json() for p in points],
        "levels": [asdict(level) for level in levels(points)],
        "bm25": 0.4,
        "warnings": ["Nobody judged **this**."],
    }


def test_a_job_is_written_with_the_curve_s_options(line, split, settings, workbench, lm):
    result = line(*LEARN, "--set", "epochs=3", "--by", "Ann", "--json", session=Session(settings, lm))
    assert result.exit_code == 0, result.stderr
    assert "No worker runs" in result.stderr
    job = json.loads(result.stdout)
    stored = workbench.store.jobs.get(job["job_id"])
    assert (stored.kind, stored.created_by, stored.state) == ("learn", "Ann", JobState.QUEUED)
    config = LearnConfig(**stored.config)
    assert (config.counts, config.seeds, config.heldout, config.train.epochs) == ((0, 3), (0, 1), 4, 3)


def test_waiting_says_what_the_curve_says_and_what_may_be_done(line, split, settings, workbench, lm):
    with FakeWorker(workbench, JobState.DONE, result=curve()):
        result = line(*LEARN, "--wait", session=Session(settings, lm))
    assert result.exit_code == 0, result.stderr
    assert "3 corrections: worse than the champion beyond chance (-0.2000" in result.stderr
    assert "never become versions" in result.stderr and "Note: Nobody judged **this**." in result.stderr
    header, champion, corrected = (row.split("\t") for row in result.stdout.splitlines())
    assert header[0] == "Corrections" and champion[0] == "0" and corrected[0] == "3"
    assert corrected[header.index("Beyond chance")] == "worse"


@pytest.mark.skipif(Chromium.find_browser(skip_local=False) is None, reason="there is no Chromium")
def test_a_png_is_drawn_beside_the_json(line, split, settings, workbench, lm, tmp_path):
    path = tmp_path / "curve.png"
    with FakeWorker(workbench, JobState.DONE, result=curve()):
        result = line(*LEARN, "--wait", "--json", "--png", path, session=Session(settings, lm))
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["result"]["bm25"] == 0.4
    assert path.read_bytes().startswith(b"\x89PNG")


def test_what_would_keep_a_picture_from_being_drawn_is_said_before_anything_starts(
    line, split, settings, workbench, lm, tmp_path, monkeypatch
):
    session = Session(settings, lm)
    there = tmp_path / "there.png"
    there.touch()
    assert "Add --wait" in line(*LEARN, "--png", tmp_path / "new.png", session=session).stderr
    assert "already exists" in line(*LEARN, "--wait", "--png", there, session=session).stderr
    assert "There is no folder" in line(*LEARN, "--wait", "--png", tmp_path / "no" / "x.png", session=session).stderr
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "none"))
    result = line(*LEARN, "--wait", "--png", tmp_path / "new.png", session=session)
    assert (result.exit_code, "none was found" in result.stderr) == (1, True)
    assert workbench.store.jobs.list() == []


def test_a_job_that_fails_fails_the_command(line, split, settings, workbench, lm):
    with FakeWorker(workbench, JobState.FAILED, error="The disk is full.", mend="Make room."):
        result = line(*LEARN, "--wait", "--json", session=Session(settings, lm))
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "Error: the job failed. The disk is full. Make room."


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--counts", "1,x"), "Numbers of corrections are whole numbers"),
        (("--set", "magic=1"), "An option does not fit: train.magic"),
        (("--set", "heldout"), "has no value"),
        (("--set", "heldout=6"), "6 queries can't be held out"),
        (("--recipe", "magic"), "There is no recipe 'magic'"),
    ],
)
def test_what_can_t_be_drawn_is_one_line(line, split, settings, lm, options, words):
    result = line("learn", "-c", "split", *options, session=Session(settings, lm))
    assert result.exit_code == 1
    (said,) = result.stderr.splitlines()
    assert said.startswith("Error: ") and words in said
