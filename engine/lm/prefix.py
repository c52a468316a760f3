"""What prompts share: grouping token sequences by their common beginning. Pure; the local backend computes each
group's beginning once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

KEPT = 0.9
"""A sequence joins a group while at least this share of the group's common beginning survives."""
SHORTEST = 16
"""Fewer shared tokens than this are not worth a pass of their own."""

Tokens = Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Sequences that begin alike. Every member has at least one token after the prefix."""

    prefix_tokens: int
    members: tuple[int, ...]
    """Positions in the list that was grouped, shortest sequence first."""


def common(first: Tokens, second: Tokens) -> int:
    """How many tokens two sequences share from the start."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))


def groups(sequences: Sequence[Tokens]) -> list[Group]:
    """Group sequences greedily in sorted order, where those that begin alike stand together."""
    order = sorted(range(len(sequences)), key=lambda i: tuple(sequences[i]))
    found: list[Group] = []
    members: list[int] = []
    prefix = 0
    for position in order:
        tokens = sequences[position]
        if members:
            shared = common(sequences[members[0]][:prefix], tokens[:-1])
            if shared >= SHORTEST and shared >= KEPT * (prefix if len(members) > 1 else shared):
                members.append(position)
                prefix = shared
                continue
            found.append(_group(sequences, members, prefix))
        members, prefix = [position], len(tokens) - 1
    if members:
        found.append(_group(sequences, members, prefix))
    return found


def batches(
    lengths: Sequence[int], prefix_tokens: int, *, budget: int, fresh: int | None = None, rows: int | None = None
) -> Iterator[slice]:
    """Cut a list of suffix lengths, rising, into batches.

    A batch's padded size, the prefix's keys and values counted in for each row, stays within `budget` tokens; its
    padded suffixes alone within `fresh` tokens; its rows within `rows`. A single row always fits.
    """
    start = 0
    for end in range(1, len(lengths) + 1):
        following = end - start + 1
        if end < len(lengths):
            too_large = following * (prefix_tokens + lengths[end]) > budget
            too_fresh = fresh is not None and following * lengths[end] > fresh
            too_many = rows is not None and following > rows
            if not (too_large or too_fresh or too_many):
                continue
        yield slice(start, end)
        start = end


def _group(sequences: Sequence[Tokens], members: Sequence[int], prefix: int) -> Group:
    shared = prefix if len(members) > 1 else 0
    return Group(prefix_tokens=shared, members=tuple(sorted(members, key=lambda i: (len(sequences[i]), i))))
