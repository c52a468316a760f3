"""The app's log: a line for every run of a page and for what was done there, with ids and nobody's words."""

import io
import json
import logging
import sys
from dataclasses import replace

import pytest

from app import trace
from app.actions import people, takeaway
from data import logs
from data.errors import NotAllowedError
from data.people import Role


@pytest.fixture
def lines():
    """Reads what the app's process writes."""
    root, stream = logging.getLogger(), io.StringIO()
    before, level, hook = list(root.handlers), root.level, sys.excepthook
    logs.set_up("json", logging.StreamHandler(stream))
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, sys.excepthook = before, hook
    root.setLevel(level)
    logs.unbind()


def events(lines, event):
    return [line for line in lines() if line["event"] == event]


def test_a_ranking_asked_for_is_a_line_of_its_run_and_session_without_the_query(open_page, beans, workbench, lines):
    test = open_page("explore")
    test.text_input(key="explore_query").input("Why do my secret beans stay hard?")
    test.number_input(key="explore_depth").set_value(4)
    test.button(key="explore_rank").click().run()
    assert not test.exception
    (ranked,) = events(lines, "ranked")
    (ranking,) = workbench.store.rankings.recent(beans.collection_id)
    assert (ranked["ranking_id"], ranked["version"]) == (ranking.ranking_id, "base")
    assert (ranked["documents"], ranked["unreadable"]) == (4, 0)
    assert ranked["rank_ms"] > 0
    runs = events(lines, "page")
    assert {run["session_id"] for run in runs} == {ranked["session_id"]}
    assert len({run["request_id"] for run in runs}) == len(runs) >= 2
    (of_ranking,) = [run for run in runs if run["request_id"] == ranked["request_id"]]
    assert of_ranking["page"] == "Explore" and of_ranking["ms"] > 0
    assert "secret" not in json.dumps(lines())


def test_what_a_role_allows_and_what_it_refuses_are_lines_without_names(lines):
    ann = people.local("Ann")
    people.require(ann, Role.LEAD, "promote a version")
    with pytest.raises(NotAllowedError):
        people.require(replace(ann, role=Role.ASSESSOR), Role.LEAD, "roll back")
    assert [(line["doing"], line["allowed"]) for line in events(lines, "action")] == [
        ("promote a version", True),
        ("roll back", False),
    ]
    assert "Ann" not in json.dumps(lines())


def test_what_is_taken_away_is_a_line_of_the_run_that_offered_it(workbench, beans, lines):
    with logs.bound(request_id="r1"):
        make = logs.carried(lambda: takeaway.download(workbench, beans, takeaway.Wanted(format="beir")))
    make()
    (taken,) = events(lines, "taken away")
    assert (taken["format"], taken["request_id"], taken["counts"]["documents"]) == ("beir", "r1", 5)


def test_a_problem_on_screen_is_a_line_with_its_kind_only(open_page, beans, lines):
    test = open_page("explore")
    test.button(key="explore_rank").click().run()
    (shown,) = events(lines, "problem shown")
    assert (shown["level"], shown["error"]) == ("warning", "SettingsError")
    assert "There is no query" not in json.dumps(lines())


def test_a_run_that_breaks_is_an_error_with_its_place(lines):
    logs.bind(request_id="r1", session_id="s1")
    with pytest.raises(RuntimeError), trace.run("Explore"):
        raise RuntimeError("secret text")
    (run,) = events(lines, "page")
    assert (run["level"], run["error"], run["request_id"]) == ("error", "RuntimeError", "r1")
    assert "test_trace.py" in run["at"]
    assert "secret" not in json.dumps(run)
    assert not logs.is_bound("request_id")
