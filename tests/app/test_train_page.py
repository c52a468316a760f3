import fcntl
from datetime import timedelta

import pytest

from app.actions import holding
from app.actions import train as actions
from data.errors import SettingsError
from data.records import AssessorKind, Document, Job, JobMetric, JobState, Judgment, Query, Split, new_id, utc_now
from data.scales import DEFAULT_SCALE
from training.recipes import RECIPES


@pytest.fixture
def taught(workbench):
    """Three training queries judged by a person and a teacher, and two held-out ones."""
    splits = [Split.TRAIN] * 3 + [Split.HELDOUT] * 2
    added = workbench.store.collections.add(
        name="taught",
        scale=DEFAULT_SCALE,
        documents=[Document(doc_id=f"d{i}", text=f"text {i}") for i in range(3)],
        queries=[
            Query(query_id=f"q{i}", text=text, split=split)
            for i, (text, split) in enumerate(
                zip(("apples", "pears", "plums", "cherries", "grapes"), splits, strict=True)
            )
        ],
    )
    assessors = {
        AssessorKind.HUMAN: workbench.store.assessors.ensure("Ada", AssessorKind.HUMAN),
        AssessorKind.TEACHER: workbench.store.assessors.ensure("LLM", AssessorKind.TEACHER),
    }
    said = [(AssessorKind.HUMAN, f"q{i}", "d0", i % 4) for i in range(5)]
    said += [(AssessorKind.TEACHER, "q0", "d1", 2), (AssessorKind.TEACHER, "q4", "d1", 2)]
    workbench.store.judgments.add_many(
        [
            Judgment(
                event_id=new_id(),
                collection_id=added.collection_id,
                query_id=query_id,
                doc_id=doc_id,
                assessor_id=assessors[kind].assessor_id,
                grade=grade,
            )
            for kind, query_id, doc_id, grade in said
        ]
    )
    return added


def job(collection, **changes):
    now = utc_now()
    values = {
        "job_id": new_id(),
        "kind": "train",
        "collection_id": collection.collection_id,
        "config": {"recipe": "sft", "epochs": 2},
        "state": JobState.RUNNING,
        "attempts": 1,
        "stage": "training",
        "progress": 0.5,
        "created_by": "me",
        "started_at": now - timedelta(seconds=60),
        "heartbeat_at": now,
    }
    return Job(**(values | changes))


def texts(page):
    return "\n".join(element.value for element in page.text)


def metrics(page):
    return {metric.label: metric.value for metric in page.metric}


def test_it_shows_what_would_be_trained_before_anything_starts(workbench, taught, open_page):
    page = open_page("train")
    assert not page.exception
    assert metrics(page)["Pairs to learn from"] == "4" and metrics(page)["Of queries"] == "3"
    assert list(page.radio(key="recipe").options) == list(RECIPES)
    assert any("below 10 the gate will refuse" in warning.value for warning in page.warning)
    dropped = page.dataframe[1].value
    assert dict(zip(dropped["Reason"], dropped["Pairs"], strict=True))["held-out query"] == 3
    assert "Measured with labels of one person (Ada)" in texts(page)
    assert any("No job yet" in info.value for info in page.info)


def test_options_change_the_preview_and_carry_help(workbench, taught, open_page):
    page = open_page("train")
    assert page.number_input(key="option_correct_epochs").help
    page.number_input(key="option_correct_teacher_limit").set_value(0).run()
    assert not page.exception
    assert metrics(page)["Pairs to learn from"] == "3"


def test_nothing_to_train_on_is_said_and_the_button_is_off(workbench, beans, open_page):
    page = open_page("train")
    assert not page.exception
    assert page.button(key="start").disabled
    assert "To mend it:" in texts(page)


def test_no_worker_is_said_with_the_command_and_a_running_one_is_not(workbench, taught, open_page):
    page = open_page("train")
    assert any("No worker is running" in warning.value for warning in page.warning)
    assert page.code[0].value == "whyrank worker"
    lock = holding.worker_lock(workbench.settings)
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        page.run()
        assert not any("No worker is running" in warning.value for warning in page.warning)


def test_the_button_writes_a_job_or_says_why_not(workbench, taught, open_page):
    page = open_page("train")
    page.button(key="start").click().run()
    assert not page.exception
    jobs = workbench.store.jobs.list()
    assert len(jobs) == 1 or "To mend it" in texts(page)


def test_a_running_job_is_shown_live_and_can_be_cancelled(workbench, taught, open_page):
    running = job(taught)
    workbench.store.jobs.add(running)
    workbench.store.jobs.record(running.job_id, [JobMetric(step=i, name="loss", value=3 / i) for i in range(1, 9)])
    log = actions.log_path(workbench, running.job_id)
    log.parent.mkdir(parents=True)
    log.write_text("first\n![x](http://evil.example/x.png)\n")
    page = open_page("train")
    assert not page.exception
    assert metrics(page)["State"] == "running" and metrics(page)["Elapsed"].startswith("1 min")
    assert metrics(page)["Left, about"].startswith(("1 min", "59 s"))
    assert "![x](http://evil.example/x.png)" in page.code[-1].value
    assert page.get("plotly_chart")
    page.button(key="cancel").click().run()
    assert not page.exception
    assert workbench.store.jobs.get(running.job_id).cancel_requested
    assert "cancel" not in [button.key for button in page.button]
    assert any("asked to stop" in info.value for info in page.info)


