from data.records import AssessorKind

HOSTILE = "<script>alert(1)</script> ![x](http://evil.example/x.png) $a$ :red[x]"


def conflict(say, doc_id="d1", low=0, high=3):
    say("Ann", AssessorKind.HUMAN, "q1", doc_id, low, f"Ann on {doc_id}")
    say("Ben", AssessorKind.HUMAN, "q1", doc_id, high, f"Ben on {doc_id}")


def texts(test):
    return [t.value for t in test.text]


def settle(test, grade, reason):
    if grade is not None:
        next(b for b in test.segmented_control if b.key.startswith("final:")).set_value(grade)
    next(t for t in test.text_area if t.key.startswith("reason:")).set_value(reason)
    next(b for b in test.button if b.key.startswith("settle:")).click().run()
    assert not test.exception


def test_without_conflicts_it_says_so(open_page, beans, say):
    say("Ann", AssessorKind.HUMAN, "q1", "d1", 3)
    test = open_page("adjudication")
    assert not test.exception
    assert "No conflict waits" in test.success[0].value
    assert any("0 conflicts wait" in c.value for c in test.caption)


def test_conflicts_come_one_at_a_time_the_largest_first(open_page, beans, say):
    conflict(say, "d1", 1, 2)
    conflict(say, "d2", 0, 3)
    test = open_page("adjudication")
    assert not test.exception
    assert any("2 conflicts wait · number 1" in c.value for c in test.caption)
    assert "Ann on d2" in texts(test) and "Ben on d2" in texts(test) and "Ann on d1" not in texts(test)
    test.button(key="adjudication_next").click().run()
    assert "Ann on d1" in texts(test)


def test_a_decision_is_stored_with_its_reason_and_the_next_conflict_shown(open_page, beans, say, workbench):
    conflict(say, "d1", 1, 2)
    conflict(say, "d2", 0, 3)
    test = open_page("adjudication")
    settle(test, 2, "the second half answers it")
    assert "Ann on d1" in texts(test) and any("saved at" in c.value for c in test.caption)
    (stored,) = workbench.store.gradings.settlements(beans.collection_id)
    assert (stored.doc_id, stored.grade, stored.note) == ("d2", 2, "the second half answers it")
    assert len(stored.settles) == 2 and not stored.model_visible
    settle(test, -1, "the text is cut off")
    assert "No conflict waits" in test.success[0].value
    assert workbench.store.gradings.settlements(beans.collection_id)[0].grade is None


def test_the_lead_s_own_explanation_is_stored_with_the_decision(open_page, beans, say, workbench):
    conflict(say)
    test = open_page("adjudication")
    next(t for t in test.text_area if t.key.startswith("explanation:")).set_value('"Calcium binds the pectin"')
    settle(test, 2, "the second half answers it")
    (stored,) = workbench.store.gradings.settlements(beans.collection_id)
    assert (stored.explanation, stored.note) == ('"Calcium binds the pectin"', "the second half answers it")


def test_a_decision_needs_grade_and_reason(open_page, beans, say, workbench):
    conflict(say)
    test = open_page("adjudication")
    settle(test, None, "why")
    assert any("Choose the final grade first" in c.value for c in test.caption)
    settle(test, 2, "  ")
    assert any("needs its reason" in c.value for c in test.caption)
    assert workbench.store.gradings.settlement_count(beans.collection_id) == 0


def test_models_are_hidden_until_asked_for(open_page, beans, say, workbench):
    conflict(say)
    say("gpt", AssessorKind.TEACHER, "q1", "d1", 1, "the teacher's words")
    test = open_page("adjudication")
    assert "the teacher's words" not in texts(test)
    test.button(key="adjudication_models").click().run()
    assert "the teacher's words" in texts(test)
    settle(test, 1, "as the teacher says")
    assert workbench.store.gradings.settlements(beans.collection_id)[0].model_visible


def test_undo_lets_the_conflict_wait_again(open_page, beans, say, workbench):
    conflict(say)
    test = open_page("adjudication")
    test.button(key="adjudication_undo").click().run()
    assert any("settled nothing" in c.value for c in test.caption)
    settle(test, 0, "no")
    test.button(key="adjudication_undo").click().run()
    assert any("1 conflict waits" in c.value and "d1 waits again" in c.value for c in test.caption)
    assert "Ann on d1" in texts(test)


def test_what_was_settled_is_listed(open_page, beans, say, workbench):
    conflict(say)
    test = open_page("adjudication")
    settle(test, 2, "because")
    test.segmented_control(key="adjudication_view").set_value("Settled").run()
    assert not test.exception
    (row,) = test.dataframe[0].value.to_dict("records")
    assert (row["Before"], row["Grade"].split()[0], row["Why"], row["Counts"]) == (
        "Ann: 0, Ben: 3",
        "2",
        "because",
        "yes",
    )


def test_a_settled_pair_says_so(open_page, beans, say):
    conflict(say)
    settle(open_page("adjudication"), 2, "because")
    test = open_page("adjudication", query_id="q1", doc_id="d1")
    assert test.success[0].value.startswith("Settled by me")


def test_a_pair_that_is_not_there_is_an_error_in_words(open_page, beans):
    test = open_page("adjudication", query_id="q1", doc_id="nothing")
    assert not test.exception and any("no document 'nothing'" in t.value for t in test.text)


def test_untrusted_text_is_never_rendered(open_page, beans, say):
    say(HOSTILE[:60], AssessorKind.HUMAN, "q1", "d5", 0, HOSTILE)
    say("Ben", AssessorKind.HUMAN, "q1", "d5", 3)
    test = open_page("adjudication")
    settle(test, 0, HOSTILE)
    shown = open_page("adjudication", query_id="q1", doc_id="d5")
    assert not shown.exception, shown.exception
    rendered = [e.value for t in (test, shown) for kind in ("markdown", "caption", "success") for e in t.get(kind)]
    for text in rendered:
        assert not any(mark in text for mark in ("<script>", "![x]", "$a$", ":red[x]")), text
    assert HOSTILE in texts(shown)
