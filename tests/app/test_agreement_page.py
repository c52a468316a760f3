import json

from data.records import AssessorKind

HOSTILE = "<script>alert(1)</script> ![x](http://evil.example/x.png) $a$ :red[x]"


def disagree(say, teacher="gpt"):
    for doc_id, person, grade in (("d1", 3, 2), ("d2", 0, 3), ("d3", 1, 1), ("d5", 2, 2)):
        say("ada", AssessorKind.HUMAN, "q1", doc_id, person, f"ada on {doc_id}")
        say(teacher, AssessorKind.TEACHER, "q1", doc_id, grade, f"teacher on {doc_id}")


def test_one_side_alone_says_what_to_do(open_page, beans, say):
    test = open_page("agreement")
    assert not test.exception
    assert "needs two who graded" in test.info[0].value


def test_figures_matrix_and_disagreements(open_page, beans, say):
    disagree(say)
    test = open_page("agreement")
    assert not test.exception
    figures = {metric.label: metric.value for metric in test.metric}
    assert figures["Pairs graded by both"] == "4" and figures["Same grade"] == "50%"
    assert float(figures["Weighted kappa"]) < 0
    (heatmap,) = test.get("plotly_chart")
    assert json.loads(heatmap.proto.spec)["data"][0]["type"] == "heatmap"
    assert any("below 5" in c.value for c in test.caption)
    words = [t.value for t in test.text]
    assert words.index("ada on d2") < words.index("ada on d1")
    assert "teacher on d2" in words and "ada on d3" not in words


def test_a_disagreement_leads_to_judging(open_page, beans, say):
    disagree(say)
    test = open_page("agreement")
    next(b for b in test.button if b.key == "judge:q1:d2").click().run()
    assert not test.exception
    assert any("Counting" in e.proto.json for e in test.get("bidi_component")), "d2 is on the desk"


def test_undefined_figures_are_words(open_page, beans, say):
    say("ada", AssessorKind.HUMAN, "q1", "d1", 3)
    say("gpt", AssessorKind.TEACHER, "q1", "d1", 3)
    test = open_page("agreement")
    figures = {metric.label: metric.value for metric in test.metric}
    assert figures["Weighted kappa"] == "–"
    assert any("same one grade everywhere" in c.value for c in test.caption)
    assert any("same grade to every pair" in i.value for i in test.info)


def test_the_same_side_twice_is_not_compared(open_page, beans, say, workbench):
    disagree(say)
    test = open_page("agreement")
    first = test.selectbox(key=f"agreement_first:{beans.collection_id}")
    test.selectbox(key=f"agreement_second:{beans.collection_id}").set_value(first.value).run()
    assert any("two different sides" in i.value for i in test.info)


def test_many_disagreements_come_in_pages(open_page, beans, say, workbench):
    for query_id in ("q1", "q2"):
        for doc_id in ("d1", "d2", "d3", "d4", "d5"):
            say("ada", AssessorKind.HUMAN, query_id, doc_id, 0)
            say("gpt", AssessorKind.TEACHER, query_id, doc_id, 1)
    test = open_page("agreement")
    assert len([b for b in test.button if b.key.startswith("judge:")]) == 10
    extra = workbench.store.collections.add_query(beans.collection_id, "one more")
    say("ada", AssessorKind.HUMAN, extra.query_id, "d1", 0)
    say("gpt", AssessorKind.TEACHER, extra.query_id, "d1", 3)
    test = open_page("agreement")
    assert len([b for b in test.button if b.key.startswith("judge:")]) == 10
    test.get("pagination")[0].set_value(2).run()
    assert len([b for b in test.button if b.key.startswith("judge:")]) == 1


def test_a_character_of_the_sample_is_marked(open_page, beans, say):
    say("Sample author", AssessorKind.HUMAN, "q1", "d1", 3, authored=True)
    say("gpt", AssessorKind.TEACHER, "q1", "d1", 1)
    test = open_page("agreement")
    options = test.selectbox(key=f"agreement_first:{beans.collection_id}").options
    assert any("(authored for the sample)" in option for option in options)


def test_untrusted_text_is_never_rendered(open_page, beans, say):
    disagree(say, teacher=HOSTILE[:60])
    say("ada", AssessorKind.HUMAN, "q2", "d5", 3, HOSTILE)
    say(HOSTILE[:60], AssessorKind.TEACHER, "q2", "d5", 0, HOSTILE)
    test = open_page("agreement")
    rendered = [e.value for kind in ("markdown", "caption", "subheader", "info") for e in test.get(kind)]
    rendered += [b.label for b in test.button]
    for text in rendered:
        assert not any(mark in text for mark in ("<script>", "![x]", "$a$", ":red[x]")), text
    for chart in test.get("plotly_chart"):
        assert "<script>" not in chart.proto.spec.replace("\\u003c", "<")
    assert HOSTILE in [t.value for t in test.text]


def test_everybody_against_everybody(open_page, beans, say):
    disagree(say)
    say("bob", AssessorKind.HUMAN, "q1", "d1", 3)
    test = open_page("agreement")
    test.segmented_control(key="agreement_view").set_value("Everybody").run()
    assert not test.exception
    (matrix,) = (json.loads(chart.proto.spec)["data"][0] for chart in test.get("plotly_chart"))
    assert matrix["x"] == ["Person: ada", "Person: bob", "Teacher: gpt"]
    assert matrix["text"][0] == ["", "–<br>n 1", "-0.25<br>n 4"], "of one pair nothing varies"
    blocks = test.dataframe[0].value
    assert list(blocks["Who"]) == ["People among themselves", "People against models"]
    assert list(blocks["Alpha"]) == ["–", "–"] and any("no variation" in c.value for c in test.caption)


def test_conflicts_that_are_left_out_lead_to_settling_them(open_page, beans, say):
    say("ada", AssessorKind.HUMAN, "q1", "d1", 3)
    say("bob", AssessorKind.HUMAN, "q1", "d1", 0)
    say("gpt", AssessorKind.TEACHER, "q1", "d1", 0)
    test = open_page("agreement")
    assert not test.exception
    assert any("1 pairs on which All people disagree" in link.proto.label for link in test.get("page_link"))
