import pytest

from app.actions import desk as desks
from app.actions import judge, judging, people
from app.actions.queue import Choice, Strategy
from data.errors import NotAllowedError
from data.people import Person, Role
from data.records import AssessorKind, Document, Query, new_id
from data.scales import DEFAULT_SCALE

ME = people.local("me")
PAIRS = 120


@pytest.fixture
def many(workbench):
    """A collection whose pairs all wait."""
    added = workbench.store.collections.add(
        name="many",
        scale=DEFAULT_SCALE,
        documents=[Document(doc_id=f"d{i:03}", text=f"Text {i}.") for i in range(PAIRS)],
        queries=[Query(query_id="q", text="why")],
    )
    teacher = workbench.store.assessors.ensure("gpt", AssessorKind.TEACHER)
    said = [
        judging.Judgment(
            event_id=new_id(),
            collection_id=added.collection_id,
            query_id="q",
            doc_id=f"d{i:03}",
            assessor_id=teacher.assessor_id,
            grade=1,
        )
        for i in range(PAIRS)
    ]
    workbench.store.judgments.add_many(said)
    return added


def sit(workbench, collection, name="ada", **choice):
    return desks.sit_down(workbench, collection, name, Choice(**choice))


def docs(desk, start=0):
    return [item.doc_id for _, item in desk.numbered(start, desk.end)]


def grade(workbench, collection, desk):
    item = dict(desk.numbered(desk.at, desk.at + 1))[desk.at]
    draft = judging.Draft(event_id=new_id(), query_id=item.query_id, doc_id=item.doc_id, grade=1)
    judging.save(workbench, collection, desk.assessor_name, draft)
    desks.answered(desk, [item.pair])
    desks.move(workbench, desk, desk.at + 1)
    return item.doc_id


def test_two_people_are_never_handed_the_same_pair(workbench, many):
    ada, bob = sit(workbench, many), sit(workbench, many, "bob")
    assert len(docs(ada)) == 1 + desks.AHEAD and not set(docs(ada)) & set(docs(bob))
    judged = {"ada": [], "bob": []}
    while not (ada.ended and bob.ended and ada.at == ada.end and bob.at == bob.end):
        for desk in (ada, bob):
            if desk.at < desk.end:
                judged[desk.assessor_name].append(grade(workbench, many, desk))
            else:
                desk.ended = False
                desks.move(workbench, desk, desk.at)
    assert sorted(judged["ada"] + judged["bob"]) == [f"d{i:03}" for i in range(PAIRS)]


