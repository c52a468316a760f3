import json

from app.actions import judging
from data.pooling import Pool
from data.records import AssessorKind, new_id


def told(test):
    """What the page told the desk."""
    (found,) = (e for e in test.get("bidi_component") if e.proto.component_name.endswith("desk"))
    return json.loads(found.proto.json)


def shown(test):
    """The item the person is at."""
    data = told(test)
    return next(item for item in data["items"] if item["n"] == data["at"])


def two_pairs(say):
    """d1: student 3, teacher 0; d2: student and teacher agree."""
    student = say("base", AssessorKind.STUDENT, "q1", "d1", 3, "The student's words.")
    say("gpt", AssessorKind.TEACHER, "q1", "d1", 0, "The teacher's words.")
    say("base", AssessorKind.STUDENT, "q1", "d2", 0)
    say("gpt", AssessorKind.TEACHER, "q1", "d2", 0)
    return student


def judge(workbench, collection, query_id="q1", doc_id="d1", grade=1, name="me", **more):
    draft = judging.Draft(event_id=new_id(), query_id=query_id, doc_id=doc_id, grade=grade, **more)
    return judging.save(workbench, collection, name, draft).judgment


def test_an_empty_queue_says_where_pairs_come_from(open_page, beans):
    test = open_page("judge")
    assert not test.exception
    data = told(test)
    assert data["items"] == [] and data["ended"] and "Explore" in data["nothing"]


def test_the_desk_is_told_scale_guidelines_and_pairs_ahead(open_page, beans, say):
    two_pairs(say)
    data = told(open_page("judge"))
    assert [level["grade"] for level in data["scale"]] == [0, 1, 2, 3]
    assert (data["guidelines"], data["guideline_version"]) == ("Be *fair*.", 1)
    assert [item["doc_id"] for item in data["items"]] == ["d1", "d2"]
    assert data["progress"] == {"judged": 0, "today": 0, "left": 2}
    assert data["items"][0]["text"].startswith("Beans stay hard")


def test_blind_first_nothing_of_others_leaves_the_server_before_the_answer(open_page, beans, workbench, say):
    two_pairs(say)
    test = open_page("judge")
    assert shown(test)["others"] is None and shown(test)["reason"] == "student and teacher differ"
    assert "words" not in json.dumps(told(test)["items"])
    judge(workbench, beans)
    test = open_page("judge", query_id="q1", doc_id="d1")
    assert [one["explanation"] for one in shown(test)["others"]] == ["The student's words.", "The teacher's words."]
    assert shown(test)["mine"]["grade"] == 1


def test_without_blinding_others_are_there_from_the_start(open_page, beans, say):
    two_pairs(say)
    test = open_page("judge")
    test.segmented_control(key="judge_blind").set_value("Off").run()
    assert {one["who"] for one in shown(test)["others"]} == {"base", "gpt"}
    two = [item for item in told(test)["items"] if item["doc_id"] == "d1"]
    assert two[0]["reason"] == "student 3, teacher 0"


def test_an_address_opens_its_pair_and_a_reload_comes_back_to_it(open_page, beans, say):
    two_pairs(say)
    test = open_page("judge", query_id="q2", doc_id="d4")
    assert (shown(test)["query_id"], shown(test)["doc_id"]) == ("q2", "d4")
    assert [item["doc_id"] for item in told(test)["items"]] == ["d4", "d1", "d2"]
    assert told(test.run())["desk"] == told(test)["desk"]


def test_ids_that_are_not_there_are_said_and_the_queue_goes_on(open_page, beans, say):
    two_pairs(say)
    test = open_page("judge", query_id="q1", doc_id="nothing")
    assert not test.exception
    assert "There is no document 'nothing'" in told(test)["problem"]
    assert shown(test)["doc_id"] == "d1"


def test_judging_goes_on_where_it_was_left_and_can_look_back(open_page, beans, workbench, say):
    two_pairs(say)
    event = judge(workbench, beans)
    data = told(open_page("judge"))
    assert [(item["n"], item["doc_id"]) for item in data["items"]] == [(-1, "d1"), (0, "d2")]
    assert data["at"] == 0 and data["progress"]["judged"] == 1
    assert [(one["event_id"], one["n"]) for one in data["undoable"]] == [(event.event_id, -1)]


def test_another_queue_is_another_desk(open_page, beans, say):
    two_pairs(say)
    test = open_page("judge")
    before = told(test)["desk"]
    test.pills(key="judge_queue").set_value("teacher").run()
    assert told(test)["desk"] != before
    assert [item["doc_id"] for item in told(test)["items"]] == ["d1"]


def test_an_evaluation_s_pool_is_always_blind(open_page, beans, workbench, say):
    two_pairs(say)
    workbench.store.pools.add(
        Pool(
            pool_id="p",
            collection_id=beans.collection_id,
            name="held out",
            depth=10,
            systems=("BM25",),
            pairs=(("q2", "d4"), ("q1", "d1")),
            created_by="Ann",
        )
    )
    test = open_page("judge")
    test.segmented_control(key="judge_blind").set_value("Off").run()
    test.pills(key="judge_queue").set_value("pool").run()
    assert not test.exception
    assert [item["doc_id"] for item in told(test)["items"]] == ["d4", "d1"]
    assert told(test)["blind"] and all(item["others"] is None for item in told(test)["items"])


def test_no_input_of_this_page_swallows_the_keys(open_page, beans, say):
    two_pairs(say)
    test = open_page("judge")
    assert not test.radio and not test.checkbox and not test.toggle
    assert not any(b.proto.shortcut for b in test.button), "Streamlit's shortcuts lose keys"


def test_untrusted_text_is_never_rendered(open_page, beans, workbench, say):
    hostile = "<script>alert(1)</script> ![x](http://evil.example/x.png) $a$ :red[x]"
    say(hostile[:40], AssessorKind.TEACHER, "q1", "d5", 3, hostile)
    judge(workbench, beans, doc_id="d5", grade=0)
    test = open_page("judge", query_id="q1", doc_id="d5")
    rendered = [e.value for kind in ("markdown", "caption", "subheader", "info") for e in test.get(kind)]
    rendered += [b.label for b in test.button]
    for text in rendered:
        assert not any(mark in text for mark in ("<script>", "![x]", "$a$", ":red[x]")), text
    assert shown(test)["others"][0]["explanation"] == hostile, "the desk makes a text node of it"


def test_a_query_s_documents_as_a_list(open_page, beans, workbench, say):
    two_pairs(say)
    judge(workbench, beans, doc_id="d2", grade=0)
    workbench.store.leases.take(beans.collection_id, "somebody", [(("q1", "d1"), 9)], most=1, seconds=60)
    test = open_page("judge", query_id="q1", doc_id="d3")
    test.segmented_control(key="judge_view").set_value("List").run()
    assert not test.exception
    data = told(test)
    assert data["view"] == "list" and {item["doc_id"] for item in data["items"]} == {"d1", "d2"}
    rows = {item["doc_id"]: item for item in data["items"]}
    assert rows["d1"]["locked"] and not rows["d2"]["locked"] and data["progress"]["left"] == 1
    assert rows["d1"]["others"] is None and len(rows["d2"]["others"]) == 2


def test_whoever_comes_back_finds_the_queue_they_were_in(open_page, beans, say):
    two_pairs(say)
    test = open_page("judge")
    test.pills(key="judge_queue").set_value("random").run()
    before = told(test)["desk"]
    test.switch_page("screens/collections.py").run()
    test.switch_page("screens/judge.py").run()
    assert not test.exception
    assert test.pills(key="judge_queue").value == "random" and told(test)["desk"] == before
