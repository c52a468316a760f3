import random
import time
from dataclasses import replace
from math import isnan
from pathlib import Path

import pytest

from app.actions import agreement as agreeing
from data.formats.trec import Qrel, read_qrels
from data.records import Assessor, AssessorKind, Document, Judgment, Query, new_id
from data.scales import DEFAULT_SCALE
from engine.agreement import Undefined

DL19 = Path(__file__).parents[4] / "shared/datasets/trec-dl19"


def two(workbench, collection):
    return agreeing.opening(agreeing.sides(workbench, collection))


def test_the_sides_are_people_teachers_and_students(workbench, beans, say):
    say("ada", AssessorKind.HUMAN, "q1", "d1", 3)
    say("bob", AssessorKind.HUMAN, "q1", "d1", 2)
    say("gpt", AssessorKind.TEACHER, "q1", "d1", 1)
    say("base", AssessorKind.STUDENT, "q1", "d1", 0)
    assert [side.name for side in agreeing.sides(workbench, beans)] == [
        "All people",
        "Person: ada",
        "Person: bob",
        "Teacher: gpt",
        "Student: base",
    ]
    first, second = two(workbench, beans)
    assert (first.name, second.name) == ("All people", "Student: base")


def test_a_character_of_the_sample_says_so(workbench, beans, say):
    say("Sample author", AssessorKind.HUMAN, "q1", "d1", 3, authored=True)
    say("ada", AssessorKind.HUMAN, "q1", "d1", 3)
    names = [side.name for side in agreeing.sides(workbench, beans)]
    assert names == ["Person: ada", "Person: Sample author (authored for the sample)"], "not a group of measured people"


def test_disagreements_are_sorted_and_carry_both_reasons(workbench, beans, say):
    for doc_id, person, teacher in (("d1", 3, 2), ("d2", 0, 3), ("d3", 1, 1)):
        say("ada", AssessorKind.HUMAN, "q1", doc_id, person, f"ada on {doc_id}")
        say("gpt", AssessorKind.TEACHER, "q1", doc_id, teacher, f"gpt on {doc_id}")
    first, second = two(workbench, beans)
    found = agreeing.compare(workbench, beans, first, second)
    assert [(d.doc_id, d.size) for d in found.differences] == [("d2", 3), ("d1", 1)]
    assert found.agreement.pairs == 3 and found.agreement.confusion[0][3] == 1
    contrast = agreeing.contrasts(workbench, beans, first, second, found.differences)[0]
    assert contrast.query.query_id == "q1" and contrast.document.doc_id == "d2"
    assert contrast.first[0].judgment.explanation == "ada on d2"
    assert contrast.second[0].judgment.explanation == "gpt on d2"


def test_nothing_in_common_and_no_variation_are_words(workbench, beans, say):
    say("ada", AssessorKind.HUMAN, "q1", "d1", 3)
    say("gpt", AssessorKind.TEACHER, "q1", "d2", 3)
    found = agreeing.compare(workbench, beans, *two(workbench, beans))
    assert found.agreement.pairs == 0 and isinstance(found.agreement.kappa, Undefined)
    say("gpt", AssessorKind.TEACHER, "q1", "d1", 3)
    found = agreeing.compare(workbench, beans, *two(workbench, beans))
    assert found.agreement.same == 1.0 and isinstance(found.agreement.alpha, Undefined)


def test_people_who_disagree_among_themselves_are_left_out(workbench, beans, say):
    say("ada", AssessorKind.HUMAN, "q1", "d1", 3)
    say("bob", AssessorKind.HUMAN, "q1", "d1", 0)
    say("gpt", AssessorKind.TEACHER, "q1", "d1", 3)
    sides = agreeing.sides(workbench, beans)
    found = agreeing.compare(workbench, beans, sides[0], sides[-1])
    assert found.conflicts == (1, 0) and found.agreement.pairs == 0
    assert agreeing.compare(workbench, beans, sides[0], sides[1]).shared == sides[1].assessor_ids


def add_labelled(workbench, labels):
    """A collection of these (assessor, kind, qrels), its texts made up."""
    pairs = {(q.query_id, q.doc_id) for _, _, qrels in labels for q in qrels}
    assessors = [Assessor(assessor_id=new_id(), name=name, kind=kind) for name, kind, _ in labels]
    collection = workbench.store.collections.add(
        name="many",
        scale=DEFAULT_SCALE,
        documents=[Document(doc_id=d, text=f"text of {d}") for d in sorted({d for _, d in pairs})],
        queries=[Query(query_id=q, text=f"query {q}") for q in sorted({q for q, _ in pairs})],
    )
    judgments = [
        Judgment(
            event_id=new_id(),
            collection_id=collection.collection_id,
            query_id=label.query_id,
            doc_id=label.doc_id,
            assessor_id=assessor.assessor_id,
            grade=label.grade,
        )
        for assessor, (_, _, qrels) in zip(assessors, labels, strict=True)
        for label in qrels
    ]
    workbench.store.judgments.add_many(judgments, assessors=assessors)
    return collection


