"""One promise, every ranking method."""

import inspect

import pytest

from data.scales import PRORANK, TREC_DL
from engine.lm.base import Choose, Generate
from engine.lm.scripted import ScriptedLM
from engine.ranking import METHODS
from engine.ranking.base import Candidate, Task
from engine.ranking.driver import drive
from engine.ranking.fusion import order

GRADES = {"gold": 3, "good": 2, "some": 1, "none": 0}


def candidates(words):
    return tuple(
        Candidate(doc_id=f"d{i}", title="", text=f"{word} text {i}", cut=False, rank=i + 1, score=float(100 - i))
        for i, word in enumerate(words)
    )


def task(words, scale=TREC_DL, explain_top=2):
    return Task(query="q", candidates=candidates(words), scale=scale, explain_top=explain_top)


def document_of(ask):
    return ask.messages[1].content.split("<document>\n")[1]


def by_first_word(ask: Choose):
    grade = min(GRADES[document_of(ask).split()[0]], len(ask.choices) - 1)
    return {choice: 0.7 if int(choice) == grade else 0.1 for choice in ask.choices}


def explains(ask: Generate):
    return f' because it says "{document_of(ask).split()[0]} text".\nGrade: 1'


def lm():
    return ScriptedLM(choose=by_first_word, generate=explains)


@pytest.mark.parametrize("name", METHODS)
class TestMethod:
    @pytest.mark.parametrize("count", [0, 1, 2, 21, 100])
    def test_every_candidate_gets_one_opinion_and_the_order_is_a_permutation(self, name, count):
        work = task((list(GRADES) * 25)[:count])
        (opinions,) = drive([METHODS[name].rank(work)], lm())
        ranked = order(work.candidates, opinions, weight=0.0)
        assert [o.doc_id for o in opinions] == [c.doc_id for c in work.candidates]
        assert [d.rank for d in ranked] == list(range(1, count + 1))
        assert {d.doc_id for d in ranked} == {c.doc_id for c in work.candidates}

    def test_better_documents_come_first_and_ties_go_to_the_first_stage(self, name):
        work = task(["none", "gold", "some", "gold", "good"])
        (opinions,) = drive([METHODS[name].rank(work)], lm())
        assert [d.doc_id for d in order(work.candidates, opinions, weight=0.0)] == ["d1", "d3", "d4", "d2", "d0"]

    def test_many_queries_at_once_give_what_one_by_one_gives(self, name):
        words = list(GRADES)
        works = [task(words[i:] + words[:i], explain_top=i) for i in range(4)]
        together = drive((METHODS[name].rank(w) for w in works), lm(), open_queries=3)
        alone = [drive([METHODS[name].rank(w)], lm())[0] for w in works]
        assert together == alone

    def test_garbage_is_unreadable_and_never_a_grade(self, name):
        work = task(["gold", "none"])
        broken = ScriptedLM(choose=lambda ask: dict.fromkeys(ask.choices, float("nan")), generate=lambda ask: " ...")
        (opinions,) = drive([METHODS[name].rank(work)], broken)
        assert all(o.grade is None and o.score is None and o.unreadable for o in opinions)
        assert [d.doc_id for d in order(work.candidates, opinions, weight=0.5)] == ["d0", "d1"]

    def test_another_scale_brings_its_own_choices(self, name):
        language_model = lm()
        (opinions,) = drive([METHODS[name].rank(task(["gold", "none"], scale=PRORANK))], language_model)
        assert {a.choices for a in language_model.asks if isinstance(a, Choose)} == {("0", "1")}
        assert [o.grade for o in opinions] == [1, 0]

    def test_it_names_its_source(self, name):
        assert METHODS[name].source
        assert "Source:" in inspect.getdoc(METHODS[name].rank)


def test_verdict_first_orders_as_score_does_and_explains_the_best():
    work = task(["some", "none", "gold", "good"], explain_top=2)
    (scored,) = drive([METHODS["pointwise-score"].rank(work)], lm())
    (explained,) = drive([METHODS["pointwise-verdict-first"].rank(work)], lm())
    assert [o.score for o in scored] == [o.score for o in explained]
    assert [o.doc_id for o in explained if o.explanation] == ["d2", "d3"]
    assert not any(o.explanation for o in scored)


def test_the_explanation_is_of_the_grade_that_was_chosen():
    language_model = lm()
    drive([METHODS["pointwise-verdict-first"].rank(task(["gold"], explain_top=1))], language_model)
    (ask,) = [a for a in language_model.asks if isinstance(a, Generate)]
    assert ask.messages[-1].content == "Grade: 3\nExplanation:"


def test_reason_first_grades_after_its_own_reason():
    language_model = lm()
    (opinions,) = drive([METHODS["pointwise-reason-first"].rank(task(["gold"]))], language_model)
    (ask,) = [a for a in language_model.asks if isinstance(a, Choose)]
    assert ask.messages[-1].content == 'Explanation: because it says "gold text".\nGrade: '
    assert opinions[0].explanation == 'because it says "gold text".'


def test_a_verdict_whose_explanation_is_unreadable_keeps_its_grade():
    silent = ScriptedLM(choose=by_first_word, generate=lambda ask: "")
    (opinions,) = drive([METHODS["pointwise-verdict-first"].rank(task(["gold"], explain_top=1))], silent)
    assert opinions[0].grade == 3
    assert opinions[0].explanation is None
    assert opinions[0].unreadable is None
    assert opinions[0].answer_text == ""
