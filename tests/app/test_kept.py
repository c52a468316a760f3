"""What a page worked out over a whole collection is kept over a rerun, and made anew once something was stored."""

from data.records import AssessorKind


def agreed(test):
    return {metric.label: metric.value for metric in test.metric}["Pairs graded by both"]


def test_a_new_judgment_is_seen_at_the_next_click(open_page, beans, say):
    for who, kind in (("ada", AssessorKind.HUMAN), ("gpt", AssessorKind.TEACHER)):
        say(who, kind, "q1", "d1", 3)
        say(who, kind, "q1", "d2", 1)
    test = open_page("agreement")
    assert agreed(test) == "2"
    assert agreed(test.run()) == "2"
    say("ada", AssessorKind.HUMAN, "q1", "d3", 1)
    say("gpt", AssessorKind.TEACHER, "q1", "d3", 2)
    assert agreed(test.run()) == "3"
    assert not test.exception
