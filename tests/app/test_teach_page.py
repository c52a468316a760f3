"""The Teacher page: what would be asked, a job live and at its end, and teachers combined."""

import json
from datetime import timedelta

import pytest

from data.records import AssessorKind, Job, JobState, new_id, utc_now
from tests.app.conftest import HOSTILE
from training import jobs
from training.folders import write_json
from training.making import MakeConfig
from training.teaching import TeachConfig

URL = "http://127.0.0.1:1/v1"


@pytest.fixture
def page(workbench, beans, open_page):
    workbench.settings.teacher_url = URL
    workbench.settings.teacher_model = "gpt-x"
    return lambda: open_page("teach")


def texts(page):
    return "\n".join(element.value for element in page.text)


def metrics(page):
    return {metric.label: metric.value for metric in page.metric}


def told(**changes):
    found = {"assessor": HOSTILE[:40], "pairs": 1000, "graded": 40, "asked": 42, "kept": 0, "unreadable": 2}
    found |= {"unanswered": 1, "not_asked": 957, "requests": 45, "prompt_tokens": 9000, "completion_tokens": 1000}
    found |= {"tokens": 10_000, "estimated": 0, "cost": 0.0123, "stopped": None, "by_grade": {"0": 30, "3": 10}}
    return {**found, "whole": False, **changes}


def job(collection, state, **changes):
    now = utc_now()
    budget = {"money": 1.0, "prompt_price": 1.0}
    values = {
        "job_id": new_id(),
        "kind": "teach",
        "collection_id": collection.collection_id,
        "config": TeachConfig(url=URL, model="gpt-x", budget=budget).model_dump(mode="json"),
        "state": state,
        "attempts": 1,
        "stage": "asking gpt-x: 42 answers, 2 unreadable",
        "started_at": now - timedelta(seconds=60),
        "heartbeat_at": now,
    }
    return Job(**(values | changes))


def test_without_a_server_it_asks_for_one(beans, open_page):
    page = open_page("teach")
    assert not page.exception
    assert any("No teacher was asked yet" in info.value for info in page.info)
    assert any("Name the server and its model" in info.value for info in page.info)
    assert "teach_start" not in [button.key for button in page.button]


def test_it_shows_what_would_be_asked_and_the_button_writes_the_job(workbench, page):
    opened = page()
    opened.selectbox(key="teach_split").set_value("all").run()
    opened.number_input(key="teach_depth").set_value(3)
    opened.number_input(key="teach_requests").set_value(7)
    opened.number_input(key="teach_prompt_price").set_value(2.0).run()
    assert not opened.exception
    found = metrics(opened)
    assert (found["Queries"], found["Pairs at most"]) == ("2", "6") and "Cost at most, about" in found
    opened.button(key="teach_start").click().run()
    assert not opened.exception
    (written,) = workbench.store.jobs.list(kind=jobs.TEACH)
    config = TeachConfig(**written.config)
    assert (config.url, config.model, config.depth, config.split) == (URL, "gpt-x", 3, None)
    assert (config.budget.requests, config.budget.prompt_price, written.created_by) == (7, 2.0, "me")


def test_named_queries_and_the_disagreement_queue(workbench, page, say):
    opened = page()
    opened.selectbox(key="teach_split").set_value("named").run()
    opened.text_area(key="teach_queries_named").set_value("q2\nnope").run()
    assert "no query 'nope'" in texts(opened) and opened.button(key="teach_start").disabled
    opened.text_area(key="teach_queries_named").set_value("q2").run()
    assert metrics(opened)["Queries"] == "1"
    opened.selectbox(key="teach_split").set_value("disagreement queue").run()
    assert any("disagreement queue is empty" in info.value for info in opened.info)
    say("student", AssessorKind.STUDENT, "q1", "d1", 3)
    opened.run()
    opened.button(key="teach_start").click().run()
    (written,) = workbench.store.jobs.list(kind=jobs.TEACH)
    assert written.config["pairs"] == [["q1", "d1"]]


def test_an_address_that_is_none_is_said_and_the_key_never_shown(workbench, page):
    from pydantic import SecretStr

    workbench.settings.teacher_api_key = SecretStr("sk-very-secret")
    opened = page()
    opened.text_input(key="teach_url").set_value("http://me:pw@host/v1").run()
    assert "has a name, a password" in texts(opened) and opened.button(key="teach_start").disabled
    opened.text_input(key="teach_url").set_value("http://127.0.0.1:2/v1").run()
    assert any("is not sent it" in warning.value for warning in opened.warning)
    assert "sk-very-secret" not in json.dumps([repr(element) for element in opened.main])


