import json

from data.errors import ModelError
from data.records import AssessorKind, Document, Status
from data.scales import DEFAULT_SCALE

HOSTILE_MARKS = ("<script>", "![x]", "$a$", ":red[x]", "](http://evil")
MARKDOWN = ("markdown", "caption", "info", "warning", "error", "success", "subheader", "title", "header")


def components(test, name):
    """The data of every mounted component of this name."""
    return [json.loads(e.proto.json) for e in test.get("bidi_component") if e.proto.component_name.endswith(name)]


def assert_nothing_hostile_is_rendered(test):
    """No markup of a document, query or model reaches an element that renders Markdown, unescaped."""
    rendered = [e.value for kind in MARKDOWN for e in test.get(kind)]
    rendered += [w.label for kind in ("button", "expander", "text_area", "selectbox") for w in test.get(kind)]
    assert rendered
    for text in rendered:
        assert not any(mark in text for mark in HOSTILE_MARKS), text


def rank(open_page, query="Why do my beans stay hard?"):
    test = open_page("explore")
    test.text_input(key="explore_query").input(query)
    test.number_input(key="explore_depth").set_value(4)
    test.button(key="explore_rank").click().run()
    assert not test.exception
    return test


def test_it_opens_with_examples_and_says_what_to_do(open_page, beans):
    test = open_page("explore")
    assert not test.exception
    assert "Ask something above" in test.info[0].value
    test.selectbox(key="explore_example").select("Why do tomatoes need sun?").run()
    assert test.text_input(key="explore_query").value == "Why do tomatoes need sun?"


def test_an_empty_query_says_what_to_do(open_page, beans, workbench):
    test = open_page("explore")
    test.button(key="explore_rank").click().run()
    assert "There is no query." in [t.value for t in test.text]
    assert workbench.store.rankings.recent(beans.collection_id) == []


def test_a_query_is_ranked_stored_and_shown_again_after_a_reload(open_page, beans, workbench):
    test = rank(open_page)
    (ranking,) = workbench.store.rankings.recent(beans.collection_id)
    assert test.query_params["ranking"] == ranking.ranking_id
    first = components(test, "passage")[0]
    assert first["title"] == [["Soda", False]]
    assert ["hard beans soft", True] in first["body"] and first["missing"] == ["never written anywhere"]
    bars = components(test, "grade_bar")
    assert len(bars) == 4 and bars[0]["grades"][3]["likeliest"]
    assert any("▲" in m.value for m in test.markdown)

    reloaded = open_page("explore", ranking=ranking.ranking_id)
    assert components(reloaded, "passage") == components(test, "passage")
    assert reloaded.text_input(key="explore_query").value == ranking.query_text
    assert len(workbench.store.rankings.recent(beans.collection_id)) == 1


def test_it_says_how_the_ranking_was_made(open_page, beans, workbench):
    test = rank(open_page)
    (ranking,) = workbench.store.rankings.recent(beans.collection_id)
    made = test.code[0].value
    assert ranking.prompt_sha256 in made and ranking.ranking_id in made and "pointwise-verdict-first" in made


def test_untrusted_text_is_never_rendered(open_page, beans):
    test = rank(open_page, query="beans <script>alert(1)</script> ![x](http://evil.example/x.png) $a$ :red[x]")
    assert_nothing_hostile_is_rendered(test)
    bodies = ["".join(text for text, _ in found["body"]) for found in components(test, "passage")]
    assert any("<script>" in body for body in bodies), "the document itself is shown as it is"
    assert any("<script>" in t.value for t in test.text), "the explanation is shown as it is"