@pytest.mark.dataset
def test_ten_thousand_judgments_compare_in_three_seconds(workbench):
    if not DL19.is_dir():
        pytest.skip(f"needs the test collection {DL19.name}")
    labels = [
        ("NIST", AssessorKind.HUMAN, read_qrels(DL19 / "qrels.tsv")),
        ("umbrela-gpt4", AssessorKind.TEACHER, read_qrels(DL19 / "teacher.umbrela-gpt4.tsv")),
    ]
    collection = add_labelled(workbench, labels)
    started = time.perf_counter()
    first, second = two(workbench, collection)
    found = agreeing.compare(workbench, collection, first, second)
    agreeing.contrasts(workbench, collection, first, second, found.differences[:10])
    assert time.perf_counter() - started < 3
    assert found.agreement.pairs == 9260
    assert found.agreement.kappa == pytest.approx(0.55, abs=0.15)


def test_figures_do_not_depend_on_the_order_of_events(workbench):
    rng = random.Random(1)
    ada, gpt = (
        [Qrel(query_id=f"q{i % 3}", doc_id=f"d{i}", grade=rng.randrange(4)) for i in range(40)] for _ in range(2)
    )
    labels = [("ada", AssessorKind.HUMAN, ada), ("gpt", AssessorKind.TEACHER, gpt[::-1])]
    collection = add_labelled(workbench, labels)
    found = agreeing.compare(workbench, collection, *two(workbench, collection))
    apart = {(a.query_id, a.doc_id) for a, b in zip(ada, gpt, strict=True) if a.grade != b.grade}
    assert {(d.query_id, d.doc_id) for d in found.differences} == apart


def test_graders_are_the_sides_without_their_counts(workbench, beans, say):
    say("Ann", AssessorKind.HUMAN, "q1", "d1", 1)
    say("Ben", AssessorKind.HUMAN, "q1", "d1", 2)
    say("gpt", AssessorKind.TEACHER, "q1", "d1", 2)
    say("Gone", AssessorKind.HUMAN, "q1", "d1", 2)
    gone = workbench.store.assessors.ensure("Gone", AssessorKind.HUMAN).assessor_id
    workbench.store.judgments.undo(beans.collection_id, gone)
    sides = agreeing.sides(workbench, beans)
    found = agreeing.graders(workbench, beans)
    assert [(g.side_id, g.name, g.assessor_ids) for g in found] == [(s.side_id, s.name, s.assessor_ids) for s in sides]
    assert found[0].name == "All people" and gone not in found[0].assessor_ids


def test_groups_of_a_kind_are_sides(workbench, beans, say):
    for name, kind in (("gpt", AssessorKind.TEACHER), ("umbrela", AssessorKind.TEACHER), ("ada", AssessorKind.HUMAN)):
        say(name, kind, "q1", "d1", 3)
    names = [side.name for side in agreeing.sides(workbench, beans)]
    assert names == ["All teachers", "Person: ada", "Teacher: gpt", "Teacher: umbrela"]


def test_a_settlement_is_what_the_group_says_and_not_what_its_assessor_thought(workbench, beans, say):
    first = say("ada", AssessorKind.HUMAN, "q1", "d1", 0)
    second = say("bob", AssessorKind.HUMAN, "q1", "d1", 3)
    say("gpt", AssessorKind.TEACHER, "q1", "d1", 3)
    settled = replace(first, event_id=new_id(), grade=3, settles=(first.event_id, second.event_id))
    workbench.store.judgments.add(settled)
    by_name = {side.name: side for side in agreeing.sides(workbench, beans)}
    people, ada, gpt = (by_name[name] for name in ("All people", "Person: ada", "Teacher: gpt"))
    assert agreeing.compare(workbench, beans, people, gpt).agreement.same == 1.0
    assert agreeing.compare(workbench, beans, ada, gpt).agreement.confusion[0][3] == 1


def test_everybody_against_everybody(workbench, beans, say):
    for number, doc_id in enumerate(("d1", "d2", "d3", "d4")):
        say("ada", AssessorKind.HUMAN, "q1", doc_id, number)
        say("bob", AssessorKind.HUMAN, "q1", doc_id, number)
        say("gpt", AssessorKind.TEACHER, "q1", doc_id, 3 - number)
    say("cy", AssessorKind.HUMAN, "q2", "d1", 2)
    found = agreeing.everybody(workbench, beans, agreeing.sides(workbench, beans))
    assert [side.name for side in found.sides] == ["Person: ada", "Person: bob", "Person: cy", "Teacher: gpt"]
    assert found.pairs[0] == (4, 4, 0, 4) and found.kappas[0][1] == 1.0 and found.kappas[0][3] == pytest.approx(-1)
    assert isnan(found.kappas[0][2])
    people, models = found.blocks
    assert (people.among.assessors, people.among.pairs, people.among.alpha) == (3, 4, 1.0)
    assert people.kappas == (1.0,) and models.among is None and len(models.kappas) == 2


def test_the_matrix_keeps_those_who_graded_most(workbench, beans, say):
    for number in range(agreeing.MOST + 2):
        say(f"person {number:02}", AssessorKind.HUMAN, "q1", "d1", 1)
    say("person 13", AssessorKind.HUMAN, "q1", "d2", 1)
    found = agreeing.everybody(workbench, beans, agreeing.sides(workbench, beans))
    assert len(found.sides) == agreeing.MOST and found.left_out == 2
    assert found.sides[-1].name == "Person: person 13"