def test_a_resumed_silent_job_says_both(workbench, taught, open_page):
    workbench.store.jobs.add(job(taught, attempts=2, heartbeat_at=utc_now() - timedelta(minutes=5)))
    page = open_page("train")
    assert any("resumed" in info.value for info in page.info)
    assert any("no sign of life" in warning.value for warning in page.warning)


def test_a_failed_job_shows_error_and_mend_as_text(workbench, taught, open_page):
    workbench.store.jobs.add(
        job(taught, state=JobState.FAILED, error="The loss is **NaN**.", mend="Lower it.", finished_at=utc_now())
    )
    page = open_page("train")
    assert not page.exception
    assert "The loss is **NaN**." in texts(page) and "Lower it." in texts(page)


def test_a_finished_job_links_to_its_evaluation(workbench, taught, open_page):
    result = {"version": "taught-1", "examples": 4, "promote": False, "refusals": ["Too few queries."]}
    workbench.store.jobs.add(job(taught, state=JobState.DONE, progress=1.0, result=result, finished_at=utc_now()))
    page = open_page("train")
    assert not page.exception
    assert "Version taught-1, trained on 4 examples." in texts(page) and "- Too few queries." in texts(page)
    assert [link.proto.page for link in page.get("page_link")] == ["evaluate"]


def test_a_job_that_made_queries_links_to_the_page_of_teachers(workbench, taught, open_page):
    done = {"state": JobState.DONE, "stage": "", "progress": 1.0, "result": {}, "finished_at": utc_now()}
    workbench.store.jobs.add(job(taught, kind="make-queries", config={}, **done))
    page = open_page("train")
    assert not page.exception
    assert [link.proto.page for link in page.get("page_link")] == ["teach"]


def test_a_finished_training_shows_what_its_stages_came_to(workbench, taught, open_page):
    stages = [
        {"name": "sft", "steps": 4, "examples": 4, "too_long": 1, "loss": 0.5, "seconds": 3.0},
        {"name": "grpo-reasoned", "steps": 9, "examples": 4, "too_long": 0, "loss": 0.0, "seconds": 9.0}
        | {"reward": 0.75, "unreadable": 0.25, "clipped": 0.125, "same_reward": 0.5, "kl": 0.01, "reward_form": 0.75},
    ]
    result = {"version": "taught-1", "examples": 4, "cut_documents": 2, "promote": True, "stages": stages}
    workbench.store.jobs.add(job(taught, state=JobState.DONE, progress=1.0, result=result, finished_at=utc_now()))
    page = open_page("train")
    assert not page.exception
    table = next(frame.value for frame in page.dataframe if "Stage" in frame.value)
    assert list(table["Stage"]) == ["sft", "grpo-reasoned"]
    assert list(table["Left out, too long"]) == [1, 0]
    assert table["Answers cut off"][1] == 0.125 and table["Groups that earn the same"][1] == 0.5
    assert "of 2 documents the model saw only the beginning" in texts(page)


def test_rewards_and_shares_have_charts_and_any_other_figure_if_it_is_chosen(workbench, taught, open_page):
    running = job(taught)
    workbench.store.jobs.add(running)
    figures = {"loss": 0.01, "reward": 0.5, "reward_form": 1.0, "unreadable": 0.1, "kl": 0.02, "grad_norm": 1.0}
    metrics = [JobMetric(step=step, name=name, value=value) for step in (1, 2) for name, value in figures.items()]
    workbench.store.jobs.record(running.job_id, metrics)
    page = open_page("train")
    assert not page.exception
    before = len(page.get("plotly_chart"))
    others = next(frame.value for frame in page.dataframe if "Last value" in frame.value)
    assert list(others["Figure"]) == ["Grad norm", "Distance (KL)"]
    page.selectbox(key=f"curve_{running.job_id}_drawn").select("kl").run()
    assert not page.exception
    assert len(page.get("plotly_chart")) == before + 1


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_can_be_started_from_the_page(workbench, taught, open_page, recipe):
    page = open_page("train")
    page.radio(key="recipe").set_value(recipe).run()
    assert not page.exception
    assert not page.button(key="start").disabled


def test_an_option_out_of_range_is_an_error_with_its_mend():
    with pytest.raises(SettingsError) as caught:
        actions.config({"recipe": "sft", "learning_rate": 0.0})
    assert "learning_rate" in caught.value.what and caught.value.mend


def test_rows_are_counted_by_source_and_grade(workbench, taught):
    found = actions.preview(workbench, taught, actions.config({"recipe": "sft"}))
    assert actions.by_source_and_grade(found) == [("people", {0: 1, 1: 1, 2: 1}), ("teachers", {2: 1})]
