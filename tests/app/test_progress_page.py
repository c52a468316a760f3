import json

from data.records import AssessorKind

HOSTILE = "<script>alert(1)</script> ![x](http://evil.example/x.png) $a$ :red[x]"


def test_nothing_yet(open_page, beans):
    test = open_page("progress")
    assert not test.exception and "Nothing was judged" in test.info[0].value


def test_figures_table_and_chart(open_page, beans, say):
    say("Ann", AssessorKind.HUMAN, "q1", "d1", 3)
    say("Ben", AssessorKind.HUMAN, "q1", "d1", 0)
    say("gpt", AssessorKind.TEACHER, "q1", "d2", 2)
    test = open_page("progress")
    assert not test.exception
    assert {m.label: m.value for m in test.metric} == {
        "Decided by people": "1",
        "Left": "1",
        "Conflicts open": "1",
        "Graded blind": "100%",
    }
    rows = test.dataframe[0].value
    assert list(rows["Kind"]) == ["human", "human", "teacher"] and list(rows["Graded"]) == [1, 1, 1]
    (chart,) = test.get("plotly_chart")
    drawn = json.loads(chart.proto.spec)["data"]
    assert {bar["name"] for bar in drawn} == {"Ann", "Ben"} and all(sum(bar["y"]) == 1 for bar in drawn)
    test.segmented_control(key="progress_per").set_value("Per hour").run()
    assert not test.exception and len(json.loads(test.get("plotly_chart")[0].proto.spec)["data"][0]["x"]) == 48


def test_untrusted_names_are_never_rendered(open_page, beans, say):
    say(HOSTILE[:60], AssessorKind.HUMAN, "q1", "d1", 3)
    test = open_page("progress")
    assert not test.exception
    rendered = [e.value for kind in ("markdown", "caption") for e in test.get(kind)]
    assert not any("![x]" in text or "<script>" in text for text in rendered)
    assert "<script>" not in test.get("plotly_chart")[0].proto.spec.replace("\\u003c", "<")