def test_only_a_quarter_of_a_short_queue_is_held_by_one(workbench, many):
    desk = sit(workbench, many)
    while desk.left > 40:
        grade(workbench, many, desk)
    assert desk.end - desk.at <= 1 + desks.AHEAD
    while desk.left > 8:
        grade(workbench, many, desk)
    desks.leave(workbench, desk)
    again = sit(workbench, many)
    assert again.end == 1 + max(desks.FEWEST, 8 // 4)
    assert sit(workbench, many, "bob").end >= 1


def test_what_is_left_behind_is_free_for_others(workbench, many):
    ada = sit(workbench, many)
    first = docs(ada)[0]
    desks.move(workbench, ada, desks.AHEAD // 2)
    held = {lease.doc_id for lease in workbench.store.leases.held(many.collection_id)}
    assert held == set(docs(ada)), "with half of it ahead still, nothing is written"
    here = desks.AHEAD // 2 + 1
    desks.move(workbench, ada, here)
    held = {lease.doc_id for lease in workbench.store.leases.held(many.collection_id)}
    assert first not in held and held == set(docs(ada, here))
    assert len(held) == 1 + desks.AHEAD
    assert docs(sit(workbench, many, "bob"))[0] == first
    desks.leave(workbench, ada)
    assert not {lease.doc_id for lease in workbench.store.leases.held(many.collection_id)} & set(docs(ada, here))


def test_standing_still_writes_nothing(workbench, many):
    desk = sit(workbench, many)
    before = workbench.store.leases.held(many.collection_id)
    desks.move(workbench, desk, desk.at)
    assert workbench.store.leases.held(many.collection_id) == before


def test_the_line_never_changes_what_a_number_means(workbench, many):
    desk = sit(workbench, many)
    before = dict(desk.numbered(0, desk.end))
    desks.taken_back(desk, ("q", "d119"))
    for _ in range(30):
        grade(workbench, many, desk)
    assert {n: desk.line[n - desk.first] for n in before} == before
    assert desk.number_of(("q", "d119")) == -1


def test_overlap_gives_one_pair_to_as_many_as_it_shall_have(workbench, many):
    desks_of_three = [sit(workbench, many, name, strategy=Strategy.NEVER) for name in ("ada",)]
    assert desks_of_three[0].ended, "no ranking: nothing stands high"
    for name in ("ada", "bob", "cem"):
        judging.save(
            workbench, many, name, judging.Draft(event_id=new_id(), query_id="q", doc_id=f"d00{len(name)}", grade=1)
        )
    two = [sit(workbench, many, name, strategy=Strategy.OVERLAP, assessors=4) for name in ("dan", "eve")]
    assert docs(two[0]) == ["d003"] and docs(two[1]) == [], "three judged it, one more holds it"


def test_a_long_document_comes_in_pieces(workbench):
    text = "x" * 2_000_000
    added = workbench.store.collections.add(
        name="long",
        scale=DEFAULT_SCALE,
        documents=[Document(doc_id="d", text=text)],
        queries=[Query(query_id="q", text="why")],
    )
    desk = desks.sit_down(workbench, added, "ada", Choice(), ("q", "d"))
    (item,) = judge.paint(workbench, added, desk, blind=True)
    assert len(item["text"]) == judge.DOCUMENT and item["length"] == len(text)
    piece = judge.more(workbench, added, ("d", judge.DOCUMENT))
    assert (piece["start"], len(piece["text"])) == (judge.DOCUMENT, judge.DOCUMENT)
    assert judge.more(workbench, added, ("none", 0)) is None


@pytest.mark.parametrize("state", [None, "x", {"at": "1"}, {"outbox": 3, "more": {"start": -1}}, {"beat": None}])
def test_a_message_of_another_form_counts_as_not_sent(state):
    assert judge.read(state) == judge.Sent()


def test_a_message_is_stored_acknowledged_and_followed(workbench, many):
    desk = sit(workbench, many)
    (_, first), *_ = desk.numbered(0, 2)
    row = {"seq": 1, "event_id": new_id(), "kind": "grade", "query_id": "q", "doc_id": first.doc_id, "grade": 3}
    sent = judge.read({"desk": desk.desk_id, "at": 1, "beat": 7, "outbox": [row], "more": None})
    with pytest.raises(NotAllowedError, match="can't judge as"):
        judge.take(workbench, many, Person(name="Eve", role=Role.ADMIN, login="i eve"), desk, sent, {})
    answers = judge.take(workbench, many, ME, desk, sent, {})
    data = judge.data(workbench, many, desk, sent, answers, blind=True)
    assert (data["heard"], data["at"], data["progress"]["judged"]) == (7, 1, 1)
    assert [(a["event_id"], a["saved"]) for a in data["answers"]] == [(row["event_id"], True)]
    judged = next(item for item in data["items"] if item["n"] == 0)
    assert judged["mine"]["grade"] == 3 and judged["others"][0]["who"] == "gpt"
    assert next(item for item in data["items"] if item["n"] == 1)["others"] is None
    assert judge.take(workbench, many, ME, desk, sent, answers) == answers
    undo = {**row, "kind": "undo", "event_id": new_id(), "undoes": row["event_id"], "grade": None, "seq": 2}
    sent = judge.read({"desk": desk.desk_id, "at": 0, "beat": 8, "outbox": [undo]})
    answers = judge.take(workbench, many, ME, desk, sent, {})
    (told,) = judge.acknowledged(desk, sent, answers)
    assert (told["saved"], told["n"], desk.left) == (True, 0, PAIRS)