def test_a_correction_is_on_disk_before_it_says_so(open_page, beans, workbench):
    test = rank(open_page)
    (ranking,) = workbench.store.rankings.recent(beans.collection_id)
    slot = f"explore:{ranking.ranking_id}"
    student = test.text_area(key=f"{slot}:text:d3").value
    assert student == ranking.documents[0].explanation
    test.segmented_control(key=f"{slot}:grade:d3").set_value(2)
    test.button(key=f"{slot}:save:d3").click().run()
    (mine,) = workbench.store.judgments.current(beans.collection_id, kinds=[AssessorKind.HUMAN])
    assert (mine.grade, mine.explanation, mine.edited_from, mine.model_visible) == (2, None, None, True)
    assert mine.seconds_spent is not None and mine.ranking_id == ranking.ranking_id
    assert any("saved at" in c.value for c in test.caption)

    test.text_area(key=f"{slot}:text:d3").input("Soda softens where the water is hard.")
    test.button(key=f"{slot}:save:d3").click().run()
    (mine,) = workbench.store.judgments.current(beans.collection_id, kinds=[AssessorKind.HUMAN])
    assert mine.explanation == "Soda softens where the water is hard." and mine.edited_from is not None

    test.button(key=f"{slot}:undo:d3").click().run()
    (mine,) = workbench.store.judgments.current(beans.collection_id, kinds=[AssessorKind.HUMAN])
    assert mine.explanation is None and test.text_area(key=f"{slot}:text:d3").value == student
    test.button(key=f"{slot}:undo:d3").click().run()
    assert workbench.store.judgments.current(beans.collection_id, kinds=[AssessorKind.HUMAN]) == []
    assert test.segmented_control(key=f"{slot}:grade:d3").value is None


def test_saving_without_a_grade_stores_nothing(open_page, beans, workbench):
    test = rank(open_page)
    (ranking,) = workbench.store.rankings.recent(beans.collection_id)
    test.button(key=f"explore:{ranking.ranking_id}:save:d3").click().run()
    assert workbench.store.judgments.current(beans.collection_id, kinds=[AssessorKind.HUMAN]) == []
    assert any("No grade is chosen" in c.value for c in test.caption)


def test_teachers_and_people_stand_beside_the_student(open_page, beans, say):
    say("gpt", AssessorKind.TEACHER, "q1", "d3", 1, "Only a hint.")
    say("Sample author", AssessorKind.HUMAN, "q1", "d3", 3, "Exactly.", authored=True)
    test = rank(open_page)
    shown = " ".join(m.value for m in test.markdown)
    assert "gpt" in shown and "authored for the sample" in shown
    assert "Only a hint." in [t.value for t in test.text]


def test_a_missing_model_leaves_the_first_stage_on_the_screen(open_page, beans, workbench, monkeypatch):
    class Missing:
        name = "missing"

        def adapted(self, _):
            raise ModelError("The model is not here.", mend="Fetch it.")

    workbench._lm = Missing()
    test = rank(open_page)
    assert "The model is not here." in [t.value for t in test.text]
    assert len(components(test, "passage")) == 4
    assert workbench.store.rankings.recent(beans.collection_id) == []


def test_no_index_and_no_hit_are_said(open_page, workbench, beans):
    test = open_page("explore")
    test.text_input(key="explore_query").input("zebra")
    test.button(key="explore_rank").click().run()
    assert any("found no document" in i.value for i in test.info)
    workbench.store.collections.add(
        name="a bare one", scale=DEFAULT_SCALE, documents=[Document(doc_id="a", text="text")]
    )
    test = open_page("explore")
    test.selectbox(key="collection_name").select("a bare one").run()
    test.text_input(key="explore_query").input("text")
    test.button(key="explore_rank").click().run()
    assert any("has no index yet" in t.value for t in test.text)


def test_a_ranking_that_is_not_there_is_said(open_page, beans):
    test = open_page("explore", ranking="nothing")
    assert not test.exception
    assert any("There is no ranking" in t.value for t in test.text)


def test_an_unreadable_answer_is_no_grade(open_page, beans, workbench, lm):
    lm._choose = lambda ask: dict.fromkeys(ask.choices, float("nan"))
    test = rank(open_page)
    (ranking,) = workbench.store.rankings.recent(beans.collection_id)
    assert all(d.grade is None for d in ranking.documents)
    statuses = {j.status for j in workbench.store.judgments.current(beans.collection_id)}
    assert statuses == {Status.UNREADABLE}
    assert sum("could not be read" in m.value for m in test.markdown) == 4