def test_a_running_job_is_shown_with_its_cost_and_can_be_cancelled(workbench, beans, page):
    running = job(beans, JobState.RUNNING, progress=0.04)
    workbench.store.jobs.add(running)
    write_json(jobs.teach_path(workbench.settings, running.job_id), told())
    opened = page()
    assert not opened.exception
    found = metrics(opened)
    assert (found["Graded"], found["Unreadable"], found["Requests"]) == ("40 of 1,000", "2", "45")
    assert (found["Tokens"], found["Spent"], found["State"]) == ("10,000", "0.0123", "running")
    # A model's name full of markup is text.
    assert HOSTILE[:40] in texts(opened)
    assert not any("<script>" in element.value for element in (*opened.markdown, *opened.caption, *opened.warning))
    opened.button(key="cancel").click().run()
    assert workbench.store.jobs.get(running.job_id).cancel_requested


def test_a_job_that_stopped_at_its_budget_says_so(workbench, beans, page):
    stopped = told(stopped="The budget of 45 requests is used up.", whole=True)
    workbench.store.jobs.add(job(beans, JobState.DONE, result=stopped))
    opened = page()
    assert any("The budget of 45 requests is used up" in w.value.replace("\\", "") for w in opened.warning)
    assert "957 pairs were not asked about" in texts(opened)


def test_a_failed_job_says_why_and_what_it_kept(workbench, beans, page):
    failed = job(beans, JobState.FAILED, error="host refused the key (401).", mend="Set WHYRANK_TEACHER_API_KEY.")
    workbench.store.jobs.add(failed)
    write_json(jobs.teach_path(workbench.settings, failed.job_id), told())
    opened = page()
    assert "refused the key (401)" in texts(opened) and "Set WHYRANK_TEACHER_API_KEY" in texts(opened)
    assert metrics(opened)["Graded"] == "40 of 1,000"


def test_of_a_cancelled_job_the_answers_stay_and_it_says_so(workbench, beans, page):
    cancelled = job(beans, JobState.CANCELLED)
    workbench.store.jobs.add(cancelled)
    write_json(jobs.teach_path(workbench.settings, cancelled.job_id), told())
    opened = page()
    assert any("What was answered until then stays" in info.value for info in opened.info)
    assert metrics(opened)["Graded"] == "40 of 1,000"


def making(collection, state, **changes):
    config = MakeConfig(teaching=TeachConfig(url=URL, model="gpt-x", budget={"prompt_price": 1.0}))
    return job(collection, state, kind=jobs.MAKE, config=config.model_dump(mode="json"), **changes)


def manifest(**changes):
    found = {"collection": "beans", "model": "gpt-x", "assessor": "gpt-x", "seed": 0, "documents": 5, "asked": 4}
    found |= {"kept": 0, "unreadable": 1, "unanswered": 0, "not_asked": 1, "refused": {"repeats the title": 1}}
    found |= {"dropped": {"near an evaluation query": 1}, "queries": 1, "new_queries": 1, "judged": None}
    found |= {"requests": 4, "prompt_tokens": 800, "completion_tokens": 200, "tokens": 1000, "cost": 0.0008}
    return {**found, "estimated": 0, "stopped": None, "whole": False, **changes}


MADE = {"query_id": "made-1", "doc_id": "d5", "text": HOSTILE, "summary": f"Beans. {HOSTILE}"}


def write_manifest(workbench, written, **changes):
    path = jobs.made_path(workbench.settings, written.job_id)
    write_json(path, {**manifest(**changes), "made": [MADE]})
    return path


def to_make(page):
    opened = page()
    opened.segmented_control(key="teach_task").set_value("make").run()
    assert not opened.exception
    return opened


def test_making_queries_shows_what_would_be_asked_as_the_command_line_does(workbench, page):
    opened = to_make(page)
    opened.number_input(key="make_documents").set_value(4)
    opened.number_input(key="make_depth").set_value(2)
    opened.number_input(key="teach_requests").set_value(12)
    opened.number_input(key="teach_prompt_price").set_value(2.0).run()
    found = metrics(opened)
    assert (found["Documents"], found["Pairs at most"]) == ("4", "8") and "Cost at most, about" in found
    assert "4 documents, 8 pairs; at most about " in texts(opened)
    opened.button(key="make_start").click().run()
    assert not opened.exception
    (written,) = workbench.store.jobs.list(kind=jobs.MAKE)
    config = MakeConfig(**written.config)
    assert (config.documents, config.seed, config.judge, config.teaching.depth) == (4, 0, True, 2)
    assert (config.teaching.url, config.teaching.budget.requests, written.created_by) == (URL, 12, "me")


