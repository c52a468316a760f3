import pytest

from app.actions import queue
from app.actions.queue import Choice, Strategy
from data.errors import SettingsError
from data.records import Status
from data.standing import Standing


def laid_out(standings, strategy=Strategy.USEFUL, **choice):
    found = queue.lay_out(standings, Choice(strategy=strategy, **choice), most=100)
    assert found.waiting == len(found.items)
    return [item.doc_id for item in found.items]


def said(doc_id, student=None, teacher=None, **more):
    return Standing("q", doc_id, student, None if teacher is None else (teacher, teacher), **more)


SURE, TORN = (0.97, 0.01, 0.01, 0.01), (0.38, 0.35, 0.2, 0.07)


def test_the_most_useful_is_disagreement_then_doubt_then_a_high_place():
    standings = [
        said("agreed", 2, 2, rank=3),
        said("high", 2, rank=1, probabilities=SURE),
        said("torn", 1, rank=9, probabilities=TORN),
        said("far", 0, 3, rank=50),
        said("near", 0, 1, rank=2),
    ]
    assert laid_out(standings) == ["far", "near", "torn", "high", "agreed"]
    assert laid_out(standings, Strategy.TEACHER) == ["far", "near"]
    assert laid_out(standings, Strategy.UNSURE) == ["torn", "high"]
    assert laid_out(standings, Strategy.NEVER) == ["high", "near", "agreed", "torn", "far"]


def test_what_one_answered_is_not_asked_again_and_put_off_pairs_wait_apart():
    standings = [said("new", 1), said("skipped", 1, mine=Status.SKIPPED), said("off", 1, mine=Status.LATER)]
    standings += [said("judged", 1, mine=Status.JUDGED), said("by-ann", 1, decided=1, people=(1, 1))]
    assert laid_out(standings) == ["new"]
    assert laid_out(standings, Strategy.LATER) == ["off"]


def test_people_against_the_student_is_a_second_opinion():
    standings = [said("a", 0, people=(2, 3), decided=2), said("b", 1, people=(1, 1), decided=1), said("c", 1)]
    found = queue.lay_out(standings, Choice(strategy=Strategy.PEOPLE), most=9)
    (item,) = found.items
    assert (item.doc_id, item.places, item.reason) == ("a", 3, "student 0, people 3")


def test_overlap_finishes_what_was_begun():
    standings = [said("none", rank=1), said("one", decided=1), said("two", decided=2), said("unranked")]
    assert laid_out(standings, Strategy.OVERLAP, assessors=2) == ["one", "none"]
    assert laid_out(standings, Strategy.OVERLAP, assessors=3) == ["two", "one", "none"]


def test_random_is_the_same_again_with_the_same_seed_only():
    standings = [said(f"d{i}") for i in range(30)]
    one, other = (laid_out(standings, Strategy.RANDOM, seed=seed) for seed in ("ann", "ben"))
    assert one == laid_out(standings[::-1], Strategy.RANDOM, seed="ann")
    assert sorted(one) == sorted(other) and one != other != sorted(other)


@pytest.mark.parametrize(
    ("standing", "strategy", "reason", "blind"),
    [
        (said("a", 0, 3), Strategy.USEFUL, "student 0, teacher 3", "student and teacher differ"),
        (said("a", 1, rank=2, probabilities=TORN), Strategy.UNSURE, "the student is unsure: 38 % / 35 %", "is unsure"),
        (said("a", 1, rank=2, probabilities=SURE), Strategy.NEVER, "rank 2, judged by nobody", "stands high"),
        (said("a", decided=1), Strategy.OVERLAP, "judged by 1 of 2 people", "judged by 1 of 2 people"),
    ],
)
def test_every_item_says_why_and_a_blind_reason_gives_nothing_away(standing, strategy, reason, blind):
    (item,) = queue.lay_out([standing], Choice(strategy=strategy), most=1).items
    assert item.reason == reason and blind in item.blind_reason
    if strategy is not Strategy.OVERLAP:
        assert not any(character.isdigit() for character in item.blind_reason)


def test_only_so_many_are_kept_and_all_are_counted():
    found = queue.lay_out([said(f"d{i:02}", rank=i + 1) for i in range(40)], Choice(), most=3)
    assert [item.doc_id for item in found.items] == ["d00", "d01", "d02"] and found.waiting == 40


def test_a_pool_keeps_its_order_and_says_nothing_of_models():
    pairs = [("q", "b"), ("q", "a"), ("q", "c"), ("q", "d")]
    found = queue.of_pairs(pairs, [said("a", 0, 3), said("c", decided=1), said("d", mine=Status.JUDGED)], most=9)
    assert [item.doc_id for item in found.items] == ["b", "a"]
    assert all(item.reason == item.blind_reason and "0" not in item.reason for item in found.items)
    with pytest.raises(SettingsError):
        Choice(strategy=Strategy.POOL)


def test_entropy_is_in_bits():
    assert queue.entropy((0.25,) * 4) == 2 and queue.entropy((1.0, 0.0)) == 0 == queue.entropy(None)


def test_a_list_is_a_page_of_a_query_by_rank_or_shuffled():
    standings = [said(f"d{i}", rank=9 - i) for i in range(5)]

    def page(number, seed=""):
        choice = Choice(strategy=Strategy.LIST, query_id="q", page=number, seed=seed)
        return [item.doc_id for item in queue.of_query(standings, choice, per_page=3).items]

    assert (page(1), page(2)) == (["d4", "d3", "d2"], ["d1", "d0"])
    assert sorted(page(1, "ann") + page(2, "ann")) == [f"d{i}" for i in range(5)] and page(1, "ann") != page(1)
