"""Grouping by common beginnings, and batches."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.lm.prefix import SHORTEST, batches, common, groups

SYSTEM = list(range(100, 100 + 2 * SHORTEST))


def test_documents_of_one_query_are_one_group():
    prompts = [[*SYSTEM, 1, 2, 3, 50 + i] for i in range(5)]
    (group,) = groups(prompts)
    assert group.prefix_tokens == len(SYSTEM) + 3
    assert sorted(group.members) == [0, 1, 2, 3, 4]


def test_queries_with_long_texts_of_their_own_are_apart():
    prompts = [[*SYSTEM, *[q] * 40, 50 + i] for q in (1, 2) for i in range(3)]
    assert sorted(g.prefix_tokens for g in groups(prompts)) == [len(SYSTEM) + 40] * 2


def test_a_single_prompt_shares_nothing_and_equal_ones_all_but_the_last_token():
    assert groups([SYSTEM])[0].prefix_tokens == 0
    assert groups([SYSTEM, SYSTEM])[0].prefix_tokens == len(SYSTEM) - 1
    assert groups([]) == []


def test_a_prompt_that_is_the_beginning_of_another_keeps_a_token_of_its_own():
    (group,) = groups([SYSTEM, [*SYSTEM, 1, 2]])
    assert group.prefix_tokens == len(SYSTEM) - 1


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=60), max_size=20))
@settings(max_examples=150, deadline=None)
def test_every_prompt_is_in_one_group_and_begins_with_its_prefix(prompts):
    found = groups(prompts)
    assert sorted(i for g in found for i in g.members) == list(range(len(prompts)))
    for group in found:
        first = prompts[group.members[0]]
        for i in group.members:
            assert len(prompts[i]) > group.prefix_tokens
            assert common(first, prompts[i]) >= group.prefix_tokens


@given(
    st.lists(st.integers(1, 50), max_size=30),
    st.integers(0, 50),
    st.integers(1, 400),
    st.none() | st.integers(1, 100),
    st.none() | st.integers(1, 8),
)
@settings(max_examples=150, deadline=None)
def test_batches_cover_everything_within_their_bounds(lengths, prefix, budget, fresh, rows):
    lengths = sorted(lengths)
    parts = list(batches(lengths, prefix, budget=budget, fresh=fresh, rows=rows))
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(len(lengths)))
    for part in parts:
        count, longest = part.stop - part.start, lengths[part.stop - 1]
        assert count == 1 or count * (prefix + longest) <= budget
        assert count == 1 or fresh is None or count * longest <= fresh
        assert rows is None or count <= max(rows, 1)