def test_making_queries_without_judging_asks_about_no_pair(workbench, page):
    opened = to_make(page)
    opened.checkbox(key="make_judge").set_value(False).run()
    assert metrics(opened)["Pairs at most"] == "0" and "5 documents, 0 pairs" in texts(opened)
    opened.button(key="make_start").click().run()
    (written,) = workbench.store.jobs.list(kind=jobs.MAKE)
    assert MakeConfig(**written.config).judge is False


def test_making_queries_needs_documents_and_a_server(workbench, beans, page, open_page):
    empty = workbench.store.collections.add(name="empty", scale=beans.scale, documents=[])
    opened = page()
    opened.sidebar.selectbox[0].set_value(empty.name).run()
    opened.segmented_control(key="teach_task").set_value("make").run()
    assert "empty has no document" in texts(opened) and opened.button(key="make_start").disabled
    opened.text_input(key="teach_url").set_value("").run()
    assert any("Name the server and its model" in info.value for info in opened.info)
    assert "make_start" not in [button.key for button in opened.button]


def test_queries_are_watched_while_they_are_made_and_judged(workbench, beans, page):
    running = making(beans, JobState.RUNNING, progress=0.5)
    workbench.store.jobs.add(running)
    assert "Queries made" not in metrics(page())
    write_manifest(workbench, running)
    opened = page()
    assert not opened.exception
    found = metrics(opened)
    assert (found["Documents asked about"], found["Queries made"], found["Left out"]) == ("4 of 5", "1", "3")
    assert "Pairs graded" not in found and found["Spent"] == "0.0008"
    assert "Refused: 1 repeats the title." in texts(opened) and "Dropped: 1 near an evaluation" in texts(opened)
    # From here on it is the judging that tells how far it is and what was spent.
    write_json(jobs.teach_path(workbench.settings, running.job_id), told(requests=46))
    found = metrics(opened.run())
    assert (found["Pairs graded"], found["Requests"], found["Spent"]) == ("40 of 1,000", "46", "0.0123")
    assert "make_manifest" not in [button.key for button in opened.get("download_button")]
    opened.button(key="cancel").click().run()
    assert workbench.store.jobs.get(running.job_id).cancel_requested


def test_queries_that_were_made_are_shown_as_text_with_their_manifest(workbench, beans, page):
    done = making(beans, JobState.DONE, result=manifest(stopped="The budget of 4 requests is used up.", whole=True))
    workbench.store.jobs.add(done)
    path = write_manifest(workbench, done)
    opened = page()
    assert not opened.exception
    assert any("The budget of 4 requests is used up" in w.value.replace("\\", "") for w in opened.warning)
    assert "1 queries made of 5 documents" in texts(opened)
    (rows,) = [table.value for table in opened.dataframe if "Its summary" in table.value]
    assert (rows["Query"][0], rows["Document"][0], rows["Id"][0]) == (HOSTILE, "d5", "made-1")
    assert not any("<script>" in element.value for element in (*opened.markdown, *opened.caption, *opened.warning))
    assert len(opened.get("download_button")) == 1
    # Where somebody cleared the folder, the figures of the result are left.
    path.unlink()
    opened = page()
    assert not opened.exception and not opened.get("download_button")
    assert metrics(opened)["Queries made"] == "1"


def test_two_teachers_become_a_third(workbench, beans, page, say):
    assert "combine" not in [button.key for button in page().button]
    for name, grade in (("a", 3), (HOSTILE[:40], 3)):
        say(name, AssessorKind.TEACHER, "q1", "d1", grade)
    opened = page()
    assert opened.button(key="combine").disabled
    (chosen,) = opened.multiselect
    chosen.set_value(["a", HOSTILE[:40].strip()])
    opened.text_input(key="combine_name_0").set_value("panel").run()
    opened.button(key="combine").click().run()
    assert not opened.exception
    assert any("1 of 1 pairs graded" in news.value.replace("\\", "") for news in opened.success)
    assert "panel" in {each.name for each in workbench.store.assessors.list(AssessorKind.TEACHER)}
