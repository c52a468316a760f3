import json

from app.actions import judging
from data.records import AssessorKind, Status, new_id


def mine(workbench, collection):
    return {
        (j.query_id, j.doc_id): j
        for j in workbench.store.judgments.current(collection.collection_id, kinds=[AssessorKind.HUMAN])
    }


def key(test, start):
    """The key of the button whose key starts so: the painting's event id follows."""
    return next(b.key for b in test.button if b.key.startswith(start))


def press(test, start):
    test.button(key=key(test, start)).click().run()
    assert not test.exception
    return test


def passage(test):
    return next(
        json.loads(e.proto.json) for e in test.get("bidi_component") if e.proto.component_name.endswith("passage")
    )


def shown(test):
    """All words on the page that come from judgments."""
    return "\n".join([m.value for m in test.markdown] + [t.value for t in test.text])


def two_pairs(say):
    """d1: student 3, teacher 0; d2: student and teacher agree."""
    student = say("base", AssessorKind.STUDENT, "q1", "d1", 3, "The student's words.")
    say("gpt", AssessorKind.TEACHER, "q1", "d1", 0, "The teacher's words.")
    say("base", AssessorKind.STUDENT, "q1", "d2", 0)
    return student


def test_an_empty_queue_says_where_pairs_come_from(open_page, beans):
    test = open_page("judge")
    assert not test.exception
    assert any("Nothing waits here" in i.value for i in test.info)


def test_a_grade_key_stores_and_then_reveals(open_page, beans, workbench, say):
    two_pairs(say)
    test = open_page("judge")
    assert passage(test)["title"] == [["Soaking", False]]
    assert "words" not in shown(test) and "gpt" not in shown(test)
    press(test, "grade-2")
    stored = mine(workbench, beans)["q1", "d1"]
    assert (stored.grade, stored.model_visible, stored.explanation) == (2, False, None)
    assert stored.seconds_spent >= 0 and stored.guideline_version == beans.guideline_version
    assert any("saved at" in c.value for c in test.caption)
    assert "The teacher's words." in shown(test) and "gpt" in shown(test)
    assert test.text_area[0].value == "The student's words."
    press(test, "judge_next")
    assert passage(test)["title"] == [["Counting", False]]
    assert "The teacher's words." not in shown(test)


def test_an_edited_explanation_remembers_where_it_started(open_page, beans, workbench, say):
    student = two_pairs(say)
    test = press(open_page("judge"), "grade-2")
    test.text_area[0].input("My own words.")
    press(test, "explain")
    stored = mine(workbench, beans)["q1", "d1"]
    assert (stored.grade, stored.explanation, stored.edited_from) == (2, "My own words.", student.event_id)
    assert stored.model_visible
    assert test.text_area[0].value == "My own words."


def test_without_blinding_a_grade_leads_to_the_next_pair(open_page, beans, workbench, say):
    two_pairs(say)
    test = open_page("judge")
    test.segmented_control(key="judge_blind").set_value("Off").run()
    assert "The teacher's words." in shown(test) and test.text_area[0].value == "The student's words."
    press(test, "grade-1")
    stored = mine(workbench, beans)["q1", "d1"]
    assert (stored.grade, stored.model_visible, stored.explanation) == (1, True, None)
    assert passage(test)["title"] == [["Counting", False]]


def test_skip_later_and_cant_judge_are_answers_of_their_own(open_page, beans, workbench, say):
    two_pairs(say)
    say("gpt", AssessorKind.TEACHER, "q1", "d3", 0)
    test = open_page("judge")
    for start in ("skipped", "later", "cant-judge"):
        press(test, start)
    assert [j.status for _, j in sorted(mine(workbench, beans).items())] == [
        Status.SKIPPED,
        Status.LATER,
        Status.CANT_JUDGE,
    ]
    assert any("last pair" in s.value for s in test.success)
    test.segmented_control(key="judge_order").set_value("later").run()
    assert passage(test)["title"] == [["Counting", False]]


def test_undo_takes_back_and_shows_the_pair_again(open_page, beans, workbench, say):
    two_pairs(say)
    test = press(open_page("judge"), "skipped")
    assert passage(test)["title"] == [["Counting", False]]
    press(test, "judge_undo")
    assert mine(workbench, beans) == {}
    assert passage(test)["title"] == [["Soaking", False]]
    press(test, "judge_undo")
    assert any("nothing is left" in c.value for c in test.caption)


def test_compare_leads_here_by_ids(open_page, beans, say):
    two_pairs(say)
    test = open_page("judge", query_id="q2", doc_id="d4")
    assert passage(test)["title"] == [["Tomatoes", False]]
    assert "query_id" not in test.query_params
    press(test, "judge_next")
    assert passage(test)["title"] == [["Soaking", False]]


def test_ids_that_are_not_there_are_said_and_can_be_left(open_page, beans, say):
    two_pairs(say)
    test = open_page("judge", query_id="q1", doc_id="nothing")
    assert not test.exception
    assert any("There is no document" in t.value for t in test.text)
    press(test, "judge_next")
    assert passage(test)["title"] == [["Soaking", False]]


def test_judging_goes_on_where_it_was_left(open_page, beans, workbench, say):
    two_pairs(say)
    judging.save(workbench, beans, "me", judging.Draft(event_id=new_id(), query_id="q1", doc_id="d1", grade=1))
    test = open_page("judge")
    assert passage(test)["title"] == [["Counting", False]]
    assert any("1 judged by you · 1 left" in p.proto.text for p in test.get("progress"))


def test_the_samples_name_is_refused_with_the_mend(open_page, beans, workbench, say):
    say("Sample author", AssessorKind.HUMAN, "q1", "d1", 3, authored=True)
    test = open_page("judge", assessor_name="Sample author")
    assert not test.exception
    assert any("belongs to the sample" in t.value for t in test.text)


def test_no_input_of_this_page_swallows_the_keys(open_page, beans, say):
    two_pairs(say)
    test = open_page("judge")
    assert not test.radio and not test.checkbox and not test.toggle
    shortcuts = {b.proto.shortcut for b in test.button if b.proto.shortcut}
    assert {"0", "1", "2", "3", "s", "l", "x", "u", "n", "p"} <= {shortcut.lower() for shortcut in shortcuts}


def test_untrusted_text_is_never_rendered(open_page, beans, say):
    hostile = "<script>alert(1)</script> ![x](http://evil.example/x.png) $a$ :red[x]"
    say(hostile[:40], AssessorKind.TEACHER, "q1", "d5", 3, hostile)
    test = press(open_page("judge"), "grade-0")
    rendered = [e.value for kind in ("markdown", "caption", "subheader", "info") for e in test.get(kind)]
    rendered += [b.label for b in test.button] + [e.label for e in test.expander]
    for text in rendered:
        assert not any(mark in text for mark in ("<script>", "![x]", "$a$", ":red[x]")), text
    assert hostile in [t.value for t in test.text]
    assert "Be *fair*." in [t.value for t in test.text]
