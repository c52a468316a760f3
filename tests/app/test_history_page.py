from data.records import AssessorKind
from tests.app.conftest import HOSTILE

HUMAN = AssessorKind.HUMAN


def rendered(test):
    return [e.value for kind in ("markdown", "caption", "info", "success") for e in test.get(kind)]


def test_nothing_yet(open_page, beans):
    test = open_page("history")
    assert not test.exception and "Nothing was ever judged" in test.info[0].value


def test_the_list_is_searched_and_paged(open_page, beans, say):
    for i in range(30):
        say("Ann", HUMAN, "q1", "d1", i % 4, f"words number{i}")
    say("gpt", AssessorKind.TEACHER, "q2", "d4", 3)
    test = open_page("history")
    assert not test.exception
    rows = test.dataframe[0].value
    assert len(rows) == 25 and list(rows["Who"])[:2] == ["gpt", "Ann"]
    assert (rows["Before"][1], rows["After"][1]) == ("0", "1")
    test.get("pagination")[0].set_value(2).run()
    assert len(test.dataframe[0].value) == 6
    test.text_input(key="history_words").set_value("number17").run()
    assert not test.exception and list(test.dataframe[0].value["Explanation"]) == ["words number17"]
    test.text_input(key="history_words").set_value("nowhere").run()
    assert "No event fits" in test.info[0].value


def test_a_pair_s_events_with_their_words(open_page, beans, say, workbench):
    say("Ann", HUMAN, "q1", "d1", 0, "It says hard water")
    say("Ann", HUMAN, "q1", "d1", 3, "It never says hard water")
    workbench.store.judgments.undo(beans.collection_id, workbench.store.assessors.ensure("Ann", HUMAN).assessor_id)
    test = open_page("history", query_id="q1", doc_id="d1")
    assert not test.exception
    shown = rendered(test)
    assert any("nothing → **0 irrelevant**" in text for text in shown)
    assert any(":green-background[**never**]" in text and "says hard water" in text for text in shown)
    assert any(":red-background[~~never~~]" in text for text in shown)
    assert sum("taken back later" in text for text in shown) == 1 and any("· undo ·" in text for text in shown)
    test.button(key="history_all").click().run()
    assert len(test.dataframe[0].value) == 3


def test_a_pair_nobody_judged_and_one_that_is_not_there(open_page, beans):
    assert "Nobody has said anything" in open_page("history", query_id="q1", doc_id="d1").info[0].value
    test = open_page("history", query_id="q1", doc_id="none")
    assert not test.exception and any("no document 'none'" in t.value for t in test.text)


def test_untrusted_text_is_never_rendered(open_page, beans, say):
    say(HOSTILE[:60], HUMAN, "q1", "d5", 0, "plain words")
    say(HOSTILE[:60], HUMAN, "q1", "d5", 3, HOSTILE)
    test = open_page("history", query_id="q1", doc_id="d5")
    assert not test.exception
    for text in rendered(test):
        assert not any(mark in text for mark in ("<script>", "![x]", "$a$", ":red[x]", "[go](")), text
