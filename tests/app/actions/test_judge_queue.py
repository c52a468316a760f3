from app.actions import judge, judging
from app.actions.judge import Desk, Item, Order
from data.records import Assessor, AssessorKind, Judgment, RankedDocument, Ranking, Status, new_id

ASSESSORS = {
    "me": Assessor(assessor_id="me", name="me", kind=AssessorKind.HUMAN),
    "t": Assessor(assessor_id="t", name="t", kind=AssessorKind.TEACHER),
    "t2": Assessor(assessor_id="t2", name="t2", kind=AssessorKind.TEACHER),
    "s": Assessor(assessor_id="s", name="s", kind=AssessorKind.STUDENT, version_id="base"),
}


def said(assessor_id, doc_id, grade, status=Status.JUDGED, query_id="q"):
    return Judgment(
        event_id=new_id(),
        collection_id="c",
        query_id=query_id,
        doc_id=doc_id,
        assessor_id=assessor_id,
        grade=grade,
        status=status,
    )


def ranking(*doc_ids, query_id="q"):
    documents = tuple(
        RankedDocument(doc_id=d, rank=i, score=-i, raw_score=None, first_stage_rank=i, first_stage_score=-i)
        for i, d in enumerate(doc_ids, start=1)
    )
    return Ranking(
        ranking_id=new_id(),
        collection_id="c",
        query_id=query_id,
        query_text="?",
        method="m",
        version_id="base",
        base_model="b",
        prompt_sha256="p",
        scale_name="s",
        retriever="r",
        depth=10,
        fusion_weight=0.2,
        parameters={},
        seconds={},
        documents=documents,
    )


def order(judgments, rankings=(), wanted=Order.USEFUL):
    return [item.doc_id for item in judge.queue(judgments, ASSESSORS, rankings, me="me", order=wanted)]


def test_disagreement_comes_first_then_what_stands_high():
    judgments = [
        said("s", "a", 0),
        said("t", "a", 1),
        said("s", "b", 0),
        said("t", "b", 3),
        said("s", "c", 2),
        said("s", "d", 2),
    ]
    rankings = [ranking("c", "d"), ranking("d", "a", "b", "c")]
    assert order(judgments, rankings) == ["b", "a", "c", "d"]
    assert order(judgments, rankings, Order.DISAGREEMENT) == ["b", "a"]
    assert order(judgments, rankings, Order.NEVER) == ["c", "d", "a", "b"]


def test_what_this_person_answered_is_not_asked_again_and_put_off_pairs_wait_apart():
    judgments = [
        said("t", "a", 1),
        said("me", "a", 2),
        said("me", "b", None, Status.SKIPPED),
        said("me", "c", None, Status.LATER),
        said("t", "d", 0),
    ]
    assert order(judgments, [ranking("a", "b", "c", "d", "e")]) == ["d", "e"]
    assert order(judgments, [ranking("a", "b", "c", "d", "e")], Order.LATER) == ["c"]


def test_two_of_one_kind_do_not_disagree():
    assert judge.disagreement([said("t", "a", 0), said("t2", "a", 3)], ASSESSORS) == 0
    assert judge.disagreement([said("t", "a", 1), said("t2", "a", 3), said("me", "a", 0)], ASSESSORS) == 3
    assert judge.disagreement([said("s", "a", None, Status.UNREADABLE), said("t", "a", 3)], ASSESSORS) == 0


def test_a_desk_moves_and_opens_pairs():
    items = [Item(query_id="q", doc_id=d) for d in "abc"]
    desk = Desk(collection_id="c", assessor_name="me", order=Order.USEFUL, items=items)
    desk.previous()
    assert desk.item.doc_id == "a"
    desk.open(("q", "c"))
    assert desk.position == 2
    desk.open(("q", "new"))
    assert desk.item.doc_id == "new" and len(desk.items) == 4
    desk.next()
    desk.next()
    desk.next()
    assert desk.item is None and desk.position == 4
    desk.previous()
    assert desk.item.doc_id == "c"


def test_blind_hides_others_until_decided(workbench, beans, say):
    student = say("base", AssessorKind.STUDENT, "q1", "d1", 3, "Because.")
    sheet = judge.sheet(workbench, beans, "ada", ("q1", "d1"))
    blind = judge.paint(sheet, blind=True, event_id="e")
    assert not blind.revealed and not blind.model_visible and blind.text == "" and blind.started_from is None
    assert not blind.goes_on(Status.JUDGED) and blind.goes_on(Status.SKIPPED)
    seen = judge.paint(sheet, blind=False, event_id="e")
    assert seen.revealed and seen.model_visible and seen.text == "Because." and seen.goes_on(Status.JUDGED)
    assert seen.started_from == student
    judging.save(workbench, beans, "ada", judging.Draft(event_id=new_id(), query_id="q1", doc_id="d1", grade=1))
    decided = judge.sheet(workbench, beans, "ada", ("q1", "d1"))
    assert judge.paint(decided, blind=True, event_id="e").revealed


def test_skipping_reveals_nothing(workbench, beans, say):
    say("base", AssessorKind.STUDENT, "q1", "d1", 3)
    skip = judging.Draft(event_id=new_id(), query_id="q1", doc_id="d1", status=Status.SKIPPED)
    judging.save(workbench, beans, "ada", skip)
    assert not judge.paint(judge.sheet(workbench, beans, "ada", ("q1", "d1")), blind=True, event_id="e").revealed


def test_progress_counts_this_person(workbench, beans, say):
    say("t", AssessorKind.TEACHER, "q1", "d1", 3)
    say("t", AssessorKind.TEACHER, "q1", "d2", 3)
    desk = judge.sit_down(workbench, beans, "ada", Order.USEFUL)
    assert judge.progress(workbench, beans, "ada", desk) == judge.Progress(judged=0, today=0, left=2)
    judging.save(workbench, beans, "ada", judging.Draft(event_id=new_id(), query_id="q1", doc_id="d1", grade=1))
    judging.save(workbench, beans, "bob", judging.Draft(event_id=new_id(), query_id="q1", doc_id="d2", grade=1))
    assert judge.progress(workbench, beans, "ada", desk) == judge.Progress(judged=1, today=1, left=1)
