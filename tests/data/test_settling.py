"""What people together say of a pair, case by case, and what holds in every case."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records import Judgment, Status, utc_now
from data.settling import Resolution, resolve, resolve_all

START = utc_now()
CANT = "can't judge"


def event(name, grade, *settles, after=0, doc_id="d"):
    """An event of the assessor who is the first letter of its id."""
    status = {CANT: Status.CANT_JUDGE, None: Status.SKIPPED}.get(grade, Status.JUDGED)
    return Judgment(
        event_id=name,
        collection_id="c",
        query_id="q",
        doc_id=doc_id,
        assessor_id=name[0],
        status=status,
        grade=grade if status is Status.JUDGED else None,
        settles=settles,
        created_at=START + timedelta(seconds=after),
    )


A0, B3, B2 = event("a1", 0), event("b1", 3), event("b2", 2)
CASES = {
    "nobody": ([], None, None, False),
    "one person": ([A0], 0, None, False),
    "two who agree": ([A0, event("b1", 0)], 0, None, False),
    "two who disagree": ([A0, B3], None, None, True),
    "who skipped or can't judge disagrees with nobody": ([A0, event("b1", None), event("c1", CANT)], 0, None, False),
    "a lead's own grade settles nothing": ([A0, B3, event("l1", 3)], None, None, True),
    "settled": ([A0, B3, event("l1", 2, "a1", "b1")], 2, "l1", False),
    "settled by one of the two": ([A0, event("b2", 1, "a1", "b1")], 1, "b2", False),
    "settled as one of them said": ([A0, B3, event("l1", 3, "a1")], 3, "l1", False),
    "settled as can't be judged": ([A0, B3, event("l1", CANT, "a1", "b1")], None, "l1", False),
    "one of them was not seen": ([A0, B3, event("l1", 2, "a1")], None, None, True),
    "a newer grade reopens": ([A0, B2, event("l1", 3, "a1", "b1")], None, None, True),
    "a third person reopens": ([A0, B3, event("l1", 3, "a1", "b1"), event("c1", 0)], None, None, True),
    "a third person who agrees does not": ([A0, B3, event("l1", 3, "a1", "b1"), event("c1", 3)], 3, "l1", False),
    "all came round to another grade": (
        [event("a2", 1), event("b2", 1), event("l1", 3, "a1", "b1")],
        None,
        None,
        True,
    ),
    "all came round, and it can't be judged no more": (
        [event("a2", 1), event("b2", 1), event("l1", CANT, "a1", "b1")],
        1,
        None,
        False,
    ),
    "the settlement was taken back": ([A0, B3], None, None, True),
    "one who disagreed took it back": ([B3, event("l1", 2, "a1", "b1")], 2, "l1", False),
    "a second lead overrules the first": (
        [A0, B3, event("l1", 3, "a1", "b1"), event("m1", 1, "a1", "b1", "l1")],
        1,
        "m1",
        False,
    ),
    "two leads at once, differently": (
        [A0, B3, event("l1", 3, "a1", "b1"), event("m1", 1, "a1", "b1")],
        None,
        None,
        True,
    ),
    "two leads at once, alike: the later is named": (
        [A0, B3, event("l1", 2, "a1", "b1", after=9), event("m1", 2, "a1", "b1")],
        2,
        "l1",
        False,
    ),
    "two leads who name each other": (
        [A0, event("l1", 3, "a1", "m1"), event("m1", 1, "a1", "l1")],
        None,
        None,
        True,
    ),
    "skipping settles nothing": ([A0, B3, event("l1", None, "a1", "b1")], None, None, True),
}


@pytest.mark.parametrize(("said", "grade", "settled_by", "is_open"), CASES.values(), ids=CASES)
def test_how_a_pair_stands(said, grade, settled_by, is_open):
    found = resolve(said)
    assert (found.grade, found.settled_by, found.open) == (grade, settled_by, is_open)


def test_the_spread_is_between_the_lowest_and_the_highest():
    assert resolve([A0, B2, event("c1", 1)]) == Resolution(grade=None, grades=(0, 1, 2))
    assert resolve([A0, B2]).spread == 2 and resolve([]).spread == 0


def test_pairs_stand_for_themselves():
    other = event("c1", 1, doc_id="other")
    found = resolve_all([A0, other, B3, event("e1", None, doc_id="skipped")])
    assert {pair: how.grade for pair, how in found.items()} == {("q", "d"): None, ("q", "other"): 1}


people = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 3), st.just(CANT), st.none()),
        st.sets(st.integers(0, 6)),
        st.integers(0, 3),
    ),
    max_size=7,
)


def events(drawn):
    return [
        event(f"{'abcdefg'[i]}1", grade, *(f"{'abcdefg'[j]}1" for j in sorted(settled) if j != i), after=after)
        for i, (grade, settled, after) in enumerate(drawn)
    ]


@given(people, st.randoms())
def test_the_order_of_the_events_does_not_matter(drawn, random):
    said = events(drawn)
    mixed = list(said)
    random.shuffle(mixed)
    assert resolve(said) == resolve(mixed)


@given(people, st.integers(0, 3))
def test_one_who_settles_all_there_is_wins_until_somebody_says_something_else(drawn, grade):
    said = events(drawn)
    settled = [*said, event("l1", grade, *(e.event_id for e in said), after=10)]
    if said:
        assert (resolve(settled).grade, resolve(settled).settled_by) == (grade, "l1")
        again = resolve([*settled, event("z1", (grade + 1) % 4)])
        assert again.open and again.grade is None
        assert resolve([*settled, event("z1", grade)]).grade == grade


@given(people)
def test_an_open_conflict_counts_for_nothing_and_others_for_a_grade_that_was_given(drawn):
    found = resolve(events(drawn))
    assert found.grade is None if found.open else found.grade is None or found.grade in found.grades
