"""What is kept of prompts: the nearest is found, parts share memory, the oldest go first."""

import torch

from engine.lm.kept import Beginning, Kept


def beginning(*ids: int, parent: Beginning | None = None) -> Beginning:
    """One layer, one head; each token's keys hold its id, its values the negative."""
    own = ids[len(parent.ids) :] if parent else ids
    keys = torch.tensor(own, dtype=torch.float32).reshape(1, 1, -1, 1)
    return Beginning(ids=ids, layers=[(keys, -keys)], parent=parent)


def tokens(found: Beginning) -> list[int]:
    (keys, values) = found.layers[0]
    assert torch.equal(keys, -values)
    return [int(i) for i in keys.flatten()]


def test_the_beginning_that_reaches_furthest_is_found():
    kept = Kept(10_000)
    for ids in ((1, 2, 3), (1, 2, 4, 5), (7,)):
        kept.add("", beginning(*ids))
    found, reached = kept.nearest("", (1, 2, 4, 9))
    assert (found.ids, reached) == ((1, 2, 4, 5), 3)
    assert kept.nearest("", (8, 1))[1] == 0
    assert kept.nearest("", ())[1] == 0


def test_adapters_do_not_share():
    kept = Kept(10_000)
    kept.add("one", beginning(1, 2))
    assert kept.nearest("two", (1, 2))[1] == 0


def test_parts_follow_their_parent_at_any_cut():
    whole = beginning(1, 2, 3, 4, 5, 6, parent=beginning(1, 2, 3))
    for cut in range(1, 7):
        part = whole.first(cut)
        assert tokens(part) == list(part.ids) == [1, 2, 3, 4, 5, 6][:cut]
    assert whole.first(0).layers == []
    assert whole.bytes == 2 * 3 * 4


def test_the_least_recently_used_go_first():
    kept = Kept(3 * 2 * 4 * 2)  # three beginnings of two tokens
    for start in (1, 2, 3):
        kept.add("", beginning(start, 0))
    assert kept.nearest("", (1, 0))[1] == 2
    kept.add("", beginning(4, 0))
    assert [kept.nearest("", (start, 0))[1] for start in (1, 2, 3, 4)] == [2, 0, 2, 2]
    kept.forget()
    assert kept.nearest("", (1, 0))[1] == 0


def test_what_is_larger_than_the_limit_is_not_kept():
    kept = Kept(10)
    kept.add("", beginning(*range(50)))
    assert kept.nearest("", range(50))[1] == 0
