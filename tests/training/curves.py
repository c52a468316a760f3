"""Points of learning curves, made without training anything."""

from dataclasses import replace

from training.curve import Point

QUERIES = [f"q{i:02}" for i in range(12)]


def point(count, seed=None, *, values=None, **changes):
    made = Point(
        count=count,
        seed=seed,
        per_query=dict(zip(QUERIES, values or [0.5] * len(QUERIES), strict=True)),
        bm25=0.4,
        kappa=0.2,
        kappa_note="",
        unreadable=0.0,
        by_grade={},
    )
    return replace(made, **changes)


def varied(shift):
    return [0.5 + shift + 0.01 * (i % 3) for i in range(len(QUERIES))]
